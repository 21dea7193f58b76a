// Looking at the workbench's picture: zoom and pan by wheel, fingers and keys; before and after; where it changed.
// Without this file the picture stands fitted, and the step before is one link away.

const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const MOST = 16;
const typing = (target) => target.closest?.("input:not([type=range], [type=checkbox], [type=radio]), textarea, select, [contenteditable], dialog[open]");
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

let stage = null;
let view = null;
let sheet = null;
let mode = "look";
// The point of the picture in the middle of the view, as fractions, and how much larger than fitted it is.
const eye = { x: 0.5, y: 0.5, zoom: 1 };
const pointers = new Map();
let pinch = null;

function draw() {
  if (!sheet) return;
  eye.zoom = clamp(eye.zoom, 1, MOST);
  const half = 0.5 / eye.zoom;
  eye.x = clamp(eye.x, half, 1 - half);
  eye.y = clamp(eye.y, half, 1 - half);
  const [wide, high] = [sheet.offsetWidth, sheet.offsetHeight];
  const move = `translate(${((0.5 - eye.x) * wide * eye.zoom).toFixed(2)}px, ${((0.5 - eye.y) * high * eye.zoom).toFixed(2)}px)`;
  sheet.style.transform = eye.zoom === 1 ? "" : `${move} scale(${eye.zoom.toFixed(4)})`;
  view.classList.toggle("wb-near", eye.zoom > 1);
  const words = find("[data-zoom-words]", stage);
  if (words) words.value = `${Math.round(eye.zoom * 100)} %`;
}

function zoom(by, at = null) {
  const before = eye.zoom;
  eye.zoom = clamp(before * by, 1, MOST);
  if (at) {
    // What lies under the pointer stays there.
    const box = view.getBoundingClientRect();
    const [dx, dy] = [at.clientX - box.left - box.width / 2, at.clientY - box.top - box.height / 2];
    eye.x += (dx / sheet.offsetWidth) * (1 / before - 1 / eye.zoom);
    eye.y += (dy / sheet.offsetHeight) * (1 / before - 1 / eye.zoom);
  }
  draw();
}

function pan(dx, dy) {
  eye.x += dx / eye.zoom;
  eye.y += dy / eye.zoom;
  draw();
}

function fit() {
  Object.assign(eye, { x: 0.5, y: 0.5, zoom: 1 });
  draw();
}

// Wheel, fingers, a hand ------------------------------------------------------------------------------------------

function wheel(event) {
  // Where there is nothing to make smaller the page goes on scrolling.
  if (eye.zoom === 1 && !event.ctrlKey && (event.deltaY >= 0 || mode === "look")) return;
  event.preventDefault();
  zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), event);
}

const middle = () => {
  const [one, two] = [...pointers.values()];
  return { clientX: (one.clientX + two.clientX) / 2, clientY: (one.clientY + two.clientY) / 2, far: Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY) };
};

function down(event) {
  pointers.set(event.pointerId, event);
  if (pointers.size === 2) {
    pinch = middle();
    stage.dataset.moving = "yes";
    document.dispatchEvent(new CustomEvent("wb:gesture"));
  } else if (event.button === 1 || (mode === "look" && eye.zoom > 1 && !event.button)) {
    if (event.target.closest?.(".wb-cut")) return;
    view.setPointerCapture(event.pointerId);
    stage.dataset.moving = "yes";
    event.preventDefault();
  }
}

function move(event) {
  const last = pointers.get(event.pointerId);
  if (!last) return;
  pointers.set(event.pointerId, event);
  if (!stage.dataset.moving) return;
  if (pointers.size === 2) {
    const now = middle();
    zoom(now.far / Math.max(1, pinch.far), now);
    pan((pinch.clientX - now.clientX) / sheet.offsetWidth, (pinch.clientY - now.clientY) / sheet.offsetHeight);
    pinch = now;
  } else {
    pan((last.clientX - event.clientX) / sheet.offsetWidth, (last.clientY - event.clientY) / sheet.offsetHeight);
  }
}

