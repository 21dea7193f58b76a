// A picture's page: decisions without a reload when they are refused, the focal point by a click, the place of a
// change by dragging. Everything here is an addition: without it there are plain forms and number fields.

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const clamp = (value) => Math.min(1, Math.max(0, value));

const page = one("[data-asset]");
const shot = one("[data-shot]");
const hint = one("[data-hint]");

// What is said ------------------------------------------------------------------------------------------------------

// What a decision changes; the words that somebody is writing are not among them.
const PARTS = ["#decide", "[data-asked]", "#verdicts", "#renditions", "#used", "#history", "[data-tag]"];
const LEAST = 2000;
const MOST = 15000;

function answer(words, { good = false, link = "" } = {}) {
  const line = one("[data-answer]");
  line.replaceChildren(words);
  line.classList.toggle("ast-good", good);
  if (link) {
    const anchor = document.createElement("a");
    anchor.href = location.href;
    anchor.textContent = link;
    line.append(" ", anchor);
  }
  line.hidden = !words;
  if (words) line.scrollIntoView({ block: "nearest" });
}

// Nothing is asked for any more; what was typed stays.
function ended() {
  over = true;
  answer(page.dataset.ended, { link: document.title });
}

function saying() {
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("[data-say]");
    if (!form) return;
    event.preventDefault();
    if (form.getAttribute("aria-busy") === "true") return;
    const body = new FormData(form, event.submitter);
    const buttons = all("button", form);
    form.setAttribute("aria-busy", "true");
    for (const button of buttons) button.disabled = true;
    answer("");
    try {
      await say(body);
    } catch {
      answer(page.dataset.broken);
    }
    form.removeAttribute("aria-busy");
    for (const button of buttons) button.disabled = false;
    if (form.isConnected) event.submitter?.focus();
  });
}

async function say(body) {
  const response = await fetch(page.dataset.url, {
    method: "POST",
    body,
    headers: { Accept: "application/json", "X-CSRFToken": body.get("csrfmiddlewaretoken") },
    redirect: "manual",
  });
  const told = response.type === "opaqueredirect" ? null : await response.json().catch(() => null);
  if (told?.ok) {
    over = false;
    pause = LEAST;
    enter(null);
    if (await refresh()) answer(told.message, { good: true });
    follow();
  } else if (told?.code === "session.ended" || (!told && (response.type === "opaqueredirect" || response.status === 403))) {
    ended();
  } else answer(told?.message ?? page.dataset.broken);
}

// Take what changed from a fresh page. Returns whether it came.
async function refresh() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "manual" });
  if (response.type === "opaqueredirect") ended();
  if (!response.ok) return false;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of PARTS) {
    const then = one(part, fresh);
    if (then) one(part)?.replaceWith(document.adoptNode(then));
  }
  merge(fresh);
  changePlace();
  copying();
  return true;
}

// Words that nobody is writing follow the fresh page, such as alt text that was given beside a button; others stay.
function merge(fresh) {
  for (const then of all("[data-words] [name]", fresh)) {
    const now = one(`[data-words] [name="${CSS.escape(then.name)}"]`);
    if (now && (now.type === "hidden" || now.value === now.defaultValue)) {
      now.defaultValue = then.defaultValue;
      now.value = then.defaultValue;
    }
  }
}

// While its public files are made, ask now and then whether they are there.
let pause = LEAST;
let timer = 0;
let over = false;

function follow() {
  clearTimeout(timer);
  if (over || !one("#decide[data-publishing]")) return;
  timer = setTimeout(async () => {
    const busy = document.hidden || one("#decide").contains(document.activeElement);
    pause = Math.min(MOST, pause * 1.5);
    try {
      if (!busy) await refresh();
    } catch {
      // The next round may reach it.
    }
    follow();
  }, pause);
}

// Pointing at the picture -------------------------------------------------------------------------------------------

let mode = null;

function enter(next) {
  mode?.leave();
  mode = next;
  shot.classList.toggle("ast-drawing", Boolean(mode));
  hint.textContent = mode?.words ?? "";
  if (mode) shot.scrollIntoView({ block: "nearest" });
}

function place(event) {
  const box = one("img", shot).getBoundingClientRect();
  return [clamp((event.clientX - box.left) / box.width), clamp((event.clientY - box.top) / box.height)];
}

