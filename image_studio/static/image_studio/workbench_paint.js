// Painting on the workbench's picture: the part that may change, and drawings that the model is to follow. Strokes are
// kept as vectors in fractions of the picture, so that they fit any zoom, live in a draft, and are drawn once more at
// the picture's true size when a step is asked for. Talks to the other scripts of the page by events alone.

const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const LONGEST = 1400; // of the canvases on the page, in pixels; what is sent has the picture's own
const MOST = 60; // rectangles that are told as such; more are sent as a picture
const LAYERS = ["mask", "markup"];
const typing = (target) => target.closest?.("input:not([type=range], [type=checkbox], [type=radio]), textarea, select, [contenteditable], dialog[open]");
const fresh = () => ({ done: [], undone: [] });

let stage = null;
let layers = { mask: fresh(), markup: fresh() };
let mode = "look";
let tool = "brush";
let stroke = null; // what the pointer is drawing now
let from = null; // its pointer

const size = () => ({ width: Number(stage.dataset.width), height: Number(stage.dataset.height) });
const base = () => `${stage.dataset.step}.${stage.dataset.candidate}`;
const canvas = (layer) => find(`canvas[data-layer="${layer}"]`, stage);
const layerNow = () => (mode === "markup" ? "markup" : "mask");
const field = (name) => find(`[data-paint="${name}"]`);

// Drawing -----------------------------------------------------------------------------------------------------------

function line(context, op, wide, high) {
  context.lineWidth = Math.max(1, op.size * Math.max(wide, high));
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  const [first, ...rest] = op.points;
  context.moveTo(first[0] * wide, first[1] * high);
  if (!rest.length) context.lineTo(first[0] * wide + 0.01, first[1] * high);
  for (const [x, y] of rest) context.lineTo(x * wide, y * high);
  context.stroke();
}

const HOW = {
  line,
  rect: (context, op, wide, high) => context.fillRect(op.box[0] * wide, op.box[1] * high, op.box[2] * wide, op.box[3] * high),
  invert: (context, _op, wide, high) => {
    context.globalCompositeOperation = "xor";
    context.fillRect(0, 0, wide, high);
  },
  clear: (context, _op, wide, high) => context.clearRect(0, 0, wide, high),
};

function draw(target, ops, colour) {
  const context = target.getContext("2d");
  context.clearRect(0, 0, target.width, target.height);
  for (const op of ops) {
    context.globalCompositeOperation = op.erase ? "destination-out" : "source-over";
    context.fillStyle = context.strokeStyle = op.colour ?? colour;
    HOW[op.kind]?.(context, op, target.width, target.height);
  }
  context.globalCompositeOperation = "source-over";
}

function redraw(layer) {
  const target = canvas(layer);
  if (!target) return;
  const ops = [...layers[layer].done];
  if (stroke && stroke.layer === layer) ops.push(stroke.op);
  draw(target, ops, getComputedStyle(target).color);
}

/** The share of the picture that is marked, 0 to 1, and the box around it in fractions, read from a small copy. */
function marked() {
  const edge = 96;
  const small = new OffscreenCanvas(edge, edge).getContext("2d", { willReadFrequently: true });
  small.drawImage(canvas("mask"), 0, 0, edge, edge);
  const { data } = small.getImageData(0, 0, edge, edge);
  let sum = 0;
  let [left, top, right, bottom] = [edge, edge, 0, 0];
  for (let at = 0; at < edge * edge; at++) {
    const alpha = data[4 * at + 3];
    if (!alpha) continue;
    const [x, y] = [at % edge, Math.floor(at / edge)];
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x + 1), Math.max(bottom, y + 1)];
    sum += alpha;
  }
  const box = [left / edge, top / edge, (right - left) / edge, (bottom - top) / edge];
  return { share: sum / (255 * edge * edge), bounds: sum ? box : null };
}

/** Rectangles in fractions where nothing else was painted: they need no picture, and fit one of any size. */
function boxes() {
  const { done } = layers.mask;
  const since = done.slice(done.findLastIndex((op) => op.kind === "clear") + 1);
  const plain = since.length && since.length <= MOST && since.every((op) => op.kind === "rect" && !op.erase);
  return plain ? since.map((op) => op.box) : null;
}

function changed({ quietly = false } = {}) {
  LAYERS.forEach(redraw);
  const now = layers[layerNow()];
  for (const [name, off] of [["undo", !now.done.length], ["redo", !now.undone.length], ["clear", !now.done.length]]) {
    all(`[data-do-paint="${name}"]`, stage).forEach((button) => { button.disabled = off; });
  }
  const { share, bounds } = marked();
  const drawn = layers.markup.done.slice(layers.markup.done.findLastIndex((op) => op.kind === "clear") + 1).some((op) => !op.erase);
  const detail = { base: base(), share, bounds, drawn, boxes: share ? boxes() : null, strokes: kept(), quietly };
  document.dispatchEvent(new CustomEvent("wb:strokes", { detail }));
}

