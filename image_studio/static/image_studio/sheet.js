// The contact sheet and its inspector. Everything here makes quicker what the page does by itself: without this file
// it loads itself again while it runs, and every link and form works. The server says every word and draws every cell.

const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const sheet = find("#sheet");
const panel = find("#panel");
const bulk = find("#bulk");
const toast = find("#live");
const words = Object.fromEntries(all("#words").flatMap((one) => all("dt", one.content)).map((dt) => [dt.textContent, dt.nextElementSibling.textContent]));
const fill = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_all, name) => values[name]);

function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html; // only ever what our own views rendered
  return template.content;
}

function make(tag, text, put = {}) {
  return Object.assign(document.createElement(tag), { textContent: text }, put);
}

// Asking the server ---------------------------------------------------------------------------------------------

class Ended extends Error {}
let ended = false;

async function ask(url, options = {}) {
  const { headers, ...rest } = options;
  const answer = await fetch(url, { redirect: "manual", credentials: "same-origin", ...rest, headers: { Accept: "application/json", ...headers } });
  const page = !(answer.headers.get("Content-Type") || "").includes("json");
  // A login page, or the page of a token that belongs to a session that is over.
  if (answer.type === "opaqueredirect" || answer.status === 401 || (answer.status === 403 && page)) throw new Ended();
  return answer;
}

function post(url, data) {
  return ask(url, { method: "POST", body: data, headers: { "X-CSRFToken": data.get("csrfmiddlewaretoken") || find("[name=csrfmiddlewaretoken]").value } });
}

let fading;
function say(text, { kind = "", action = null, stays = false } = {}) {
  clearTimeout(fading);
  toast.className = `studio-live${kind ? ` studio-live-${kind}` : ""}`;
  toast.replaceChildren(text, ...(action ? [" ", action] : []));
  if (text && !stays) fading = setTimeout(() => say(""), 9000);
}

function over() {
  ended = true;
  stop();
  const here = location.pathname + location.search;
  const link = make("a", words.sign_in, { href: here });
  say(words.ended, { kind: "bad", action: link, stays: true });
  all(".studio-inspect-told", panel).forEach((place) => { place.textContent = words.ended; });
}

// The live sheet ------------------------------------------------------------------------------------------------

const LONGEST = 15;
const state = { etags: "", active: false, paused: false, busy: false, wait: 2, failures: 0, timer: 0, heard: "", again: false };

function stop() {
  clearTimeout(state.timer);
}

function later(seconds) {
  stop();
  if (!ended && !state.paused && !document.hidden) state.timer = setTimeout(poll, seconds * 1000);
}

async function poll() {
  stop();
  if (state.busy) { state.again = true; return; }
  if (ended) return;
  state.busy = true;
  try {
    const query = new URLSearchParams({ have: state.etags, show: sheet.dataset.show });
    const answer = await ask(`${sheet.dataset.live}?${query}`);
    if (answer.status === 404 || answer.status === 403) {
      ended = true;
      say(words.gone, { kind: "bad", stays: true });
    } else if (!answer.ok) {
      missed("trouble", Number(answer.headers.get("Retry-After")));
    } else {
      heard(await answer.json(), Number(answer.headers.get("Retry-After")) || 2);
    }
  } catch (error) {
    if (error instanceof Ended) over();
    else missed("lost");
  } finally {
    state.busy = false;
    if (state.again) { state.again = false; poll(); }
  }
}

function missed(why, after = 0) {
  state.failures += 1;
  const seconds = after || Math.min(60, 2 ** (state.failures + 1));
  const now = make("button", words.now, { type: "button", className: "button" });
  now.addEventListener("click", poll);
  say(fill(why, { n: seconds }), { kind: "bad", action: now, stays: true });
  later(seconds);
}