function up(event) {
  pointers.delete(event.pointerId);
  if (!pointers.size && stage) delete stage.dataset.moving;
}

// Before and after --------------------------------------------------------------------------------------------------

const slider = () => find("[data-cut]", stage);

function cut() {
  const range = stage && slider();
  if (!range) return;
  const shown = mode === "look" ? Number(range.value) : 0;
  const before = find(".wb-before", stage);
  if (shown && !before.src) before.src = before.dataset.src;
  sheet.style.setProperty("--cut", `${shown}%`);
  sheet.classList.toggle("wb-cutting", shown > 0);
  const words = shown === 0 ? range.dataset.after : shown === 100 ? range.dataset.before : range.dataset.both.replace("{n}", String(shown));
  range.setAttribute("aria-valuetext", words);
}

function slide(to) {
  const range = slider();
  if (!range) return;
  range.value = String(to);
  cut();
}

/** The line itself can be dragged, where the picture is. */
function dragLine(line) {
  line.addEventListener("pointerdown", (event) => {
    event.stopPropagation();
    event.preventDefault();
    line.setPointerCapture(event.pointerId);
    line.dataset.held = "yes";
  });
  line.addEventListener("pointermove", (event) => {
    if (!line.dataset.held) return;
    const box = sheet.getBoundingClientRect();
    slide(clamp(Math.round(((event.clientX - box.left) / box.width) * 100), 0, 100));
  });
  for (const name of ["pointerup", "pointercancel"]) line.addEventListener(name, () => delete line.dataset.held);
}

function heat(button) {
  const on = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(on));
  const over = find(".wb-heat", stage);
  if (on && !over.src) over.src = over.dataset.src;
  over.hidden = !on;
}

// Keys --------------------------------------------------------------------------------------------------------------

const KEYS = {
  "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: fit,
  k: () => slider() && slide(Number(slider().value) > 0 ? 0 : 100),
  d: () => find("[data-heat]", stage) && heat(find("[data-heat]", stage)),
};
const ARROWS = { ArrowLeft: [-0.06, 0], ArrowRight: [0.06, 0], ArrowUp: [0, -0.06], ArrowDown: [0, 0.06] };

function key(event) {
  if (!stage || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (ARROWS[event.key]) {
    // Arrows scroll the page unless the picture is enlarged and has the keyboard.
    if (eye.zoom === 1 || document.activeElement !== view) return;
    event.preventDefault();
    pan(...ARROWS[event.key]);
  } else if (KEYS[event.key.toLowerCase()]) {
    if (event.target.matches?.("[type=range]") && event.key !== "d" && event.key !== "k") return;
    event.preventDefault();
    KEYS[event.key.toLowerCase()]();
  }
}

function start() {
  stage = find("#wb-stage");
  view = stage && find(".wb-view", stage);
  sheet = stage && find(".wb-sheet", stage);
  pointers.clear();
  if (!view || !sheet) return (stage = null);
  all("[data-looking]", stage).forEach((part) => { part.hidden = false; });
  view.addEventListener("wheel", wheel, { passive: false });
  view.addEventListener("pointerdown", down);
  view.addEventListener("pointermove", move);
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) view.addEventListener(name, up);
  const line = find(".wb-cut", stage);
  if (line) dragLine(line);
  fit();
  return cut();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-zoom], [data-heat]");
  if (!button || !stage) return;
  if (button.dataset.zoom) ({ in: () => zoom(1.25), out: () => zoom(0.8), fit })[button.dataset.zoom]();
  else heat(button);
});
document.addEventListener("input", (event) => event.target.matches?.("[data-cut]") && cut());
document.addEventListener("keydown", key);
document.addEventListener("wb:mode", (event) => { mode = event.detail.mode; cut(); });
document.addEventListener("wb:stage", start);
window.addEventListener("resize", draw);
start();
