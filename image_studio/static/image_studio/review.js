// The review board: keys, the next picture already loaded, boxes. Every verb is a plain form, which works without this
// file; here the same forms are sent without leaving the page. A region is drawn by review_region.js.

const root = document.getElementById("review");
const stage = document.getElementById("review-stage");
const said = document.getElementById("review-said");
const help = root.querySelector(".review-help");
const full = document.getElementById("review-full");
const keysOn = document.getElementById("review-keys");
const words = root.dataset;

const loaded = new Map(); // address -> promise of {id, url, html}
const decided = new Set(); // ids that this person is done with, though a part loaded before may still list them
const drafts = new Map(); // id -> {form|field: what was typed}
const boxes = new Map(); // switch -> whether it is on, from picture to picture
let mode = ""; // "approve" or "reject": what a number means
let busy = false;
let shown = 0; // grows with every picture that is asked for: a late answer is dropped

const one = () => stage.querySelector(".review-one");
const find = (selector) => stage.querySelector(selector);
const id = () => one()?.dataset.id || "";
const fold = (name) => find(`details[data-fold="${name}"]`);
const form = (name) => find(`form[data-form="${name}"]`);

function say(text, link) {
  said.replaceChildren(text);
  if (link) {
    // In a window of its own: what was typed stays here meanwhile.
    const a = Object.assign(document.createElement("a"), { href: link, target: "_blank", rel: "noopener", textContent: words.signin });
    said.append(" ", a);
  }
}

// Loading ------------------------------------------------------------------------------------------------------------

class Ended extends Error {}
class Gone extends Error {}

// A login page instead of an answer: the session is over, and nothing of what was typed may be lost to it.
function ended(response) {
  const json = (response.headers.get("Content-Type") || "").includes("json");
  return response.type === "opaqueredirect" || response.status === 401 || (response.status === 403 && !json);
}

async function ask(address, options = {}) {
  const headers = { Accept: "application/json", ...options.headers };
  const fetched = () => fetch(address, { ...options, headers, signal: AbortSignal.timeout(30000), redirect: "manual" });
  let response = await fetched();
  if (options.body && response.status === 403 && (await renewed(options.body))) response = await fetched();
  if (ended(response)) throw new Ended();
  if (response.status === 404) throw new Gone();
  const told = await response.json();
  if (!options.body && told.html === undefined) throw new Error(told.message);
  return told;
}

// After a new sign-in beside this page its token is an old one: take the new one, and nothing is typed twice.
async function renewed(body) {
  const response = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "manual" });
  const token = response.ok && parsed(await response.text()).querySelector("[name=csrfmiddlewaretoken]")?.value;
  if (!token || token === body.get("csrfmiddlewaretoken")) return false;
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
  loaded.clear(); // parts that were loaded before carry the old one
  body.set("csrfmiddlewaretoken", token);
  return true;
}

function load(address) {
  if (!loaded.has(address)) {
    const promise = ask(address);
    promise.catch(() => loaded.delete(address));
    loaded.set(address, promise);
  }
  return loaded.get(address);
}

// The neighbour's page and its picture, while this one is looked at.
async function prefetch(address) {
  if (!address) return;
  try {
    const part = await load(address);
    const image = parsed(part.html).querySelector("[data-full]");
    if (image?.dataset.full) new Image().src = image.dataset.full;
  } catch {
    // Asked for again when it is wanted; then the person is told.
  }
}

function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

function failed(error) {
  if (error instanceof Ended) say(words.ended, location.href); // the login leads back here
  else if (error instanceof Gone) say(words.gone);
  else say(words.lost);
}

async function show(address, { push = true, keep = "" } = {}) {
  const turn = ++shown;
  let part;
  try {
    part = await load(address);
  } catch (error) {
    failed(error);
    return;
  }
  if (turn !== shown) return;
  stage.replaceChildren(parsed(part.html));
  loaded.delete(address); // what comes back later may have been decided meanwhile
  if (push) history.pushState({}, "", part.url);
  settle();
  const again = keep && find(keep);
  (again || one()).focus({ preventScroll: true });
  if (!again) root.scrollIntoView({ block: "start" });
}