function toggle(button, words, handlers) {
  button.hidden = false;
  const own = {
    ...handlers,
    words,
    leave: () => button.setAttribute("aria-pressed", "false"),
  };
  button.addEventListener("click", () => {
    const on = mode !== own;
    enter(on ? own : null);
    button.setAttribute("aria-pressed", String(on));
  });
}

function pointing() {
  one("[data-full]", shot).addEventListener("click", (event) => mode && event.preventDefault());
  shot.addEventListener("pointerdown", (event) => {
    if (!mode || event.button) return;
    event.preventDefault();
    shot.setPointerCapture(event.pointerId);
    mode.from = place(event);
    mode.down?.(mode.from);
  });
  shot.addEventListener("pointermove", (event) => mode?.from && mode.move?.(mode.from, place(event)));
  shot.addEventListener("pointerup", (event) => {
    if (!mode?.from) return;
    const { from } = mode;
    mode.from = null;
    mode.up?.(from, place(event));
  });
  shot.addEventListener("pointercancel", () => {
    if (mode) mode.from = null;
  });
  addEventListener("keydown", (event) => event.key === "Escape" && mode && enter(null));
}

function focalPoint() {
  const button = one("[data-point]");
  if (!button) return;
  const fields = ["focal_x", "focal_y"].map((name) => one(`[name=${name}]`));
  const mark = one("[data-focal]");
  const clear = one("[data-unpoint]");

  const draw = () => {
    const [x, y] = fields.map((field) => Number.parseFloat(field.value));
    const there = Number.isFinite(x) && Number.isFinite(y);
    mark.toggleAttribute("display", false);
    if (there) {
      mark.setAttribute("x", `${x}%`);
      mark.setAttribute("y", `${y}%`);
    } else mark.setAttribute("display", "none");
    clear.hidden = !there;
  };
  const set = (values) => {
    fields.forEach((field, index) => {
      field.value = values[index];
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
    draw();
  };
  toggle(button, hint.dataset.wordsPoint, {
    down: (at) => set(at.map((part) => (part * 100).toFixed(1))),
    move: (_from, at) => set(at.map((part) => (part * 100).toFixed(1))),
  });
  clear.addEventListener("click", () => set(["", ""]));
  for (const field of fields) field.addEventListener("input", draw);
  draw();
}

function changePlace() {
  const button = one("[data-draw]");
  if (!button) return;
  const fields = all("[data-change] [data-edge]");
  const rect = one("[data-drawn]");
  const clear = one("[data-undraw]");

  const draw = () => {
    const parts = fields.map((field) => Number.parseFloat(field.value));
    const there = parts.every(Number.isFinite);
    ["x", "y", "width", "height"].forEach((name, index) => {
      if (there) rect.setAttribute(name, `${parts[index]}%`);
      else rect.removeAttribute(name);
    });
    clear.hidden = !there;
  };
  const span = ([x, y], [u, v]) => [Math.min(x, u), Math.min(y, v), Math.abs(x - u), Math.abs(y - v)];
  const set = (parts) => {
    fields.forEach((field, index) => {
      field.value = parts ? (parts[index] * 100).toFixed(2) : "";
    });
    draw();
  };
  toggle(button, hint.dataset.wordsRegion, {
    move: (from, at) => set(span(from, at)),
    up: (from, at) => {
      const parts = span(from, at);
      // A click is no region.
      set(parts[2] < 0.005 || parts[3] < 0.005 ? null : parts);
      enter(null);
      one("[data-change] textarea").focus({ preventScroll: true });
    },
  });
  clear.addEventListener("click", () => set(null));
  for (const field of fields) field.addEventListener("input", draw);
  draw();
}

// Words -------------------------------------------------------------------------------------------------------------

let unsaved = false;

function words() {
  const form = one("[data-words]");
  if (!form) return;
  form.addEventListener("input", () => {
    unsaved = true;
  });
  form.addEventListener("submit", () => {
    unsaved = false;
  });
  addEventListener("beforeunload", (event) => unsaved && event.preventDefault());
}

function copying() {
  for (const button of all("[data-copy]")) {
    button.hidden = !navigator.clipboard;
    if (button.dataset.copy) continue;
    button.dataset.copy = "ready";
    const label = button.textContent;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(one("[data-copied-from]", button.parentElement).textContent);
      button.textContent = page.dataset.copied;
      setTimeout(() => {
        button.textContent = label;
      }, 2000);
    });
  }
}

saying();
pointing();
focalPoint();
changePlace();
words();
copying();
follow();
