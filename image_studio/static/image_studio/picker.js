// A dialog with search and thumbnails over the picker's select. The select stays what is sent; without this script,
// or where there is no admin to ask, it is used as it is. Events are caught at the document, so that rows which an
// inline adds later need no start of their own.

const WAIT = 300; // ms after the last key before a search
const pickers = ".studio-picker";
let dialog = null;
let current = null; // the picker that the dialog chooses for
let opener = null;
let next = "";
let asked = 0; // the number of the newest question: a late answer to an older one is dropped
let generating = false;
let timer = 0;
const known = new Set();
const pictures = new Map();

const one = (root, selector) => root.querySelector(selector);
const show = (element, on) => {
  if (element) element.hidden = !on;
};

// Only where the admin wrapped the control, or where a page of the site asks for it.
const enhanceable = (picker) => picker.dataset.pick && picker.closest(".related-widget-wrapper, [data-studio-dialog]");

function enhance(root) {
  const found = root.matches?.(pickers) ? [root] : (root.querySelectorAll?.(pickers) ?? []);
  for (const picker of found) {
    const select = one(picker, "select");
    if (!select || !enhanceable(picker) || picker.dataset.ready) continue;
    picker.dataset.ready = "yes";
    select.hidden = true;
    select.required = false; // a hidden control that the browser refuses could not be mended by anybody
    picker.setAttribute("role", "group");
    show(one(picker, ".studio-picker-do"), true);
  }
}

function name(picker) {
  const label = one(picker, "select").labels?.[0]?.textContent.trim().replace(/:$/, "");
  if (label) picker.setAttribute("aria-label", label);
  return label ?? "";
}

// What the picker shows ------------------------------------------------------------------------------------------

function say(place, words, link) {
  place.textContent = words;
  if (!link) return;
  const anchor = document.createElement("a");
  anchor.href = link.href;
  anchor.target = "_blank";
  anchor.textContent = link.words;
  place.append(" ", anchor);
}

function frame(image, picture) {
  image.src = picture.thumb;
  image.width = picture.width;
  image.height = picture.height;
}

function fill(picker, picture) {
  const shown = one(picker, ".studio-picker-shown");
  show(shown, Boolean(picture));
  for (const when of picker.querySelectorAll("[data-when]")) show(when, (when.dataset.when === "some") === Boolean(picture));
  show(one(picker, "[data-do=remove]"), Boolean(picture));
  if (!picture) return;
  const image = one(shown, "img");
  frame(image, picture);
  image.alt = picture.alt;
  image.hidden = false;
  const put = (key, words) => (one(shown, `[data-of=${key}]`).textContent = words);
  put("title", picture.title);
  put("facts", picture.facts);
  put("state", picture.label);
  one(shown, "[data-of=state]").dataset.state = picture.state;
  put("gone", "");
  show(one(shown, "[data-of=gone]"), false);
}

function choose(picker, picture) {
  const select = one(picker, "select");
  const value = picture?.id ?? "";
  if (picture && ![...select.options].some((option) => option.value === value)) {
    select.append(new Option(`${picture.title} (${picture.facts})`, value));
  }
  select.value = value;
  fill(picker, picture);
  say(one(picker, ".studio-picker-said"), picture ? `${picker.dataset.chosen} ${picture.title}` : picker.dataset.removed);
  select.dispatchEvent(new Event("change", { bubbles: true }));
}

// Asking the studio ----------------------------------------------------------------------------------------------

const ended = (answer) => answer.type === "opaqueredirect" || answer.status === 401;

async function ask(parameters) {
  const number = ++asked;
  const { pick, brand, channel } = current.dataset;
  const url = `${pick}?${new URLSearchParams({ brand, channel, ...parameters })}`;
  const fault = (words, link) => ({ fault: { words, link } });
  let found;
  try {
    const answer = await fetch(url, { headers: { Accept: "application/json" }, redirect: "manual" });
    if (ended(answer)) {
      found = fault(current.dataset.ended, { href: window.location.href, words: current.dataset.signIn });
    } else {
      const data = await answer.json();
      found = answer.ok ? data : fault(data.message || current.dataset.failed);
    }
  } catch {
    found = fault(current.dataset.failed);
  }
  return number === asked ? found : null;
}

const words = () => one(dialog, "[name=q]").value.trim();

async function look({ more = false, quietly = false } = {}) {
  const said = one(dialog, ".studio-pick-said");
  const grid = one(dialog, ".studio-pick-grid");
  if (!quietly) say(said, dialog.dataset.loading);
  grid.setAttribute("aria-busy", "true");
  const answer = await ask(more ? { q: words(), after: next } : { q: words() });
  if (!answer) return;
  grid.removeAttribute("aria-busy");
  if (answer.fault) return say(said, answer.fault.words, answer.fault.link);
  draw(answer, { more, fresh: quietly });
}