// What a new part of the page needs before a person meets it.
function settle() {
  mode = "";
  for (const item of stage.querySelectorAll(".review-strip li[data-id]")) {
    if (decided.has(item.dataset.id) && item.dataset.id !== id()) item.remove();
  }
  for (const box of stage.querySelectorAll("[data-show]")) {
    if (boxes.has(box.dataset.show)) box.checked = boxes.get(box.dataset.show);
  }
  for (const live of stage.querySelectorAll(".review-live")) live.hidden = false;
  restore();
  find(".review-strip [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  prefetch(neighbour(1)).then(() => prefetch(neighbour(-1)));
}

function neighbour(step) {
  const items = [...stage.querySelectorAll(".review-strip li[data-id]")];
  const here = items.findIndex((item) => item.dataset.id === id());
  const there = here < 0 ? undefined : items[here + step];
  return there?.querySelector("a").href || "";
}

function go(step) {
  const address = neighbour(step);
  say(address ? "" : words.end);
  if (address) show(address);
}

// What was typed stays with its picture --------------------------------------------------------------------------------

const TYPED = "textarea, input[type=text]";
const nameOf = (field) => `${field.form.dataset.form}|${field.name}`;

function remember(field) {
  if (!field.form?.dataset.form || !field.matches(TYPED)) return;
  drafts.set(id(), { ...drafts.get(id()), [nameOf(field)]: field.value });
}

function restore() {
  const draft = drafts.get(id()) || {};
  for (const field of stage.querySelectorAll(TYPED)) {
    const value = field.form && draft[nameOf(field)];
    if (!value) continue;
    field.value = value;
    const folded = field.closest("details[data-fold]");
    if (folded) folded.open = true;
  }
}

// Saying ---------------------------------------------------------------------------------------------------------------

async function send(sent, button) {
  if (busy) return;
  const here = id();
  const ahead = neighbour(1) || words.root;
  const body = new URLSearchParams(new FormData(sent, button));
  busy = true;
  root.setAttribute("aria-busy", "true");
  say(words.wait);
  try {
    const answer = await ask(sent.action, { method: "POST", body });
    if (answer.ok && answer.stay) {
      await show(location.href, { push: false, keep: `[aria-keyshortcuts="${button.getAttribute("aria-keyshortcuts")}"]` });
    } else if (answer.ok || answer.gone) {
      decided.add(here);
      drafts.delete(here); // the answer repeats a note that came too late
      if (id() === here) await show(ahead); // else somebody went on by the browser's own buttons
    } else if (sent.isConnected) {
      problem(answer.message, sent);
    }
    say(answer.ok || answer.gone ? answer.message : ""); // a refusal stands, and is read out, at the buttons
  } catch (error) {
    if (error instanceof Gone) {
      decided.add(here);
      drafts.delete(here);
      await show(ahead);
    }
    failed(error);
  } finally {
    busy = false;
    root.removeAttribute("aria-busy");
  }
}

// A refusal stands beside the buttons, and the field that it is most likely about is where one goes on.
function problem(message, sent) {
  const place = find(".review-problem");
  place.textContent = message;
  place.hidden = false;
  const open = sent.querySelector("[name=declaration]:not(:checked), [name=reason]:invalid");
  const empty = [...sent.querySelectorAll("textarea")].find((field) => !field.value.trim());
  (open || empty || sent.querySelector("button")).focus();
}

stage.addEventListener("submit", (event) => {
  if (!event.target.dataset.form || "leave" in (event.submitter?.dataset ?? {})) return;
  event.preventDefault();
  send(event.target, event.submitter || event.target.querySelector("button[name=do]"));
});

function approve() {
  const wanted = form("approve");
  if (!wanted) {
    const why = find("[data-why]");
    if (why) why.focus();
    say(why ? why.textContent : words.nothing);
    return;
  }
  const open = [...wanted.querySelectorAll("[name=declaration]:not(:checked)")];
  mode = "approve";
  if (open.length) {
    open[0].focus();
    say(words.open.replace("{n}", open.length));
    return;
  }
  wanted.requestSubmit(wanted.querySelector('[aria-keyshortcuts="p"]'));
}

function unfold(name) {
  const wanted = fold(name);
  if (!wanted) return say(words.nothing);
  wanted.open = true;
  wanted.querySelector(name === "reject" ? "input[type=radio]" : "textarea").focus();
  if (name === "reject") {
    mode = "reject";
    say(words.reject);
  }
}

function digit(key) {
  const field = find(`form[data-form="${mode}"] [data-digit="${key}"]`);
  if (!field) return false;
  if (mode === "reject") {
    field.checked = true;
    field.form.requestSubmit();
  } else {
    field.checked = !field.checked;
    field.focus();
  }
  return true;
}

// Boxes and full size --------------------------------------------------------------------------------------------------

function toggleBoxes() {
  const all = [...stage.querySelectorAll("[data-show]")];
  const on = !all.some((box) => box.checked);
  for (const box of all) {
    box.checked = on;
    boxes.set(box.dataset.show, on);
  }
}

function openFull() {
  if (!one()?.dataset.full) return;
  const old = full.querySelector("img");
  const image = document.createElement("img"); // a new one: until it has come, nothing is shown and not the last picture
  old.replaceWith(image);
  image.src = one().dataset.full;
  image.alt = one().getAttribute("aria-label");
  full.showModal();
}

// Mouse and fields -------------------------------------------------------------------------------------------------------

stage.addEventListener("click", (event) => {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
  const link = event.target.closest("a, [data-do]");
  if (!link) return;
  if (busy && link.matches(".review-strip a, .review-step")) return event.preventDefault();
  if (link.matches(".review-picture, [data-do=full]")) {
    event.preventDefault();
    if (link.dataset.do || !fold("change")?.open) openFull();
  } else if (link.matches(".review-strip a, .review-step")) {
    event.preventDefault();
    show(link.href);
  }
});
stage.addEventListener("input", (event) => remember(event.target));
stage.addEventListener("change", (event) => {
  if (event.target.dataset.show) boxes.set(event.target.dataset.show, event.target.checked);
});
stage.addEventListener("pointerover", (event) => {
  const number = event.target.closest("li[data-number]")?.dataset.number;
  for (const box of stage.querySelectorAll(".review-box[data-number]")) {
    box.classList.toggle("review-lit", box.dataset.number === number);
  }
});

// Keys -------------------------------------------------------------------------------------------------------------------

const typing = (target) =>
  target.closest?.("textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=submit], [type=button])");
const own = (target) => target.closest?.("a, button, summary, input");

const forward = () => (document.dir === "rtl" ? -1 : 1);
const KEYS = {
  p: approve,
  x: () => unfold("reject"),
  c: () => unfold("change"),
  s: () => {
    const button = find('[aria-keyshortcuts="s"]');
    if (button) button.form.requestSubmit(button);
    else say(words.nothing);
  },
  o: toggleBoxes,
  "?": () => (help.open = !help.open),
  ArrowRight: () => go(forward()),
  ArrowLeft: () => go(-forward()),
  " ": openFull,
};

function leave(target) {
  if (typing(target)) {
    one().focus({ preventScroll: true });
    return;
  }
  mode = "";
  help.open = false;
  for (const open of stage.querySelectorAll("details[data-fold][open]")) open.open = false;
  one()?.focus({ preventScroll: true });
}

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  if (full.open) {
    if (key === " " && !own(target)) {
      event.preventDefault();
      full.close();
    }
    return;
  }
  if (key === "Escape") return leave(target);
  if (typing(target) || !keysOn.checked || event.repeat || busy) return;
  if ((key === " " && own(target)) || (key.startsWith("Arrow") && target.type === "radio")) return;
  if (/^[1-9]$/.test(key) && mode) {
    if (digit(key)) event.preventDefault();
    return;
  }
  const act = Object.hasOwn(KEYS, key) ? KEYS[key] : KEYS[key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
});

