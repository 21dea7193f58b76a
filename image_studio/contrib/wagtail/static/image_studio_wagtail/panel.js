// The studio's panel in Wagtail: sends its forms, shows what comes back, and tells the dialog what was chosen.
// Everything works without it on the studio's own page; in a dialog there is no page to go to.

const ROOT = "[data-studio]";
const PAUSE = 2000;
const timers = new WeakMap();

/** Shows an answer in the panel's place. `words` come from the server, escaped by its templates. */
function show(root, words) {
  root.innerHTML = words;
  delete root.dataset.dirty;
  const chosen = root.querySelector("[data-studio-chosen]");
  const choice = root.closest("#tab-studio")?.querySelector("[data-studio-choice]");
  if (chosen && choice) {
    choice.href = chosen.dataset.studioChosen;
    choice.click();
    return;
  }
  again(root);
}

async function load(root, url, body) {
  clearTimeout(timers.get(root));
  root.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(url, {
      method: body ? "POST" : "GET",
      body,
      headers: { "X-Studio-Panel": "1", "X-Requested-With": "XMLHttpRequest" },
    });
    if (answer.ok) show(root, await answer.text());
    else if (body) fail(root);
    else again(root);
  } catch {
    if (body) fail(root);
    else again(root);
  } finally {
    root.removeAttribute("aria-busy");
  }
}

/** A form that could not be sent stays as it is: only its buttons wake up, and the site's own words stand above. */
function fail(root) {
  for (const button of root.querySelectorAll("button[disabled]")) button.disabled = false;
  const line = document.createElement("div");
  line.className = "help-block help-critical";
  line.setAttribute("role", "alert");
  line.textContent = document.querySelector("[data-studio-failed]")?.dataset.studioFailed ?? "";
  root.querySelector("[role=alert]")?.remove();
  root.prepend(line);
}

/** Looks again for what is on its way, but never over words that somebody is typing. */
function again(root) {
  const waiting = root.querySelector("[data-studio-again]");
  if (!waiting) return;
  timers.set(
    root,
    setTimeout(() => {
      if (!root.isConnected) return;
      if (root.dataset.dirty || root.contains(document.activeElement?.closest("form"))) again(root);
      else load(root, waiting.dataset.studioAgain);
    }, PAUSE),
  );
}

document.addEventListener("submit", (event) => {
  const root = event.target.closest?.(ROOT);
  if (!root) return;
  event.preventDefault();
  event.stopPropagation();
  const form = event.target;
  const data = new FormData(form, event.submitter);
  if (form.method === "get") {
    load(root, `${form.action}?${new URLSearchParams(data)}`);
    return;
  }
  if (event.submitter) event.submitter.disabled = true;
  load(root, form.action, data);
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-studio-link]");
  const root = link?.closest(ROOT);
  if (!root || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  load(root, link.href);
});

document.addEventListener("input", (event) => {
  const root = event.target.closest?.(ROOT);
  if (root) root.dataset.dirty = "1";
});

for (const root of document.querySelectorAll(ROOT)) again(root);
