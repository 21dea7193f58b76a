// Side by side at one zoom, panned together. Without this file the pictures stand side by side and that is all.

const board = document.querySelector("#compare");
const panes = [...board.querySelectorAll(".studio-pane")];
const output = document.querySelector("#zoom");
const MOST = 12;
// The point of the picture in the middle of its pane, as fractions, and how much larger than fitted it is.
const view = { x: 0.5, y: 0.5, zoom: 1 };

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

const ratio = (image) => image.getAttribute("height") / image.getAttribute("width");

function draw() {
  view.zoom = clamp(view.zoom, 1, MOST);
  const half = 0.5 / view.zoom;
  view.x = clamp(view.x, half, 1 - half);
  view.y = clamp(view.y, half, 1 - half);
  // By the sizes that are written in the page: a pane takes its room before its picture has come.
  const tallest = Math.max(...panes.map((pane) => pane.clientWidth * ratio(pane.firstElementChild)));
  for (const pane of panes) {
    pane.style.height = `${Math.max(160, Math.round(tallest)) || 160}px`;
    const image = pane.firstElementChild;
    const [wide, high] = [image.clientWidth, image.clientHeight];
    const move = `translate(${((0.5 - view.x) * wide * view.zoom).toFixed(2)}px, ${((0.5 - view.y) * high * view.zoom).toFixed(2)}px)`;
    image.style.transform = `${move} scale(${view.zoom.toFixed(4)})`;
  }
  board.classList.toggle("studio-compare-near", view.zoom > 1);
  output.value = `${Math.round(view.zoom * 100)} %`;
}

function zoom(by, pane = null, event = null) {
  const before = view.zoom;
  view.zoom = clamp(before * by, 1, MOST);
  if (pane && event) {
    // What lies under the pointer stays there.
    const box = pane.getBoundingClientRect();
    const image = pane.firstElementChild;
    const [dx, dy] = [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
    view.x += (dx / image.clientWidth) * (1 / before - 1 / view.zoom);
    view.y += (dy / image.clientHeight) * (1 / before - 1 / view.zoom);
  }
  draw();
}

function pan(dx, dy) {
  view.x += dx / view.zoom;
  view.y += dy / view.zoom;
  draw();
}

function fit() {
  Object.assign(view, { x: 0.5, y: 0.5, zoom: 1 });
  draw();
}

function drag(pane) {
  let last = null;
  pane.addEventListener("wheel", (event) => {
    // Where there is nothing to make smaller the page goes on scrolling.
    if (view.zoom === 1 && event.deltaY >= 0 && !event.ctrlKey) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), pane, event);
  }, { passive: false });
  pane.addEventListener("pointerdown", (event) => {
    if (event.button || last || view.zoom === 1) return;
    last = event;
    pane.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  pane.addEventListener("pointermove", (event) => {
    if (last?.pointerId !== event.pointerId) return;
    const image = pane.firstElementChild;
    pan((last.clientX - event.clientX) / image.clientWidth, (last.clientY - event.clientY) / image.clientHeight);
    last = event;
  });
  const end = () => { last = null; };
  pane.addEventListener("pointerup", end);
  pane.addEventListener("pointercancel", end);
}

const KEYS = {
  "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), 0: fit,
  ArrowLeft: () => pan(-0.06, 0), ArrowRight: () => pan(0.06, 0), ArrowUp: () => pan(0, -0.06), ArrowDown: () => pan(0, 0.06),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
  // Arrows scroll the page as long as nothing is enlarged.
  if (!KEYS[event.key] || (event.key.startsWith("Arrow") && view.zoom === 1)) return;
  event.preventDefault();
  KEYS[event.key]();
});

if (panes.length) {
  document.querySelector("#tools").hidden = false;
  board.classList.add("studio-compare-live");
  panes.forEach(drag);
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", { in: () => zoom(1.25), out: () => zoom(0.8), fit }[button.dataset.zoom]);
  }
  for (const pane of panes) pane.firstElementChild.addEventListener("load", draw);
  window.addEventListener("resize", draw);
  draw();
}
