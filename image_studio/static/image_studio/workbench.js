// What is asked for on the workbench: prices that follow every touch, a draft that is never lost, pictures that go
// along, and what was painted sent before the form is. Without this file the form's own buttons price and ask.

const WAIT = 400; // ms after the last change before a price is asked for
const KEEP = 1200; // ms before the draft is saved
const SETTLE = 1500; // ms after the last stroke before a drawing is sent, whose price hangs on it
const AGAIN = [2000, 5000, 15000, 30000];

const USUAL = { combine: "subject", replace_background: "background" }; // what a picture goes along as, unless said
const EDGES = ["left", "top", "width", "height"];

const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const bench = find("#wb");
const words = Object.fromEntries(all("#wb-script-words dt").map((dt) => [dt.textContent, dt.nextElementSibling.textContent]));
const fill = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? "");
const form = find("#ask");
const field = (name) => form.elements[name];
const draft = JSON.parse(find("#wb-draft").dataset.draft || "{}");

let painted = null; // what the paint surface says last
let fresh = false; // whether the price that is shown stands for the form as it is
let sent = false;
let timer = 0;
let flight = null;
let failures = 0;
const files = {}; // role -> { of: the strokes that were sent, id }

// Saying things ----------------------------------------------------------------------------------------------------

function say(text, link = false) {
  const place = find("#wb-said");
  place.textContent = text;
  if (!link) return;
  const anchor = Object.assign(document.createElement("a"), { href: location.href, target: "_blank", rel: "noopener", textContent: words.sign_in });
  place.append(" ", anchor);
}

class Ended extends Error {}

async function post(url, data, options = {}) {
  const headers = { Accept: "application/json", "X-CSRFToken": find("[name=csrfmiddlewaretoken]").value };
  const answer = await fetch(url, { method: "POST", body: data, headers, redirect: "manual", credentials: "same-origin", ...options });
  const page = !(answer.headers.get("Content-Type") || "").includes("json");
  if (answer.type === "opaqueredirect" || answer.status === 401 || (answer.status === 403 && page)) throw new Ended();
  if (page) throw new Error(String(answer.status));
  return answer.json();
}

const over = () => say(words.ended, true);

// Prices -----------------------------------------------------------------------------------------------------------

const go = find("#wb-go");
const lineOf = find("#wb-line");

function mark(isFresh) {
  fresh = isFresh;
  lineOf?.setAttribute("aria-busy", String(!isFresh));
  go.setAttribute("aria-disabled", String(!isFresh || !field("digest").value));
}

function later(wait = WAIT) {
  clearTimeout(timer);
  mark(false);
  timer = setTimeout(price, wait);
}

/** What is marked, as the form tells it: rectangles exactly; for a price, anything else by its outline. */
function tell(data) {
  const marks = painted?.share > 0;
  // What is painted is seen, so it counts; numbers that were typed and not added do where nothing is.
  if (marks) for (const name of EDGES) data.set(name, "");
  const boxes = marks ? (painted.boxes ?? [painted.bounds]) : [];
  const polygons = boxes.map(([l, t, w, h]) => [[l, t], [l + w, t], [l + w, t + h], [l, t + h]].map((point) => point.map((part) => Math.min(1, part))));
  const drawing = painted?.drawn && files.markup?.of === stamp("markup") ? files.markup.id : "";
  data.set("polygons", polygons.length ? JSON.stringify(polygons) : "");
  data.set("mask", "");
  data.set("markup", drawing);
  return data;
}

async function price() {
  clearTimeout(timer);
  flight?.abort();
  const mine = (flight = new AbortController());
  try {
    const answer = await post(bench.dataset.offers, tell(new FormData(form)), { signal: mine.signal });
    if (mine.signal.aborted) return;
    failures = 0;
    if (answer.ok) show(answer);
    else refused(answer.message);
  } catch (error) {
    if (mine.signal.aborted) return;
    refused(error instanceof Ended ? words.ended : words.unreached);
    if (error instanceof Ended) return over();
    timer = setTimeout(price, AGAIN[Math.min(failures++, AGAIN.length - 1)]);
  }
}

function refused(text) {
  field("digest").value = "";
  mark(false);
  lineOf.textContent = text;
}

function show(answer) {
  field("digest").value = answer.digest;
  if (lineOf.textContent !== answer.line) lineOf.textContent = answer.line;
  go.textContent = answer.button;
  for (const card of all("[data-route]", form)) {
    const told = answer.cards[card.dataset.route];
    if (!told) continue;
    find("[data-price-of]", card).textContent = told.price || "—";
    const why = find("[data-why]", card);
    why.textContent = told.why_not;
    why.hidden = !told.why_not;
    card.classList.toggle("wb-off", Boolean(told.why_not));
  }
  errors(answer.errors);
  const problem = painted?.share > 0 && painted.drawn;
  if (problem) refused(words.both);
  else mark(true);
}

