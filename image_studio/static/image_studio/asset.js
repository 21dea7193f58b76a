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
    anchor.target = "_blank";
    anchor.rel = "noopener";
    anchor.textContent = link;
    line.append(" ", anchor);
  }
  line.hidden = !words;
  if (words) line.scrollIntoView({ block: "nearest" });
}

// Nothing is asked for any more; what was typed stays, and the way to sign in opens beside it.
function ended() {
  over = true;
  answer(page.dataset.ended, { link: document.title });
}

function saying() {
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("[data-say]");
    if (!form || "leave" in (event.submitter?.dataset ?? {})) return;
    event.preventDefault();
    if (form.getAttribute("aria-busy") === "true") return;
    const body = new FormData(form, event.submitter);
    const buttons = all("button", form);
    form.setAttribute("aria-busy", "true");
    for (const button of buttons) button.disabled = true;
    answer("");
    try {
      await say(form, body);
    } catch {
      answer(page.dataset.broken);
    }
    form.removeAttribute("aria-busy");
    for (const button of buttons) button.disabled = false;
    if (form.isConnected) event.submitter?.focus();
    else one("[data-answer]").focus({ preventScroll: true });
  });
}

function post(body) {
  return fetch(page.dataset.url, {
    method: "POST",
    body,
    headers: { Accept: "application/json", "X-CSRFToken": body.get("csrfmiddlewaretoken") },
    redirect: "manual",
  });
}

const isJson = (response) => (response.headers.get("Content-Type") ?? "").includes("json");

async function say(form, body) {
  let response = await post(body);
  if (response.status === 403 && !isJson(response) && (await renewed(body))) response = await post(body);
  const told = isJson(response) ? await response.json() : null;
  if (told?.ok) {
    over = false;
    pause = LEAST;
    enter(null);
    await refresh(form).catch(() => false);
    answer(told.message, { good: true });
    follow();
  } else if (told?.code === "session.ended" || (!told && (response.type === "opaqueredirect" || response.status === 403))) {
    ended();
  } else answer(told?.message ?? page.dataset.broken);
}

// After a new sign-in beside this page its token is an old one: take the new one, and nothing is typed twice.
async function renewed(body) {
  const response = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "manual" });
  if (!response.ok) return false;
  const token = one("[name=csrfmiddlewaretoken]", new DOMParser().parseFromString(await response.text(), "text/html"))?.value;
  for (const field of all("[name=csrfmiddlewaretoken]")) field.value = token ?? field.value;
  if (token) body.set("csrfmiddlewaretoken", token);
  return Boolean(token);
}

// Take what changed from a fresh page. Returns whether it came.
async function refresh(sent = null) {
  const response = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "manual" });
  if (response.type === "opaqueredirect") ended();
  if (!response.ok) {
    if ([403, 404, 410].includes(response.status)) over = true;
    pause = Math.max(pause, Number(response.headers.get("Retry-After")) * 1000 || 0);
    return false;
  }
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const before = begun(sent);
  for (const part of PARTS) {
    const then = one(part, fresh);
    if (then) one(part)?.replaceWith(document.adoptNode(then));
  }
  goOn(before);
  merge(fresh);
  changePlace();
  copying();
  return true;
}

// What somebody has begun to say beside what was just sent: a decision does not throw it away.
const FIELDS = "#decide [data-say] :is(input:not([type=hidden]), select, textarea)";
const verb = (form) => one("[name=do]", form)?.value;
const ticks = (field) => field.type === "checkbox";
const key = (field) => (field.name.startsWith("alt_") ? field.name : [verb(field.form), field.name, ticks(field) && field.value].join());

function written(field) {
  if (ticks(field)) return field.checked !== field.defaultChecked;
  return field.localName === "select" ? field.value !== "" : field.value !== field.defaultValue;
}

function begun(sent) {
  const fields = all(FIELDS).filter((field) => field.form !== sent && written(field));
  const folds = all("#decide details[open] form").filter((form) => form !== sent);
  return { fields: new Map(fields.map((field) => [key(field), field])), folds: new Set(folds.map(verb)) };
}

function goOn({ fields, folds }) {
  for (const field of all(FIELDS)) {
    const was = fields.get(key(field));
    if (was && ticks(field)) field.checked = was.checked;
    else if (was) field.value = was.value;
  }
  for (const form of all("#decide details form")) if (folds.has(verb(form))) form.closest("details").open = true;
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
    const busy = document.hidden || mode || PARTS.some((part) => one(part)?.contains(document.activeElement));
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
  // The click that ends a drag comes after the place is taken: it opens nothing either.
  let held = false;
  one("[data-full]", shot).addEventListener("click", (event) => (mode || (held && event.detail)) && event.preventDefault());
  shot.addEventListener("dragstart", (event) => mode && event.preventDefault());
  shot.addEventListener("pointerdown", (event) => {
    held = Boolean(mode);
    if (!mode || event.button || !event.isPrimary) return;
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
      const code = one("[data-copied-from]", button.parentElement);
      try {
        await navigator.clipboard.writeText(code.textContent);
      } catch {
        getSelection().selectAllChildren(code); // the browser forbids it: one key copies it then
        return;
      }
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
