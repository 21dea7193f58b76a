// The contact sheet by keyboard: from cell to cell, and a letter for each verb. What a letter means is done by sheet.js,
// which hears it as an event at the cell; everything else is a click or a focus. None fires while somebody types.

const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const sheet = find("#sheet");
const panel = find("#panel");
const bulk = find("#bulk");
const help = find("#help");

const TEXT = "textarea, select, [contenteditable], input:not([type=checkbox]):not([type=radio])";
const VERBS = { p: "release", x: "reject", c: "change", s: "shortlist" };

const shut = () => find(".studio-close", panel)?.click();
const isOpen = () => !panel.hidden;
const current = (target) => (isOpen() ? find(".studio-open", sheet) : target.closest?.(".studio-cell"));

function near(cell, across, down) {
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
  if (isOpen()) find("a", next).click();
  else find("a", next).focus();
  next.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function escape() {
  const fold = bulk && find("details[open]", bulk);
  if (isOpen()) shut();
  else if (fold) {
    fold.open = false;
    find("summary", fold).focus();
  } else return false;
  return true;
}

// Whether the key meant something.
function acted(event) {
  const { target, key } = event;
  const letter = key.toLowerCase();
  if (key === "Escape") return escape();
  if (target.matches?.(TEXT)) return false;
  const cell = current(target);
  if (key === "?") help.showModal();
  else if (letter === "b" && bulk && find("[name=cell]:checked", sheet)) {
    shut();
    find("button", bulk).focus();
  } else if (!cell) return false;
  else if (/^Arrow(Left|Right|Up|Down)$/.test(key)) {
    if (target.type === "radio") return false;
    step(cell, key);
  } else if (key === " " && target.localName === "a" && sheet.contains(target)) find("[name=cell]", cell)?.click();
  else if (Object.hasOwn(VERBS, letter)) cell.dispatchEvent(new CustomEvent("studio:verb", { bubbles: true, detail: VERBS[letter] }));
  else return false;
  return true;
}

if (sheet) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (find("dialog[open]") || (event.repeat && !event.key.startsWith("Arrow"))) return;
    if (acted(event)) event.preventDefault();
  });
}