// Whoever speaks to the computer, or rests a hand on it, may do without single keys; the choice is kept.
const REMEMBERED = "image-studio-review-keys";
const remembered = (value) => {
  try {
    if (value === undefined) return localStorage.getItem(REMEMBERED);
    localStorage.setItem(REMEMBERED, value);
  } catch {
    // A browser that stores nothing asks again next time.
  }
  return null;
};
keysOn.checked = remembered() !== "off";
keysOn.addEventListener("change", () => {
  root.classList.toggle("review-keyed", keysOn.checked);
  remembered(keysOn.checked ? "on" : "off");
});

window.addEventListener("popstate", () => show(location.href, { push: false }));
window.addEventListener("beforeunload", (event) => {
  if ([...drafts.values()].some((draft) => Object.values(draft).some(Boolean))) event.preventDefault();
});

root.classList.add("review-on");
root.classList.toggle("review-keyed", keysOn.checked);
help.hidden = false;
// The queue's own address shows whatever waits longest; going back must lead to what was seen.
const address = find(".review-strip [aria-current]")?.href;
if (address) history.replaceState({}, "", address);
for (const row of root.querySelectorAll(".review-brand")) {
  row.querySelector("button").hidden = true;
  row.querySelector("select").addEventListener("change", () => row.requestSubmit());
}
settle();
