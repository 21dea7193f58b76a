/* Replays: the price follows every tick, and the table fills while it works.
 *
 * The pages work without this file: "Price it" asks, and the table's page loads itself again. What is asked for is the
 * form's own post; the digest in it stands for what was shown.
 */

const WAIT = 300;
const AGAIN = [2000, 5000, 15000, 30000];
const POLL = 2000;

const form = document.getElementById("replay");
const table = document.querySelector("[data-table]");

if (form) pricing();
if (table?.dataset.live) watching();

function pricing() {
  const one = (selector, root = form) => root.querySelector(selector);
  const line = one("[data-line]");
  const order = one("[data-order]");
  const priceIt = one("[data-price-it]");
  const go = one('button[value="replay"]') ?? goButton(priceIt);
  let timer = 0;
  let flight = null;
  let failures = 0;
  let fresh = false;

  function mark(isFresh) {
    fresh = isFresh;
    line.setAttribute("aria-busy", String(!isFresh));
    go.setAttribute("aria-disabled", String(!isFresh || !form.elements.digest.value));
  }

  function later(wait) {
    clearTimeout(timer);
    mark(false);
    timer = setTimeout(price, wait);
  }

  async function price() {
    clearTimeout(timer);
    flight?.abort();
    const mine = (flight = new AbortController());
    const body = new FormData(form);
    const headers = { Accept: "application/json", "X-CSRFToken": body.get("csrfmiddlewaretoken") };
    try {
      const options = { method: "POST", body, headers, redirect: "manual", signal: mine.signal };
      const answer = await fetch(form.dataset.price, options);
      if (answer.type === "opaqueredirect") return say(form.dataset.ended);
      if (!answer.ok) throw new Error(String(answer.status));
      show(await answer.json());
      failures = 0;
    } catch {
      if (mine.signal.aborted) return;
      say(form.dataset.unreached);
      if (!document.hidden) timer = setTimeout(price, AGAIN[Math.min(failures++, AGAIN.length - 1)]);
    }
  }

  function say(words) {
    form.elements.digest.value = "";
    mark(false);
    line.setAttribute("aria-busy", "false");
    line.textContent = words;
  }

  function show(data) {
    form.elements.digest.value = data.digest;
    if (line.textContent !== data.line) line.textContent = data.line;
    go.textContent = data.button;
    for (const [name, words] of Object.entries(data.prices)) {
      const card = one(`[data-route="${CSS.escape(name)}"] [data-price-of]`);
      if (card) card.textContent = words;
    }
    // A fragment that our own server rendered.
    if (order.innerHTML.trim() !== data.html.trim()) order.innerHTML = data.html;
    mark(true);
  }

  form.addEventListener("input", (event) => event.target.name !== "q" && later(WAIT));
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.name !== "q") return;
    event.preventDefault();
    form.requestSubmit(one('button[value="search"]'));
  });
  form.addEventListener("submit", (event) => {
    const wanted = event.submitter?.value ?? "price";
    if (wanted === "search" || (wanted === "replay" && fresh && form.elements.digest.value)) return;
    event.preventDefault();
    price();
  });
  addEventListener("pageshow", (event) => event.persisted && later(0));
  priceIt.hidden = true;
  go.textContent ||= priceIt.textContent;
  form.classList.add("studio-lively");
  later(0);
}

function goButton(priceIt) {
  const button = priceIt.cloneNode();
  button.value = "replay";
  button.removeAttribute("data-price-it");
  button.className = "button default studio-go";
  priceIt.after(button);
  return button;
}

function watching() {
  const said = document.querySelector("[data-said]");
  const plain = (root) => root.innerHTML.replace(/name="csrfmiddlewaretoken" value="[^"]*"/g, "").trim();
  let failures = 0;

  async function poll() {
    try {
      const answer = await fetch(table.dataset.live, { headers: { Accept: "application/json" }, redirect: "manual" });
      if (!answer.ok) throw new Error(String(answer.status));
      const data = await answer.json();
      failures = 0;
      const next = document.createElement("template");
      next.innerHTML = data.html;
      if (plain(next) !== plain(table)) {
        table.replaceChildren(next.content);
        said.textContent = data.said;
      }
      if (data.active) setTimeout(poll, POLL);
    } catch {
      setTimeout(poll, AGAIN[Math.min(failures++, AGAIN.length - 1)]);
    }
  }

  setTimeout(poll, POLL);
}