function heard(told, least) {
  if (state.failures) say(words.back);
  state.failures = 0;
  state.active = told.active;
  state.etags = told.etags;
  swapBar(told.bar);
  told.cells.forEach(place);
  if (told.cells.length) settle();
  listen(told);
  if (told.more) return later(0.05);
  if (!told.active) return stop();
  state.wait = told.cells.length ? least : Math.min(LONGEST, Math.max(least, state.wait * 1.5));
  return later(state.wait);
}

let quiet = 0;
function listen(told) {
  const now = Date.now();
  if (told.more || told.said === state.heard || (told.active && now < quiet)) return;
  quiet = now + 5000; // who listens is not talked to without a pause
  state.heard = told.said;
  find("#said").textContent = told.said;
}

function swapBar(html) {
  const bar = find("#bar");
  if (bar.dataset.was === html) return;
  bar.dataset.was = html;
  const held = bar.contains(document.activeElement) ? document.activeElement.id : "";
  bar.replaceChildren(parsed(html));
  const notice = find("#no-worker");
  if (notice) notice.hidden = !find("[data-no-worker]", bar);
  const again = held && document.getElementById(held);
  if (held) (again || find("#bar a, #bar button") || find(".studio-cell a"))?.focus({ preventScroll: true });
}

function place({ at, html }) {
  const spot = find(`td[data-at="${at}"]`, sheet);
  if (!spot) return;
  const old = spot.firstElementChild;
  const fresh = parsed(html).firstElementChild;
  const held = spot.contains(document.activeElement) ? document.activeElement.localName : "";
  if (fresh && old) keep(old, fresh);
  const beyond = held && !fresh ? near(old, 1) || near(old, -1) : null;
  spot.replaceChildren(...(fresh ? [fresh] : []));
  if (held && fresh) (find(held, fresh) || find("a", fresh)).focus({ preventScroll: true });
  else if (held) (beyond ? find("a", beyond) : find("#bar a, #bar button"))?.focus();
  if (fresh) renewed(fresh);
}

// A tick stays only where it is still the same picture; a picture that is already there is not loaded again.
function keep(old, fresh) {
  const [was, now] = [find("[name=cell]", old), find("[name=cell]", fresh)];
  if (was && now && was.value === now.value) now.checked = was.checked;
  const [before, after] = [find("img", old), find("img", fresh)];
  if (before && after && before.getAttribute("src") === after.getAttribute("src")) {
    before.alt = after.alt;
    after.replaceWith(before);
  }
}

function settle() {
  all("tbody tr", sheet).forEach((row) => { row.hidden = !find(".studio-cell", row); });
  const none = !find(".studio-cell", sheet);
  sheet.hidden = none;
  find("#nothing").hidden = !none;
  count();
}

// Ticking and saying ----------------------------------------------------------------------------------------------

const boxes = () => all("[name=cell]", sheet);
const ticked = () => boxes().filter((box) => box.checked);

function count() {
  const some = boxes().length > 0;
  all("[data-tick]").forEach((button) => { button.hidden = !some; });
  if (!bulk) return;
  bulk.hidden = !some;
  const n = ticked().length;
  find("#bulk-count").textContent = fill("ticked", { n });
  if (!n) all("details", bulk).forEach((fold) => { fold.open = false; });
}

function tickAll(on) {
  boxes().forEach((box) => { box.checked = on; });
  count();
}

function compare() {
  const chosen = ticked().map((box) => box.value.split(".")[0]);
  if (chosen.length < 2 || chosen.length > 4) return say(words.compare, { kind: "bad" });
  return location.assign(`../compare/?${new URLSearchParams(chosen.map((cell) => ["cell", cell]))}`);
}