/** What is wrong stands at its field; a field that was never left is not scolded. */
function errors(told) {
  for (const list of all("ul.errorlist[data-live]", form)) list.remove();
  for (const [name, texts] of Object.entries(told)) {
    const control = form.elements[name];
    if (!control?.value || !control.closest) continue;
    const list = Object.assign(document.createElement("ul"), { className: "errorlist" });
    list.dataset.live = "yes";
    list.append(...texts.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
    control.after(list);
  }
}

// What was painted -------------------------------------------------------------------------------------------------

const stamp = (layer) => JSON.stringify(painted?.strokes?.[layer] ?? []);

/** Send a layer as a picture, once for the same strokes. */
async function upload(role) {
  const of = stamp(role);
  if (files[role]?.of === of) return files[role].id;
  const wanted = {};
  document.dispatchEvent(new CustomEvent("wb:export", { detail: { wanted } }));
  const data = new FormData();
  data.set("role", role);
  data.set("parent", field("parent").value);
  data.set("candidate", field("candidate").value);
  data.set("file", await wanted[role](), `${role}.png`);
  const answer = await post(bench.dataset.file, data);
  if (!answer.ok) throw Object.assign(new Error(answer.code), { told: answer.message });
  files[role] = { of, id: answer.id };
  return answer.id;
}

let settling = 0;
function settle() {
  clearTimeout(settling);
  if (!painted.drawn || painted.share > 0 || files.markup?.of === stamp("markup")) return;
  settling = setTimeout(() => upload("markup").then(() => later(0)).catch(failed), SETTLE);
}

function failed(error) {
  if (error instanceof Ended) over();
  else say(error.told ?? words.unreached);
}

function strokes(event) {
  painted = event.detail;
  if (!form) return;
  where();
  draft.strokes = { ...recent(draft.strokes), [painted.base]: painted.strokes };
  if (!Object.keys(painted.strokes).length) delete draft.strokes[painted.base];
  if (painted.quietly) return;
  settle();
  keep();
  later();
}

/** Says what may change: what is painted or drawn, or else the numbers. */
function where() {
  const place = find("[data-marked]", form);
  const typed = EDGES.map((name) => parseFloat(field(name).value.replace(",", ".")));
  const numbers = typed.every((part) => part >= 0) ? (typed[2] * typed[3]) / 1e4 : 0;
  const share = painted?.share || numbers;
  const percent = Math.round(share * 100) || "< 1";
  const both = share > 0 && painted?.drawn;
  const text = both ? words.both : share > 0 ? fill("marked", { n: percent }) : painted?.drawn ? words.drawn : words.anywhere;
  if (place.textContent !== text) place.textContent = text;
  place.dataset.state = share > 0 || painted?.drawn ? "some" : "none";
}

/** The strokes of the last few pictures; older ones would make every draft heavier. */
const recent = (kept) => Object.fromEntries(Object.entries(kept ?? {}).slice(-3));

// The draft --------------------------------------------------------------------------------------------------------

const FIELDS = ["kind", "instruction", "ratio", "anchor", ...EDGES, "feather", "route", "candidates", "detail"];
const PENDING = `wb-draft-${bench.dataset.draft}`;
let keeping = 0;
let dirty = false;

/** What the server may not have yet, for a page that is loaded again before it does. */
function pending(text) {
  try {
    if (text === undefined) return sessionStorage.getItem(PENDING);
    if (text === null) sessionStorage.removeItem(PENDING);
    else sessionStorage.setItem(PENDING, text);
  } catch {
    // A browser that keeps nothing, or too much of it: then the server's copy is the only one.
  }
  return null;
}

function draftNow() {
  const said = { ...draft };
  if (form) {
    for (const name of FIELDS) said[name] = field(name).value;
    // Per cent are what people type; fractions are what everything else speaks.
    for (const name of EDGES) {
      const part = parseFloat(said[name].replace(",", "."));
      if (Number.isFinite(part)) said[name] = part / 100;
      else delete said[name];
    }
    for (const name of ["paste", "early"]) said[name] = field(name).checked;
    said.refs = references();
  }
  return said;
}

const references = () => all(".wb-ref", form).map((row) => [find("[name=ref_as]", row).value, find("[name=ref_asset]", row).value]).filter(([, id]) => id);

function keep() {
  if (!form) return;
  dirty = true;
  clearTimeout(keeping);
  keeping = setTimeout(save, KEEP);
}

/** The draft that was on its way when the page was loaded again: kept first, then shown as the server has it. */
async function catchUp() {
  const text = form && pending();
  if (!text) return false;
  pending(null);
  const data = new FormData();
  data.set("data", text);
  const answer = await post(bench.dataset.draft, data).catch(() => ({}));
  if (answer.ok) location.reload();
  return Boolean(answer.ok);
}

async function save({ leaving = false } = {}) {
  if (!dirty || sent) return;
  clearTimeout(keeping);
  dirty = false;
  const place = find("#wb-kept");
  const data = new FormData();
  const text = JSON.stringify(draftNow());
  data.set("data", text);
  pending(text);
  try {
    if (!leaving) place.textContent = words.keeping;
    const answer = await post(bench.dataset.draft, data, leaving ? { keepalive: true } : {});
    place.textContent = answer.ok ? words.kept : answer.message;
    if (pending() === text) pending(null);
  } catch (error) {
    dirty = true;
    place.textContent = words.not_kept;
    if (error instanceof Ended) over();
    else keeping = setTimeout(save, AGAIN[1]);
  }
}

// Pictures that go along -------------------------------------------------------------------------------------------

function addReference(button) {
  const rows = all(".wb-ref", form);
  const spare = rows.find((row) => !find("[name=ref_asset]", row).value);
  if (!spare && rows.length >= Number(button.dataset.most)) return say(words.full);
  const row = spare ?? find("[data-ref-row]", form).content.firstElementChild.cloneNode(true);
  if (!spare) find("[data-refs]", form).append(row);
  row.hidden = false;
  find("[name=ref_as]", row).value = USUAL[field("kind").value] ?? "style";
  // The picture dialog makes the new row its own first.
  return setTimeout(() => find("[data-do=open]", row)?.click());
}

/** Rows without a picture are for who has no script. */
function tidy() {
  for (const row of all(".wb-ref", form)) row.hidden = !find("[name=ref_asset]", row).value;
}

// Asking -----------------------------------------------------------------------------------------------------------

/** Paint first, then the price once more for exactly this; what was not seen is not bought. */
async function ask() {
  const seen = go.textContent;
  go.setAttribute("aria-disabled", "true");
  lineOf.textContent = words.sending;
  const data = tell(new FormData(form));
  if (painted?.share > 0 && !painted.boxes) {
    data.set("mask", await upload("mask"));
    data.set("polygons", "");
  }
  if (painted?.drawn) data.set("markup", await upload("markup"));
  for (const name of ["mask", "markup", "polygons", ...EDGES]) field(name).value = data.get(name);
  const answer = await post(bench.dataset.offers, data);
  if (!answer.ok) return refused(answer.message);
  show(answer);
  if (!answer.digest) return undefined;
  if (answer.button !== seen) {
    lineOf.textContent = fill("other_price", { price: answer.button });
    return undefined;
  }
  sent = true;
  pending(null);
  const last = Object.assign(document.createElement("input"), { type: "hidden", name: "do", value: "ask" });
  form.append(last);
  return form.submit();
}

function submit(event) {
  if (event.submitter?.value === "price") return;
  event.preventDefault();
  if (sent) return;
  if (!fresh || !field("digest").value) {
    if (fresh || !timer) field("instruction").focus();
    lineOf.textContent = fresh ? lineOf.textContent : words.counting;
    return void price();
  }
  ask().catch((error) => {
    refused(error instanceof Ended ? words.ended : (error.told ?? words.unreached));
    if (error instanceof Ended) over();
  });
}

function start() {
  bench.classList.add("wb-live");
  if (!form) return;
  for (const part of all("[data-scripted]", form)) part.hidden = false;
  tidy();
  form.addEventListener("submit", submit);
  form.addEventListener("input", (event) => {
    if (!event.target.name || event.target.name.startsWith("wb-")) return;
    if (event.target.name === "feather") feather();
    if (EDGES.includes(event.target.name)) where();
    keep();
    later();
  });
  form.addEventListener("change", (event) => {
    if (event.target.name !== "ref_asset") return;
    tidy();
    keep();
    later(0);
  });
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-reuse], [data-add-ref]");
    if (!button) return;
    if (button.matches("[data-add-ref]")) return void addReference(button);
    field("instruction").value = button.textContent;
    field("instruction").focus();
    keep();
    later(0);
  });
  feather();
  where();
  later(0);
}

const feather = () => document.dispatchEvent(new CustomEvent("wb:feather", { detail: { pixels: Number(field("feather").value) || 0 } }));

document.addEventListener("wb:strokes", strokes);
document.addEventListener("wb:say", (event) => say(event.detail.words));
document.addEventListener("wb:over", over);
// Shortcut for what is pressed most; it works while typing, as in every place where words are sent.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form?.contains(event.target)) form.requestSubmit(go);
});
// The menu folds away as menus do.
const menu = find("#more");
document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
menu.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !menu.open) return;
  menu.open = false;
  find("summary", menu).focus();
});
addEventListener("pagehide", () => save({ leaving: true }));
document.addEventListener("visibilitychange", () => document.hidden && save({ leaving: true }));
// Back from another page: what is shown may be old, and its key was used.
addEventListener("pageshow", (event) => event.persisted && location.reload());
catchUp().then((again) => again || start());