const kept = () => Object.fromEntries(LAYERS.map((layer) => [layer, layers[layer].done]).filter(([, ops]) => ops.length));

function add(layer, op) {
  layers[layer].done.push(op);
  layers[layer].undone = [];
  changed();
}

function step(from_, to) {
  const now = layers[layerNow()];
  const op = now[from_].pop();
  if (!op) return;
  now[to].push(op);
  changed();
}

// The pointer: mouse, finger or pen ---------------------------------------------------------------------------------

const round = (number) => Math.round(number * 1e4) / 1e4;
const clamp = (number) => Math.min(1, Math.max(0, number));

function point(event, inside = false) {
  const place = find(".wb-sheet", stage).getBoundingClientRect();
  const at = [(event.clientX - place.left) / place.width, (event.clientY - place.top) / place.height];
  return at.map((part) => round(inside ? clamp(part) : part));
}

function begin(event) {
  if (mode === "look" || event.button || from || stage.dataset.moving) return;
  event.preventDefault();
  from = event;
  find(".wb-view", stage).setPointerCapture(event.pointerId);
  const erase = tool === "erase";
  const at = point(event, tool === "rect");
  if (mode === "markup") stroke = { layer: "markup", op: { kind: "line", points: [at], size: pen(), erase, ...(erase ? {} : { colour: colour() }) } };
  else if (tool === "rect") stroke = { layer: "mask", start: at, op: { kind: "rect", box: [...at, 0, 0] } };
  else stroke = { layer: "mask", op: { kind: "line", points: [at], size: pen(), erase } };
  redraw(stroke.layer);
}

function move(event) {
  ring(event);
  if (from?.pointerId !== event.pointerId || !stroke) return;
  if (stroke.start) {
    const [to, start] = [point(event, true), stroke.start];
    const [left, top] = [Math.min(start[0], to[0]), Math.min(start[1], to[1])];
    stroke.op.box = [left, top, round(Math.abs(to[0] - start[0])), round(Math.abs(to[1] - start[1]))];
  } else {
    for (const one of event.getCoalescedEvents?.() ?? [event]) follow(point(one));
  }
  redraw(stroke.layer);
}

/** Points closer than a third of a brush's edge add weight and nothing to see. */
function follow(at) {
  const { points } = stroke.op;
  const last = points[points.length - 1];
  if (Math.hypot(at[0] - last[0], at[1] - last[1]) >= Math.max(0.0015, stroke.op.size / 12)) points.push(at);
}

function end(event) {
  if (from?.pointerId !== event.pointerId) return;
  const { layer, op } = stroke ?? {};
  from = stroke = null;
  if (!op || (op.kind === "rect" && (op.box[2] < 0.004 || op.box[3] < 0.004))) return changed({ quietly: true });
  add(layer, op);
}

/** A second finger moves the picture: what the first had begun was no stroke. */
function cancel() {
  if (!stroke) return;
  const { layer } = stroke;
  from = stroke = null;
  redraw(layer);
}

function ring(event) {
  const place = find(".wb-ring", stage);
  const shown = mode !== "look" && !(mode === "mask" && tool === "rect") && event.pointerType !== "touch";
  place.hidden = !shown;
  if (!shown) return;
  const [x, y] = point(event);
  const { width, height } = size();
  const across = pen() * Math.max(width, height);
  Object.assign(place.style, { left: `${x * 100}%`, top: `${y * 100}%`, width: `${(across / width) * 100}%`, height: `${(across / height) * 100}%` });
}

// Tools -------------------------------------------------------------------------------------------------------------

/** The brush's width as a share of the longest edge; the pen of a drawing is finer. */
const pen = () => Number(field("size").value) / (mode === "markup" ? 4000 : 1000);
const colour = () => getComputedStyle(find('[name="wb-colour"]:checked + i', stage)).backgroundColor;

function sized() {
  const { width, height } = size();
  const pixels = Math.round(pen() * Math.max(width, height));
  field("size-words").value = `${pixels} px`;
  field("size").setAttribute("aria-valuetext", `${pixels} px`);
}

function resize(by) {
  const range = field("size");
  range.value = String(Math.max(Number(range.min), Math.min(Number(range.max), Math.round(Number(range.value) * by) + (by > 1 ? 1 : -1))));
  sized();
}

function choose(next) {
  mode = next;
  stage.dataset.mode = mode;
  all("[data-mode-of]", stage).forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.modeOf === mode)));
  all("[data-for]", stage).forEach((part) => { part.hidden = !part.dataset.for.split(" ").includes(mode); });
  if (mode === "markup" && tool === "rect") tool = "brush";
  use(tool);
  document.dispatchEvent(new CustomEvent("wb:mode", { detail: { mode } }));
  changed({ quietly: true });
}

function use(next) {
  tool = next;
  stage.dataset.tool = tool;
  all("[data-tool]", stage).forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.tool === tool)));
  find(".wb-ring", stage).hidden = true;
  sized();
}

