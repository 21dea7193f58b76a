// The contact sheet and its inspector. Everything here makes quicker what the page does by itself: without this file
// it loads itself again while it runs, and every link and form works. The server says every word and draws every cell.
// A frame is drawn on a picture by sheet_region.js, keys are heard by sheet_keys.js.

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
let ended = ""; // "session" or "gone": nothing more is asked

async function ask(url, options = {}) {
  const { headers, ...rest } = options;
  const answer = await fetch(url, { redirect: "manual", credentials: "same-origin", ...rest, headers: { Accept: "application/json", ...headers } });
  const page = !(answer.headers.get("Content-Type") || "").includes("json");
  // A login page, or the page of a token that belongs to a session that is over.
  if (answer.type === "opaqueredirect" || answer.status === 401 || (answer.status === 403 && page)) throw new Ended();
  return answer;
}

async function post(url, data) {
  const sent = () => ask(url, { method: "POST", body: data, headers: { "X-CSRFToken": data.get("csrfmiddlewaretoken") } });
  try {
    return await sent();
  } catch (error) {
    if (!(error instanceof Ended) || !(await signedIn(data))) throw error;
    return sent();
  }
}

// After a new sign-in beside this page its token is an old one: take the new one, and nothing is typed twice.
async function signedIn(data) {
  const answer = await ask(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  const token = answer?.ok && find("[name=csrfmiddlewaretoken]", parsed(await answer.text()))?.value;
  if (!token) return false;
  all("[name=csrfmiddlewaretoken]").forEach((field) => { field.value = token; });
  data.set("csrfmiddlewaretoken", token);
  ended = "";
  return true;
}

let fading;
function say(text, { kind = "", action = null, stays = false } = {}) {
  clearTimeout(fading);
  toast.className = `studio-live${kind ? ` studio-live-${kind}` : ""}`;
  toast.replaceChildren(text, ...(action ? [" ", action] : []));
  if (text && !stays) fading = setTimeout(() => say(""), 9000);
}

function over() {
  ended = "session";
  stop();
  const here = location.pathname + location.search;
  const link = make("a", words.sign_in, { href: here, target: "_blank", rel: "noopener" }); // what was typed stays here
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
      ended = "gone";
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
  const cells = all(".studio-cell", sheet);
  const beyond = held && !fresh ? cells[cells.indexOf(old) + 1] || cells[cells.indexOf(old) - 1] : null;
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
  const of = opened;
  const data = new FormData(form);
  data.set(button.name, button.value);
  button.disabled = true;
  try {
    const answer = await post(button.hasAttribute("formaction") ? button.formAction : form.action, data);
    const told = (answer.headers.get("Content-Type") || "").includes("json") ? await answer.json() : null;
    if (told) await done(told, form, of);
    else say(words.unclear, { kind: "bad", stays: true });
  } catch (error) {
    if (error instanceof Ended) over();
    else await done({ ok: false, message: words.not_sent, lost: true }, form, of);
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

// A verb by its key: in the inspector where that is open, where one looks and signs before anything is decided.
function said(cell, verb) {
  if (verb !== "shortlist") { if (opened) act(verb); else inspect(find("a", cell).href, verb); return; }
  if (opened) { find('[data-form="plain"] [value$="shortlist"]', panel)?.click(); return; }
  const [id, asset, seen] = (find("[name=cell]", cell)?.value || "").split(".");
  if (!id) return;
  const data = new FormData(find("#verbs"));
  const off = cell.classList.contains("studio-cell-shortlisted");
  Object.entries({ do: off ? "unshortlist" : "shortlist", asset, seen }).forEach(([name, value]) => data.set(name, value));
  post(`../cell/${id}/`, data).then((answer) => answer.json()).then(saidToOne, (error) => (error instanceof Ended ? over() : say(words.not_sent, { kind: "bad", stays: true })));
}

// The inspector at the side ---------------------------------------------------------------------------------------

let opened = null; // the cell that the panel shows
let ours = false; // the change that is coming is our own
let turn = 0; // grows with every cell that is asked for: a late answer to an older one is dropped
const drafts = new Map(); // cell -> {form and field: what was typed and not sent}

async function inspect(href, then = null) {
  const mine = ++turn;
  const url = new URL(href, location);
  url.searchParams.set("part", "1");
  if (sheet.dataset.show) url.searchParams.set("show", sheet.dataset.show);
  try {
    const answer = await ask(url, { headers: { Accept: "text/html" } });
    if (!answer.ok) return location.assign(href);
    const html = await answer.text();
    if (mine !== turn) return undefined;
    fillPanel(html);
    if (then) act(then);
  } catch (error) {
    if (error instanceof Ended) over();
    else if (mine === turn) say(words.not_sent, { kind: "bad", stays: true });
  }
  return undefined;
}

function fillPanel(html) {
  const close = make("button", "\u00d7", { type: "button", className: "studio-close" });
  close.setAttribute("aria-label", words.close);
  close.addEventListener("click", shut);
  panel.replaceChildren(close, parsed(html));
  panel.hidden = false;
  opened = find(".studio-inspect", panel).dataset.cell;
  all(".studio-cell").forEach((cell) => cell.classList.toggle("studio-open", cell.id === `cell-${opened}`));
  document.body.classList.add("studio-has-side");
  panel.scrollTop = 0;
  restore();
  find("h2", panel).focus();
}

// What was typed and not sent stays with its cell, whatever is looked at meanwhile.
const WRITTEN = "textarea, select, input[type=text]";
const nameOf = (field) => `${field.form.dataset.form}|${field.name}`;

function remember({ target: field }) {
  if (field.form?.dataset.form && field.matches(WRITTEN)) drafts.set(opened, { ...drafts.get(opened), [nameOf(field)]: field.value });
}

function restore() {
  const draft = drafts.get(opened) || {};
  all(WRITTEN, panel).filter((field) => field.form && draft[nameOf(field)]).forEach((field) => {
    field.value = draft[nameOf(field)];
    const fold = field.closest("details");
    if (fold) fold.open = true;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

function sentOf(cell, form) {
  const left = Object.entries(drafts.get(cell) || {}).filter(([name]) => !name.startsWith(`${form.dataset.form}|`));
  drafts.set(cell, Object.fromEntries(left));
}

const begun = (draft) => Object.values(draft || {}).some(Boolean);

function shut() {
  turn += 1;
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
  if (ours || !begun(drafts.get(opened))) {
    ours = false;
    inspect(href);
    return;
  }
  find(".studio-inspect-told", panel).replaceChildren(words.changed, " ", showing(href));
}

function showing(href) {
  const show = make("button", words.show, { type: "button", className: "button" });
  show.addEventListener("click", () => inspect(href));
  return show;
}

async function saidInPanel(told, form, cell) {
  const place = opened === cell && find(".studio-inspect-told", panel);
  if (!told.ok && place) {
    place.replaceChildren(told.message, ...(told.code === "price.risen" ? [" ", showing(form.action)] : []));
    return;
  }
  say(told.message, { kind: told.ok ? "good" : "bad", stays: !told.ok });
  if (!told.ok) return;
  sentOf(cell, form);
  ours = opened === cell;
  await poll();
  const there = opened && document.getElementById(`cell-${opened}`);
  if (ours && opened === cell && there) inspect(find("a", there).href);
  ours = false;
}

// Leads to the form that the verb needs; what must be signed or chosen is never skipped.
function act(verb) {
  const form = find(`form[data-form="${verb}"]`, panel);
  if (!form) return;
  const fold = form.closest("details");
  if (fold) fold.open = true;
  const unsigned = all("[type=checkbox]", form).find((box) => !box.checked);
  const first = unsigned || (verb === "release" ? find("button:not([disabled])", form) : find("select, textarea, input:not([type=hidden])", form));
  first?.focus();
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
  if (!button || form.method !== "post") return;
  if (form === bulk) {
    event.preventDefault();
    if (button.name === "compare") compare();
    else send(form, button, saidToMany);
  } else if (form.id === "verbs") {
    event.preventDefault();
    send(form, button, saidToOne);
  } else if (panel.contains(form) && !("leave" in form.dataset || "leave" in button.dataset)) {
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
  sheet.addEventListener("studio:verb", ({ target, detail }) => said(target, detail));
  panel.addEventListener("input", remember);
  window.addEventListener("beforeunload", (event) => { if ([...drafts.values()].some(begun)) event.preventDefault(); });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && ended === "session") ended = ""; // perhaps somebody has signed in beside
    if (document.hidden) stop();
    else if (state.active && !state.paused) poll();
  });
  window.addEventListener("online", () => { if (state.failures) poll(); });
  count();
  if (state.active) later(1);
}

if (sheet) start();
