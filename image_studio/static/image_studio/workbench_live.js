// Keeps an open workbench up to date: ghosts become pictures, and what somebody else did is seen. The server draws.

const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const bench = find("#wb");
const tree = find("#wb-tree");
const words = Object.fromEntries(all("#wb-script-words dt").map((dt) => [dt.textContent, dt.nextElementSibling.textContent]));
const fill = (key, values) => words[key].replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? "");
const LONGEST = 60;
const typing = (target) => target.closest?.("input, textarea, select, [contenteditable], dialog[open]");

const state = { etags: bench.dataset.etags, shape: bench.dataset.shape, stage: bench.dataset.stage, head: Number(bench.dataset.head), timer: 0, failures: 0, busy: false };

const say = (text) => document.dispatchEvent(new CustomEvent("wb:say", { detail: { words: text } }));

function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html; // only ever what our own views rendered
  return template.content;
}

async function look() {
  clearTimeout(state.timer);
  if (state.busy) return;
  state.busy = true;
  let wait = LONGEST;
  try {
    const query = new URLSearchParams({ have: state.etags, shape: state.shape, stage: state.stage });
    const here = new URLSearchParams(location.search);
    for (const name of ["step", "candidate"]) if (here.has(name)) query.set(name, here.get(name));
    // Without a step in the address the page shows what it showed: the head may be another one now.
    if (!here.has("step")) query.set("step", bench.dataset.step);
    const answer = await fetch(`${bench.dataset.live}?${query}`, { headers: { Accept: "application/json" }, redirect: "manual" });
    if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) return void document.dispatchEvent(new CustomEvent("wb:over"));
    if (answer.status === 404) return say(words.gone);
    if (!answer.ok) throw new Error(String(answer.status));
    const told = await answer.json();
    state.failures = 0;
    wait = told.wait;
    await take(told);
  } catch {
    wait = Math.min(LONGEST, 3 * 2 ** state.failures++);
    if (state.failures > 1) say(words.unreached);
  } finally {
    state.busy = false;
  }
  state.timer = setTimeout(look, wait * 1000);
}

async function take(told) {
  if (told.tree) grow(told.tree);
  else for (const [number, html] of Object.entries(told.nodes ?? {})) swap(number, html);
  Object.assign(state, { etags: told.etags, shape: told.shape });
  if (told.head !== state.head) {
    state.head = told.head;
    say(fill("head_moved", { n: told.head }));
    const link = find("[data-head-link]");
    link.href = `?step=${told.head}`;
    link.textContent = link.textContent.replace(/\d+/, told.head);
    for (const seen of all("input[name=seen]")) seen.value = String(told.head);
  }
  if (told.html) await stage(told);
}

/** The tree anew; who was in it stays at the same step. */
function grow(html) {
  const at = tree.contains(document.activeElement) ? document.activeElement.dataset.node : "";
  tree.replaceChildren(parsed(html));
  if (at) find(`[data-node="${at}"]`, tree)?.focus({ preventScroll: true });
}

function swap(number, html) {
  const old = find(`[data-node="${number}"]`, tree);
  if (!old) return;
  const focused = old === document.activeElement;
  const next = parsed(html).firstElementChild;
  old.replaceWith(next);
  if (focused) next.focus({ preventScroll: true });
}

/** The middle anew. Its first picture is loaded before it is shown, so that nothing flickers. */
async function stage(told) {
  const old = find("#wb-stage");
  const next = parsed(told.html).firstElementChild;
  const first = find(".wb-picture, .wb-early", next);
  if (first?.src) {
    const image = new Image();
    image.src = first.src;
    await image.decode().catch(() => null);
  }
  const arrived = !old.dataset.ready && next.dataset.ready;
  const open = all("details[open]", old).map((fold) => all("details", old).indexOf(fold));
  const typed = old.contains(document.activeElement) && typing(document.activeElement);
  if (typed && !arrived) return; // somebody gives a reason: that is not taken from under their hands
  // The form beside it could not ask while there was no picture: now it can. Not shown before the page is loaded again,
  // or a key that is pressed between the two would be lost.
  if (arrived && told.asks && !find("#ask")) return location.reload();
  old.replaceWith(next);
  for (const at of open) if (all("details", next)[at]) all("details", next)[at].open = true;
  state.stage = told.stage_mark;
  if (old.dataset.busy && !told.busy) say(fill("arrived", { n: next.dataset.step, state: told.state }));
  document.dispatchEvent(new CustomEvent("wb:stage", { detail: { strokes: {} } }));
}

// Comma and full stop walk the tree like a list; 1 to 4 go to the button that picks a candidate.
function walk(by) {
  const nodes = all("[data-node]", tree);
  const at = nodes.findIndex((node) => node.hasAttribute("aria-current"));
  nodes[Math.min(nodes.length - 1, Math.max(0, at + by))]?.click();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === "," || event.key === ".") walk(event.key === "," ? -1 : 1);
  const pick = find(`[data-pick="${{ 1: "a", 2: "b", 3: "c", 4: "d" }[event.key]}"]`);
  if (pick) pick.focus();
});
document.addEventListener("visibilitychange", () => !document.hidden && look());

find('[aria-current]', tree)?.scrollIntoView({ block: "nearest" });
state.timer = setTimeout(look, bench.dataset.active ? 1200 : 12000);