/** The numbers of the form as a rectangle of the mask, for who does not draw. */
function addNumbers() {
  const fields = ["left", "top", "width", "height"].map((name) => find(`#ask [name="${name}"]`));
  const [left, top, width, height] = fields.map((one) => parseFloat(one.value.replace(",", ".")) / 100);
  const wrong = ![left, top, width, height].every((part) => part >= 0) || !width || !height || left + width > 1.0001 || top + height > 1.0001;
  say(wrong ? stage.dataset.wrongNumbers : stage.dataset.added);
  if (wrong) return fields[0].focus();
  fields.forEach((one) => { one.value = ""; });
  if (mode !== "mask") choose("mask");
  return add("mask", { kind: "rect", box: [left, top, width, height].map(round) });
}

const say = (words) => document.dispatchEvent(new CustomEvent("wb:say", { detail: { words } }));

const DEEDS = {
  undo: () => step("done", "undone"),
  redo: () => step("undone", "done"),
  invert: () => mode === "mask" && add("mask", { kind: "invert" }),
  clear: () => layers[layerNow()].done.length && add(layerNow(), { kind: "clear" }),
  numbers: addNumbers,
};
const KEYS = {
  v: () => choose("look"), m: () => choose("mask"), p: () => find('[data-mode-of="markup"]', stage) && choose("markup"),
  b: () => mode !== "look" && use("brush"), r: () => mode === "mask" && use("rect"), e: () => mode !== "look" && use("erase"),
  i: DEEDS.invert, x: () => mode !== "look" && DEEDS.clear(), "[": () => mode !== "look" && resize(0.85), "]": () => mode !== "look" && resize(1.18),
};

function key(event) {
  if (!stage || typing(event.target) || event.altKey || !stage.dataset.ready) return;
  const name = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) {
    if (mode === "look" || !(name === "z" || name === "y")) return;
    event.preventDefault();
    return void (name === "y" || event.shiftKey ? DEEDS.redo() : DEEDS.undo());
  }
  if (!KEYS[name]) return undefined;
  event.preventDefault();
  return void KEYS[name]();
}

// What is sent ------------------------------------------------------------------------------------------------------

/** A layer at the picture's true size as a PNG: opaque where painted, clear elsewhere. */
async function file(layer) {
  const { width, height } = size();
  const target = new OffscreenCanvas(width, height);
  draw(target, layers[layer].done, "black");
  return target.convertToBlob({ type: "image/png" });
}

function offer(event) {
  if (!stage?.dataset.ready) return;
  const { wanted } = event.detail;
  for (const layer of LAYERS) if (layers[layer].done.length) wanted[layer] = () => file(layer);
}

// The stage comes and goes ------------------------------------------------------------------------------------------

function start(strokes) {
  const before = stage && base();
  stage = find("#wb-stage");
  from = stroke = null;
  if (!stage?.dataset.ready || !field("size")) return (stage = null); // nothing to paint on, or nobody who may
  const held = before === base() ? layers : null; // the same picture, drawn anew by the server
  layers = { mask: fresh(), markup: fresh() };
  const { width, height } = size();
  const scale = Math.min(1, LONGEST / Math.max(width, height));
  for (const layer of LAYERS) {
    if (held) layers[layer] = held[layer];
    else layers[layer].done = [...(strokes?.[base()]?.[layer] ?? [])];
    Object.assign(canvas(layer), { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) });
  }
  const view = find(".wb-view", stage);
  view.addEventListener("pointerdown", begin);
  view.addEventListener("pointermove", move);
  view.addEventListener("pointerup", end);
  view.addEventListener("pointercancel", cancel);
  view.addEventListener("pointerleave", () => { find(".wb-ring", stage).hidden = true; });
  view.addEventListener("dragstart", (event) => event.preventDefault());
  choose(layers.mask.done.length ? "mask" : layers.markup.done.length ? "markup" : mode);
  return changed({ quietly: true });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-mode-of], [data-tool], [data-do-paint]");
  if (!button || !stage) return;
  const { modeOf, tool: wanted, doPaint } = button.dataset;
  if (modeOf) choose(modeOf);
  else if (wanted) use(wanted);
  else DEEDS[doPaint]?.();
});
document.addEventListener("input", (event) => event.target.dataset?.paint === "size" && sized());
document.addEventListener("keydown", key);
document.addEventListener("wb:gesture", cancel);
document.addEventListener("wb:export", offer);
document.addEventListener("wb:stage", (event) => start(event.detail.strokes));
document.addEventListener("wb:feather", (event) => {
  const target = stage && canvas("mask");
  if (!target) return;
  // A feather's strength is the width over which the edge fades: twice a blur's radius, in pixels of the picture.
  const shown = (event.detail.pixels / size().width) * target.clientWidth;
  target.style.filter = shown > 0 ? `blur(${(shown / 2).toFixed(2)}px)` : "";
});
start(JSON.parse(find("#wb-draft")?.dataset.draft || "{}").strokes);