// The dialog -----------------------------------------------------------------------------------------------------

function card(picture, isNew) {
  const item = one(dialog, "template").content.cloneNode(true);
  const button = one(item, "button");
  button.dataset.id = picture.id;
  frame(one(item, "img"), picture);
  one(item, "strong").textContent = picture.title;
  one(item, ".studio-pick-facts").textContent = picture.facts;
  const chosen = picture.id === one(current, "select").value;
  const mark = one(item, ".studio-pick-new");
  mark.textContent = chosen ? dialog.dataset.current : dialog.dataset.new;
  show(mark, chosen || isNew);
  if (chosen) button.setAttribute("aria-current", "true");
  return item;
}

function draw(answer, { more = false, fresh = false } = {}) {
  const grid = one(dialog, ".studio-pick-grid");
  const held = grid.contains(document.activeElement) ? document.activeElement.dataset.id : "";
  const cards = answer.pictures.map((picture) => {
    const isNew = fresh && !known.has(picture.id);
    known.add(picture.id);
    pictures.set(picture.id, picture);
    return card(picture, isNew);
  });
  const before = grid.children.length;
  if (more) grid.append(...cards);
  else grid.replaceChildren(...cards);
  next = answer.next;
  show(one(dialog, "[data-do=more]"), Boolean(next));
  say(one(dialog, ".studio-pick-said"), answer.said);
  if (more) one(grid.children[before] ?? grid, "button")?.focus();
  else if (held) [...grid.querySelectorAll("button")].find((button) => button.dataset.id === held)?.focus();
}

async function open(picker, button) {
  current = picker;
  opener = button;
  const said = one(picker, ".studio-picker-said");
  say(said, "");
  name(picker);
  if (dialog) {
    one(dialog, "[name=q]").value = "";
    one(dialog, ".studio-pick-grid").replaceChildren();
    dialog.showModal();
    return look();
  }
  button.setAttribute("aria-busy", "true");
  const answer = await ask({ dialog: "1" });
  button.removeAttribute("aria-busy");
  if (!answer || dialog) return undefined;
  if (answer.fault) return say(said, answer.fault.words, answer.fault.link);
  document.body.insertAdjacentHTML("beforeend", answer.dialog);
  dialog = document.body.lastElementChild;
  listen();
  draw(answer);
  dialog.showModal();
  return undefined;
}

function listen() {
  const search = one(dialog, "form");
  search.addEventListener("submit", (event) => {
    event.preventDefault();
    window.clearTimeout(timer);
    look();
  });
  search.addEventListener("input", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(look, WAIT);
  });
  dialog.addEventListener("keydown", arrows);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // beside it
  });
  dialog.addEventListener("close", () => {
    asked++; // what is still under way has nobody left to read it
    opener?.focus();
  });
}

// Arrow keys walk through the pictures as they lie on the screen; Tab still reaches each.
function arrows(event) {
  const button = event.target.closest?.("[data-do=take]");
  if (!button) return;
  const all = [...dialog.querySelectorAll("[data-do=take]")];
  const at = all.indexOf(button);
  const across = all.filter((other) => other.offsetTop === all[0].offsetTop).length;
  const side = getComputedStyle(dialog).direction === "rtl" ? -1 : 1;
  const steps = { ArrowRight: side, ArrowLeft: -side, ArrowDown: across, ArrowUp: -across };
  const to = event.key === "Home" ? 0 : event.key === "End" ? all.length - 1 : at + (steps[event.key] ?? NaN);
  if (Number.isNaN(to)) return;
  event.preventDefault();
  all[Math.min(Math.max(to, 0), all.length - 1)].focus();
}

// What was published in the other window is offered when this one is looked at again.
function lookAgain() {
  if (generating && dialog?.open && !document.hidden && current && !words()) look({ quietly: true });
}

const deeds = {
  open: (button) => open(button.closest(pickers), button),
  remove: (button) => {
    const picker = button.closest(pickers);
    choose(picker, null);
    one(picker, "[data-do=open]").focus();
  },
  take: (button) => {
    choose(current, pictures.get(button.dataset.id));
    dialog.close();
  },
  more: () => look({ more: true }),
  close: () => dialog.close(),
  generate: () => (generating = true),
};

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-do]");
  if (button?.closest(`${pickers}, .studio-pick`)) deeds[button.dataset.do]?.(button);
});
window.addEventListener("focus", lookAgain);
document.addEventListener("visibilitychange", lookAgain);
new MutationObserver((changes) => {
  for (const change of changes) for (const node of change.addedNodes) enhance(node);
}).observe(document.body, { childList: true, subtree: true });
enhance(document.body);