async function send(form, button, done) {
  if (form.dataset.sending) return;
  form.dataset.sending = "1";
  const data = new FormData(form);
  data.set(button.name, button.value);
  button.disabled = true;
  try {
    const answer = await post(button.hasAttribute("formaction") ? button.formAction : form.action, data);
    const told = (answer.headers.get("Content-Type") || "").includes("json") ? await answer.json() : null;
    if (told) await done(told);
    else say(fill("trouble", { n: 0 }), { kind: "bad" });
  } catch (error) {
    if (error instanceof Ended) over();
    else done({ ok: false, message: words.not_sent, lost: true });
  } finally {
    delete form.dataset.sending;
    button.disabled = false;
    if (document.activeElement === document.body) button.isConnected && button.focus({ preventScroll: true });
  }
}

function saidToMany(told) {
  say(told.message, { kind: told.ok ? "good" : "bad", stays: !told.ok });
  if (told.lost) return;
  const refused = new Set((told.refused || []).map((one) => one.id));
  if (told.done) boxes().forEach((box) => { if (!refused.has(box.value.split(".")[0])) box.checked = false; });
  if (told.ok) all("details", bulk).forEach((fold) => { fold.open = false; });
  count();
  poll();
}

function saidToOne(told) {
  say(told.message, { kind: told.ok ? "good" : "bad", stays: !told.ok });
  if (!told.lost) poll();
}

function shortlist(cell) {
  const box = find("[name=cell]", cell);
  if (!box) return;
  const [id, asset, seen] = box.value.split(".");
  const form = find("#verbs");
  const button = make("button", "", { name: "do", value: cell.classList.contains("studio-cell-shortlisted") ? "unshortlist" : "shortlist" });
  button.setAttribute("formaction", `../cell/${id}/`);
  const data = new FormData(form);
  Object.entries({ do: button.value, asset, seen }).forEach(([name, value]) => data.set(name, value));
  post(`../cell/${id}/`, data).then((answer) => answer.json()).then(saidToOne, (error) => (error instanceof Ended ? over() : say(words.not_sent, { kind: "bad", stays: true })));
}

// The inspector at the side ---------------------------------------------------------------------------------------

let opened = null; // the cell that the panel shows
let typed = false;
let ours = false; // the change that is coming is our own

async function inspect(href, then = null) {
  const url = new URL(href, location);
  url.searchParams.set("part", "1");
  if (sheet.dataset.show) url.searchParams.set("show", sheet.dataset.show);
  try {
    const answer = await ask(url, { headers: { Accept: "text/html" } });
    if (!answer.ok) return location.assign(href);
    fillPanel(await answer.text());
    if (then) act(then);
  } catch (error) {
    if (error instanceof Ended) over();
    else say(words.not_sent, { kind: "bad", stays: true });
  }
  return undefined;
}

function fillPanel(html) {
  const close = make("button", "\u00d7", { type: "button", className: "studio-close" });
  close.setAttribute("aria-label", words.close);
  close.addEventListener("click", shut);
  panel.replaceChildren(close, parsed(html));
  panel.hidden = false;
  typed = false;
  opened = find(".studio-inspect", panel).dataset.cell;
  all(".studio-cell").forEach((cell) => cell.classList.toggle("studio-open", cell.id === `cell-${opened}`));
  document.body.classList.add("studio-has-side");
  panel.scrollTop = 0;
  frame(find(".studio-inspect", panel));
  find("h2", panel).focus();
}

function shut() {
  const back = document.getElementById(`cell-${opened}`);
  panel.hidden = true;
  panel.replaceChildren();
  opened = null;
  document.body.classList.remove("studio-has-side");
  all(".studio-open").forEach((cell) => cell.classList.remove("studio-open"));
  if (back) find("a", back).focus();
}

// The open cell has changed: what was typed is kept, and the person asked; else it is simply shown anew.
function renewed(cell) {
  if (!opened || cell.id !== `cell-${opened}`) return;
  cell.classList.add("studio-open");
  const href = find("a", cell).href;
  if (ours || !typed) {
    ours = false;
    inspect(href);
    return;
  }
  const show = make("button", words.show, { type: "button", className: "button" });
  show.addEventListener("click", () => inspect(href));
  find(".studio-inspect-told", panel).replaceChildren(words.changed, " ", show);
}

