// "Change this": a region drawn over the picture of the review board fills the four number fields, and they draw it.
// Everything goes through the fields, so that the page's other script keeps what was drawn as it keeps what was typed.

const stage = document.getElementById("review-stage");
const SIDES = ["left", "top", "width", "height"];

const find = (selector) => stage.querySelector(selector);
const fold = () => find('details[data-fold="change"]');
const side = (name) => find(`form[data-form="change"] [name=region_${name}]`);
let start = null;

function draw() {
  const mark = find(".review-drag");
  if (!mark) return;
  const [left, top, wide, high] = SIDES.map((name) => parseFloat(side(name)?.value.replace(",", ".")));
  const visible = fold()?.open && wide > 0 && high > 0;
  mark.setAttribute("visibility", visible ? "visible" : "hidden");
  if (!visible) return;
  const { width, height } = find(".review-svg").viewBox.baseVal;
  const place = { x: (left * width) / 100, y: (top * height) / 100, width: (wide * width) / 100, height: (high * height) / 100 };
  for (const rect of mark.querySelectorAll("rect")) {
    for (const [name, value] of Object.entries(place)) rect.setAttribute(name, value || 0);
  }
}

function point(event) {
  const svg = find(".review-svg");
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  const { width, height } = svg.viewBox.baseVal;
  const inside = (part) => Math.min(100, Math.max(0, part * 100));
  return [inside(at.x / width), inside(at.y / height)];
}

function fill(values) {
  SIDES.forEach((name, index) => {
    side(name).value = values ? values[index].toFixed(1) : "";
    side(name).dispatchEvent(new Event("input", { bubbles: true }));
  });
}

function drag(event) {
  if (!side("left")) return;
  const [x, y] = point(event);
  const values = [Math.min(start.at[0], x), Math.min(start.at[1], y), Math.abs(start.at[0] - x), Math.abs(start.at[1] - y)];
  fill(values[2] < 1 || values[3] < 1 ? null : values);
}

const end = () => (start = null);

stage.addEventListener("pointerdown", (event) => {
  const picture = event.target.closest(".review-picture");
  if (!picture || !fold()?.open || event.button || start) return;
  event.preventDefault();
  start = { at: point(event), pointer: event.pointerId };
  picture.setPointerCapture(event.pointerId);
});
stage.addEventListener("pointermove", (event) => start?.pointer === event.pointerId && drag(event));
stage.addEventListener("pointerup", end);
stage.addEventListener("pointercancel", end);
stage.addEventListener("dragstart", (event) => event.target.closest(".review-picture") && event.preventDefault());
stage.addEventListener("click", (event) => event.target.closest("[data-do=whole]") && fill(null));
stage.addEventListener("input", (event) => event.target.name?.startsWith("region_") && draw());
stage.addEventListener("toggle", draw, true);
new MutationObserver(() => {
  end();
  draw();
}).observe(stage, { childList: true });
draw();
