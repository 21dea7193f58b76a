// "Change this": a frame dragged over the inspector's picture fills the four number fields, and they draw it. Works on the
// inspector's own page and in the side panel of a sheet, whose content comes and goes.

const find = (selector, root = document) => root.querySelector(selector);
const panel = find("#panel");

function frame(root) {
  const form = root && find('[data-form="change"]', root);
  const canvas = root && find(".studio-canvas", root);
  if (!form || !canvas) return;
  const fold = form.closest("details");
  const fields = [...form.querySelectorAll(".studio-edges input")];
  const rect = find(".studio-region rect", canvas);
  for (const hint of form.querySelectorAll("[data-drag]")) hint.hidden = false;
  const draw = () => {
    const parts = fields.map((field) => parseFloat(field.value.replace(",", ".")));
    const whole = parts.every((part) => part >= 0);
    ["x", "y", "width", "height"].forEach((name, at) => rect.setAttribute(name, whole ? `${parts[at]}%` : "0"));
  };
  const fill = (parts) => {
    fields.forEach((field, at) => {
      field.value = parts ? parts[at].toFixed(1) : "";
      field.dispatchEvent(new Event("input", { bubbles: true })); // the page keeps it as it keeps what is typed
    });
  };
  const place = (from, to) => {
    const box = find("img", canvas).getBoundingClientRect();
    const share = (value, low, size) => Math.min(100, Math.max(0, ((value - low) / size) * 100));
    const xs = [from.clientX, to.clientX].map((x) => share(x, box.left, box.width)).sort((a, b) => a - b);
    const ys = [from.clientY, to.clientY].map((y) => share(y, box.top, box.height)).sort((a, b) => a - b);
    fill([xs[0], ys[0], xs[1] - xs[0], ys[1] - ys[0]]);
  };
  let from = null;
  const ready = () => canvas.classList.toggle("studio-drag", fold.open);
  fold.addEventListener("toggle", ready);
  ready();
  canvas.addEventListener("click", (event) => fold.open && event.preventDefault());
  canvas.addEventListener("dragstart", (event) => event.preventDefault());
  canvas.addEventListener("pointerdown", (event) => {
    if (!fold.open || event.button || from) return;
    event.preventDefault();
    from = event;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => from?.pointerId === event.pointerId && place(from, event));
  canvas.addEventListener("pointerup", (event) => {
    if (from?.pointerId !== event.pointerId) return;
    const far = Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY);
    from = null;
    if (far < 6) fill(null); // a click takes the frame away
  });
  canvas.addEventListener("pointercancel", () => (from = null));
  for (const field of fields) field.addEventListener("input", draw);
  draw();
}

const shown = () => frame(find(".studio-inspect", panel ?? document));
if (panel) new MutationObserver(shown).observe(panel, { childList: true });
else shown();