async function saidInPanel(told) {
  if (!told.ok) { find(".studio-inspect-told", panel).textContent = told.message; return; }
  say(told.message, { kind: "good" });
  typed = false;
  ours = true;
  await poll();
  const cell = opened && document.getElementById(`cell-${opened}`);
  if (ours && cell) inspect(find("a", cell).href);
  ours = false;
}

// P, X and C lead to the form that the verb needs; what must be signed or chosen is never skipped.
function act(verb) {
  const form = find(`form[data-form="${verb}"]`, panel);
  if (!form) return;
  const fold = form.closest("details");
  if (fold) fold.open = true;
  const unsigned = all("[type=checkbox]", form).find((box) => !box.checked);
  const first = unsigned || (verb === "release" ? find("button:not([disabled])", form) : find("select, textarea, input:not([type=hidden])", form));
  first?.focus();
}

// A frame on the picture for "change this" --------------------------------------------------------------------------

function frame(root) {
  const form = root && find('[data-form="change"]', root);
  const canvas = root && find(".studio-canvas", root);
  if (!form || !canvas) return;
  const fold = form.closest("details");
  const fields = all(".studio-edges input", form);
  const rect = find(".studio-region rect", canvas);
  all("[data-drag]", form).forEach((hint) => { hint.hidden = false; });
  const draw = () => {
    const parts = fields.map((field) => parseFloat(field.value.replace(",", ".")));
    const whole = parts.every((part) => part >= 0);
    ["x", "y", "width", "height"].forEach((name, at) => rect.setAttribute(name, whole ? `${parts[at]}%` : "0"));
  };
  const place = (from, to) => {
    const box = canvas.getBoundingClientRect();
    const share = (value, low, size) => Math.min(100, Math.max(0, ((value - low) / size) * 100));
    const xs = [from.x, to.x].map((x) => share(x, box.left, box.width)).sort((a, b) => a - b);
    const ys = [from.y, to.y].map((y) => share(y, box.top, box.height)).sort((a, b) => a - b);
    [xs[0], ys[0], xs[1] - xs[0], ys[1] - ys[0]].forEach((part, at) => { fields[at].value = part.toFixed(1); });
    draw();
  };
  let from = null;
  const ready = () => canvas.classList.toggle("studio-drag", fold.open);
  fold.addEventListener("toggle", ready);
  ready();
  canvas.addEventListener("click", (event) => { if (fold.open) event.preventDefault(); });
  canvas.addEventListener("dragstart", (event) => event.preventDefault());
  canvas.addEventListener("pointerdown", (event) => {
    if (!fold.open || event.button) return;
    event.preventDefault();
    from = { x: event.clientX, y: event.clientY };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => { if (from) place(from, { x: event.clientX, y: event.clientY }); });
  canvas.addEventListener("pointerup", (event) => {
    if (!from) return;
    const far = Math.hypot(event.clientX - from.x, event.clientY - from.y);
    if (far < 6) fields.forEach((field) => { field.value = ""; }); // a click takes the frame away
    from = null;
    typed = true;
    draw();
  });
  fields.forEach((field) => field.addEventListener("input", draw));
  draw();
}

// Keyboard ------------------------------------------------------------------------------------------------------

const cellOf = (node) => node?.closest?.(".studio-cell");
const TEXT = "textarea, select, [contenteditable], input:not([type=checkbox]):not([type=radio])";

function near(cell, across, down = 0) {
  const spot = cell.closest("td");
  if (!down) {
    const cells = all(".studio-cell", sheet);
    return cells[cells.indexOf(cell) + across];
  }
  let row = spot.parentElement;
  do { row = down > 0 ? row.nextElementSibling : row.previousElementSibling; } while (row && (row.hidden || !find(".studio-cell", row)));
  return row && (find(".studio-cell", row.cells[spot.cellIndex]) || find(".studio-cell", row));
}

function step(cell, key) {
  const rtl = getComputedStyle(sheet).direction === "rtl" ? -1 : 1;
  const [across, down] = { ArrowLeft: [-rtl, 0], ArrowRight: [rtl, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  const next = near(cell, across, down);
  if (!next) return;
  if (opened) inspect(find("a", next).href);
  else find("a", next).focus();
  next.scrollIntoView({ block: "nearest", inline: "nearest" });
}

const VERBS = { p: "release", x: "reject", c: "change" };

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const { target } = event;
  const fold = bulk && find("details[open]", bulk);
  if (event.key === "Escape" && fold && !opened) { fold.open = false; find("summary", fold).focus(); event.preventDefault(); return; }
  if (event.key === "Escape" && opened && !find("dialog[open]")) { shut(); event.preventDefault(); return; }
  if (target.matches?.(TEXT) || find("dialog[open]")) return;
  const cell = opened ? document.getElementById(`cell-${opened}`) : cellOf(target);
  const letter = event.key.toLowerCase();
  if (event.key === "?") find("#help").showModal();
  else if (letter === "b" && bulk && ticked().length) { if (opened) shut(); find("button", bulk).focus(); }
  else if (!cell) return;
  else if (event.key.startsWith("Arrow")) step(cell, event.key);
  else if (event.key === " " && target.localName === "a" && cellOf(target)) { find("[name=cell]", cell)?.click(); }
  else if (letter === "s") { if (opened) find('[data-form="plain"] [value$="shortlist"]', panel)?.click(); else shortlist(cell); }
  else if (VERBS[letter]) { if (opened) act(VERBS[letter]); else inspect(find("a", cell).href, VERBS[letter]); }
  else return;
  event.preventDefault();
}

// The page ------------------------------------------------------------------------------------------------------

function clicked(event) {
  const plain = !event.defaultPrevented && !event.button && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  const link = event.target.closest("a");
  if (!plain || !link) return;
  const inside = link.matches(".studio-cell > a") || (panel.contains(link) && link.matches("[rel=prev], [rel=next]"));
  if (!inside) return;
  event.preventDefault();
  inspect(link.href);
}

function submitted(event) {
  const { target: form, submitter: button } = event;
  if (!button || form.method !== "post" || ended) return;
  if (form === bulk) {
    event.preventDefault();
    if (button.name === "compare") compare();
    else send(form, button, saidToMany);
  } else if (form.id === "verbs") {
    event.preventDefault();
    send(form, button, saidToOne);
  } else if (panel.contains(form)) {
    event.preventDefault();
    send(form, button, saidInPanel);
  }
}

function start() {
  state.etags = sheet.dataset.etags;
  state.active = "active" in sheet.dataset;
  find("#bar").dataset.was = "";
  all("[data-help]").forEach((button) => { button.hidden = false; button.addEventListener("click", () => find("#help").showModal()); });
  all("[data-tick]").forEach((button) => button.addEventListener("click", () => tickAll(button.dataset.tick === "all")));
  const pause = find("[data-pause]");
  if (pause) {
    pause.hidden = false;
    pause.addEventListener("click", () => {
      state.paused = !state.paused;
      pause.setAttribute("aria-pressed", String(state.paused));
      if (state.paused) stop(); else poll();
    });
  }
  document.addEventListener("change", (event) => { if (event.target.name === "cell") count(); });
  document.addEventListener("click", clicked);
  document.addEventListener("submit", submitted);
  document.addEventListener("keydown", key);
  panel.addEventListener("input", (event) => { if (event.target.closest("form")) typed = true; });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stop();
    else if (state.active && !state.paused) poll();
  });
  window.addEventListener("online", () => { if (state.failures) poll(); });
  count();
  if (state.active) later(1);
}

if (sheet) start();
else frame(find(".studio-inspect"));
