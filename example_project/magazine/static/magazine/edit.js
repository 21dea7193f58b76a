// Change a picture with nothing but the studio's REST API: paint, price, edit, compare, pick.
// Data reaches the page as text and attributes only, never as HTML.

/** Every address that is called, below the API's root. Others come out of answers. */
const ADDRESSES = {
  brands: "brands/?limit=100",
  sources: "assets/?kind=raw&origin=upload&limit=8&brand={id}",
  upload: "assets/",
  asset: "assets/{id}/",
  chains: "chains/",
  chain: "chains/{id}/",
  head: "chains/{id}/head/",
  masks: "chains/{id}/masks/",
  steps: "chains/{id}/steps/",
  preview: "chains/{id}/steps/preview/",
};
const meta = (name) => new URL(document.querySelector(`meta[name=studio-${name}]`).content, location.href);
const API = meta("api"), SIGN_IN = meta("token");
const $ = (id) => document.getElementById(id);
const at = (name, id = "") => new URL(ADDRESSES[name].replace("{id}", encodeURIComponent(id)), API);

/** What the page knows: `from` is the step and candidate that the next edit grows from, `mask` the id of what is painted. */
const now = { token: sessionStorage.token || "", asset: null, chain: null, from: null, mask: "", painted: false, step: null, etag: "" };

// Talking -----------------------------------------------------------------------------------------------------------

class Problem extends Error {
  constructor(status, body = {}, wait = 0) {
    const fields = Object.entries(body.errors || {}).map(([name, words]) => `${name}: ${words.join(" ")}`);
    super([body.detail || `The server answered ${status}. Try again later.`, ...fields].join(" "));
    Object.assign(this, { status, code: body.code || "", wait });
  }
}
const LOST = { detail: "There is no connection to the server. Nothing is lost; try again when you are online." };

/** The one place that sends the token, and only to the API. */
async function send(address, { method = "GET", body, headers = {}, anonymous = false } = {}) {
  const url = new URL(address, API), said = { Accept: "application/json, */*;q=0.5", ...headers };
  if (now.token && !anonymous && url.origin === API.origin && url.pathname.startsWith(API.pathname)) said.Authorization = `Token ${now.token}`;
  const form = body instanceof FormData;
  if (body !== undefined && !form) said["Content-Type"] = "application/json";
  const options = { method, credentials: "omit", headers: said };
  if (body !== undefined) options.body = form ? body : JSON.stringify(body);
  const answer = await fetch(url, options).catch(() => { throw new Problem(0, LOST); });
  if (answer.ok || answer.status === 304) return answer;
  const told = await answer.json().catch(() => ({}));
  if (answer.status === 401 && !anonymous) signedOut("Your token is not valid any more. Sign in again; nothing is lost.");
  throw new Problem(answer.status, told, Number(answer.headers.get("Retry-After")) || 0);
}

const read = async (address, options) => (await send(address, options)).json();
const say = (address, body, headers) => read(address, { method: "POST", body, headers });
const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));
const random = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

/** A key for each thing that a person wants: kept until there is an answer, so that nothing is bought twice. */
const keys = new Map();
async function once(name, address, body) {
  const wish = JSON.stringify([String(address), body]);
  if (keys.get(name)?.wish !== wish) keys.set(name, { wish, key: random() });
  const answer = await say(address, body, { "Idempotency-Key": keys.get(name).key });
  keys.delete(name);
  return answer;
}

// Saying ------------------------------------------------------------------------------------------------------------

function tell(element, words, kind = "") {
  const alert = element.getAttribute("role") === "alert";
  if (alert) element.hidden = !words;
  else element.className = element.className.includes("said") ? `said ${kind}` : element.className;
  if (element.textContent !== words) element.textContent = words;
}

/** Run something that people began; what goes wrong is said beside it. One at a time. */
async function begin(button, place, act) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  tell(place, "");
  try {
    await act();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.status !== 401 || place === $("sign-in-said")) tell(place, error.message, "bad");
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

const stamp = (id) => $(id).content.firstElementChild.cloneNode(true);
const dollars = (micro) => `$${(micro / 1e6).toFixed(micro % 10000 ? 4 : 2)}`;
function cost(price) {
  if (price.free) return "free";
  return price.likely === price.most ? dollars(price.most) : `about ${dollars(price.likely)}, at most ${dollars(price.most)}`;
}
const titled = (words) => words.charAt(0).toUpperCase() + words.slice(1);
const show = (...on) => { for (const id of ["sign-in", "choose", "edit", "result", "history"]) $(id).hidden = !on.includes(id); };

// Private pictures: the token goes in a header, the bytes become an address of this page.
const blobs = new Map();
async function paintIn(img, address) {
  img.dataset.address = address;
  if (!blobs.has(address)) blobs.set(address, send(address).then((answer) => answer.blob()).then(URL.createObjectURL));
  try {
    const source = await blobs.get(address);
    if (img.dataset.address !== address) return;
    img.src = source;
    await img.decode();
  } catch (error) {
    blobs.delete(address);
    img.alt = "The picture could not be loaded.";
    if (error instanceof Problem) throw error;
  }
}
const full = (asset) => `${at("asset", asset)}content/?which=full`;

// Signing in --------------------------------------------------------------------------------------------------------

$("sign-in-form").addEventListener("submit", (event) => {
  event.preventDefault();
  begin(event.target.querySelector("button"), $("sign-in-said"), async () => {
    const { username, password } = event.target.elements;
    const body = { username: username.value, password: password.value };
    const told = await read(SIGN_IN, { method: "POST", body, anonymous: true }).catch((error) => {
      if (error.status === 400) throw new Problem(400, { detail: "That name and password do not belong together. Check both." });
      throw error;
    });
    now.token = told.token;
    await signedIn();
    password.value = "";
  });
});

async function signedIn() {
  const brands = await read(at("brands"));
  if (!brands.results.length) throw new Problem(403, { detail: "This account is in no brand yet. Ask a brand manager to add it." });
  sessionStorage.token = now.token;
  tell($("notice"), "");
  $("brand").replaceChildren(...brands.results.map((one) => new Option(one.name, one.slug)));
  $("sign-out").hidden = false;
  show("choose");
  $("choose-title").focus();
  const back = location.hash.match(/^#chain=([\w-]+)$/);
  await sources();
  if (back) await open(back[1]).catch(() => { location.hash = ""; });
}

function signedOut(words = "") {
  now.token = "";
  delete sessionStorage.token;
  for (const blob of blobs.values()) blob.then(URL.revokeObjectURL, () => {});
  blobs.clear();
  now.step = null;
  $("sign-out").hidden = true;
  show("sign-in");
  tell($("notice"), words);
  $("username").focus();
}
$("sign-out").addEventListener("click", () => signedOut());

// The picture -------------------------------------------------------------------------------------------------------

async function sources() {
  const found = await read(at("sources", $("brand").value));
  $("source-list").replaceChildren(...found.results.map(sourceChoice));
  $("no-source").hidden = found.results.length > 0;
}

function sourceChoice(asset) {
  const made = stamp("source");
  made.querySelector("input").value = asset.id;
  made.querySelector("input").addEventListener("change", () => chosen(asset));
  made.querySelector(".label").textContent = asset.title || `${asset.width} × ${asset.height}`;
  paintIn(made.querySelector("img"), asset.preview);
  return made;
}

$("brand").addEventListener("change", () => begin($("brand"), $("choose-said"), sources));
$("file").addEventListener("change", () => begin($("file"), $("choose-said"), async () => {
  const [file] = $("file").files, form = new FormData();
  if (!file) return;
  form.set("brand", $("brand").value);
  form.set("file", file);
  tell($("choose-said"), `Sending ${file.name} …`);
  const asset = await say(at("upload"), form);
  await sources();
  tell($("choose-said"), `${file.name} is uploaded and chosen.`, "good");
  const there = $("source-list").querySelector(`input[value="${asset.id}"]`);
  if (there) there.checked = true;
  await chosen(asset);
}));

/** A chain is begun with the first price, not with a look. */
async function chosen(asset) {
  Object.assign(now, { asset, chain: null, from: null, step: null });
  location.hash = "";
  await stage(asset.id);
  show("choose", "edit");
  priceSoon();
}

async function stage(asset) {
  await paintIn($("before"), full(asset));
  const { naturalWidth, naturalHeight } = $("before");
  Object.assign($("paint"), { width: naturalWidth, height: naturalHeight });
  cleared();
}

async function open(id) {
  const chain = await read(at("chain", id)), node = chain.steps.find((one) => one.number === chain.head);
  const picture = node.candidates.find((one) => one.index === node.choice) || node.candidates.find((one) => one.asset);
  Object.assign(now, { chain, from: { parent: node.number, candidate: picture ? picture.index : null }, asset: { id: picture?.asset } });
  show("choose", "edit", "history");
  history(chain);
  if (picture?.asset) await stage(picture.asset);
  const busy = chain.steps.findLast((one) => ["waiting", "working"].includes(one.status));
  if (busy) watch(new URL(`${busy.number}/`, chain.steps_url));
  priceSoon();
}

// Painting ----------------------------------------------------------------------------------------------------------

const canvas = $("paint"), pen = canvas.getContext("2d", { willReadFrequently: true }), point = { x: 0, y: 0 };
let drawing = false;

function cleared() {
  pen.clearRect(0, 0, canvas.width, canvas.height);
  Object.assign(now, { painted: false, mask: "" });
  Object.assign(point, { x: canvas.width / 2, y: canvas.height / 2 });
  tell($("painted-said"), "Nothing is painted: the whole picture may change.");
}

function stroke(x, y) {
  const erase = document.querySelector("[name=tool]:checked").value === "erase";
  pen.globalCompositeOperation = erase ? "destination-out" : "source-over";
  pen.strokeStyle = pen.fillStyle = "#d01f7a";
  Object.assign(pen, { lineWidth: Number($("size").value) * scale(), lineCap: "round", lineJoin: "round" });
  pen.beginPath();
  pen.moveTo(point.x, point.y);
  pen.lineTo(x, y);
  pen.stroke();
  pen.beginPath(); // a line of no length has no round ends: a dot is one of its own
  pen.arc(x, y, pen.lineWidth / 2, 0, 2 * Math.PI);
  pen.fill();
  Object.assign(point, { x, y });
}
const scale = () => canvas.width / (canvas.clientWidth || canvas.width);
const spot = (event) => {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left) * scale(), (event.clientY - box.top) * scale()];
};

function stroked() {
  drawing = false;
  now.mask = "";
  now.painted = pen.getImageData(0, 0, canvas.width, canvas.height).data.some((value, i) => i % 4 === 3 && value);
  tell($("painted-said"), now.painted ? "Only what is painted changes; the rest stays as it is." : "Nothing is painted: the whole picture may change.");
  if (now.painted && document.querySelector("[name=kind]:checked").value !== "edit") document.querySelector("[name=kind][value=edit]").checked = true;
  priceSoon();
}

canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  drawing = true;
  const [x, y] = spot(event);
  Object.assign(point, { x, y });
  stroke(x, y);
});
canvas.addEventListener("pointermove", (event) => { if (drawing) for (const one of event.getCoalescedEvents?.() || [event]) stroke(...spot(one)); });
canvas.addEventListener("pointerup", () => { if (drawing) stroked(); });
canvas.addEventListener("pointercancel", () => { if (drawing) stroked(); });
$("clear").addEventListener("click", () => { cleared(); priceSoon(); });

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
function ring() {
  Object.assign($("brush").style, { left: `${point.x / scale()}px`, top: `${point.y / scale()}px`, width: `${$("size").value}px`, height: `${$("size").value}px` });
}
canvas.addEventListener("keydown", (event) => {
  const move = MOVES[event.key];
  if (!move && event.key !== " ") return;
  event.preventDefault();
  const reach = Number($("size").value) * scale() / 2;
  if (move) {
    point.x = Math.min(canvas.width, Math.max(0, point.x + move[0] * reach));
    point.y = Math.min(canvas.height, Math.max(0, point.y + move[1] * reach));
  } else {
    stroke(point.x, point.y);
    stroked();
  }
  $("brush").hidden = false;
  ring();
});
canvas.addEventListener("blur", () => { $("brush").hidden = true; });

// The price ---------------------------------------------------------------------------------------------------------

let asked = 0, timer = 0;

function wanted() {
  const said = new FormData($("edit-form")), kind = said.get("kind");
  const body = { kind, instruction: said.get("instruction").trim(), candidates: Number(said.get("candidates")), ...now.from };
  if (said.get("route")) body.route = said.get("route");
  if (kind === "extend") body.ratio = said.get("ratio");
  if (now.mask && kind === "edit") body.mask = now.mask;
  return kind === "edit" && !body.instruction ? null : body;
}

function priceSoon() {
  const kind = document.querySelector("[name=kind]:checked").value;
  $("ratios").hidden = kind !== "extend";
  $("instruction-help").hidden = kind === "edit";
  clearTimeout(timer);
  delete $("edit-button").dataset.ready;
  timer = setTimeout(price, 500);
}
$("edit-form").addEventListener("input", (event) => { if (event.target.name !== "tool" && event.target.id !== "size") priceSoon(); });

async function price() {
  const turn = ++asked;
  tell($("edit-said"), "");
  if (!wanted()) {
    $("findings").replaceChildren();
    return tell($("price"), "Say what should be different.");
  }
  try {
    await prepare();
    const body = wanted(), plan = await say(at("preview", now.chain.id), body);
    if (turn !== asked) return undefined;
    return priced(body, plan);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (turn === asked && error.status !== 401) {
      tell($("price"), "It can't be priced like this.");
      tell($("edit-said"), error.message);
      // A route that cannot do it is let go, so that the next price finds one that can.
      if (error.status === 422) for (const one of $("routes").querySelectorAll("input")) one.checked = false;
    }
    return undefined;
  }
}

/** The chain, and what is painted as a file of it. */
async function prepare() {
  if (!now.chain) {
    now.chain = await once("chain", at("chains"), { brand: $("brand").value, asset: now.asset.id });
    now.from = { parent: 1, candidate: 0 };
    location.hash = `chain=${now.chain.id}`;
  }
  if (now.painted && !now.mask) {
    const form = new FormData(), blob = await new Promise((done) => canvas.toBlob(done));
    form.set("file", blob, "mask.png");
    form.set("reads", "painted");
    form.set("step", now.from.parent);
    if (now.from.candidate !== null) form.set("candidate", now.from.candidate);
    now.mask = (await say(at("masks", now.chain.id), form)).id;
  }
}

function priced(body, plan) {
  now.plan = { body: { ...body, route: plan.route, digest: plan.digest }, plan };
  const usable = plan.routes.some((one) => one.usable);
  tell($("price"), plan.blocked ? "It can't be done like this." : `${plan.pictures} ${plan.pictures === 1 ? "picture" : "pictures"}, ${plan.width} × ${plan.height}: ${cost(plan.price)}.`);
  $("findings").replaceChildren(...plan.findings.map((one) => {
    const row = document.createElement("li");
    row.textContent = one.message;
    row.classList.toggle("blocks", one.blocks);
    return row;
  }));
  $("routes").replaceChildren(...plan.routes.map((one) => routeChoice(one, plan.route)));
  if (!usable) $("findings").append(Object.assign(document.createElement("li"), { textContent: "No route of this site can do that. Without a key, Extend is free." }));
  $("edit-button").textContent = plan.blocked ? "Edit" : `Edit, ${cost(plan.price)}`;
  $("edit-button").toggleAttribute("data-ready", !plan.blocked);
}

function routeChoice(route, current) {
  const made = stamp("route"), input = made.querySelector("input");
  Object.assign(input, { value: route.name, checked: route.name === current, disabled: !route.usable && route.name !== current });
  made.querySelector(".label").textContent = route.title;
  made.querySelector("small").textContent = [route.price && !route.price.free ? `${titled(cost(route.price))}.` : "", route.summary].filter(Boolean).join(" ");
  made.querySelector(".why").textContent = route.reasons.map((one) => one.message).join(" ");
  return made;
}

$("edit-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!$("edit-button").hasAttribute("data-ready")) return;
  begin($("edit-button"), $("edit-said"), async () => {
    const told = await once("step", at("steps", now.chain.id), now.plan.body).catch((error) => {
      if (error.code === "preview.changed") priceSoon();
      throw error;
    });
    await watch(new URL(told.url));
  });
});

// The result --------------------------------------------------------------------------------------------------------

async function watch(url) {
  show("choose", "edit", "result", "history");
  now.step = { url: String(url) };
  $("compare").hidden = true;
  tell($("result-said"), "It is being made …");
  $("result-title").focus();
  for (let wait = 1, etag = ""; now.step?.url === String(url); wait = Math.min(15, wait * 1.5)) {
    const answer = await send(url, { headers: etag ? { "If-None-Match": etag } : {} }).catch((error) => {
      if (error.status === 0 || error.status === 429 || error.status >= 500) return null;
      throw error;
    });
    if (answer && answer.status !== 304) {
      etag = answer.headers.get("ETag");
      const step = await answer.json();
      $("cancel").hidden = !step.actions.includes("cancel");
      if (!answer.headers.get("Retry-After")) return arrived(step);
    }
    await pause(answer ? Math.max(wait, Number(answer.headers.get("Retry-After")) || 0) : wait);
  }
  return undefined;
}

async function arrived(step) {
  now.step = step;
  await refresh();
  if (step.status !== "ready") return tell($("result-said"), step.error ? step.error.message : `It is ${step.status}.`, "bad");
  tell($("result-said"), step.candidates.length > 1 ? "They are here. Pick one." : "It is here.", "good");
  $("candidate-list").hidden = step.candidates.length < 2;
  $("candidate-list").replaceChildren(...step.candidates.filter((one) => one.asset).map(candidateChoice));
  $("compare").hidden = false;
  await paintIn($("old"), full(now.asset.id));
  return look(step.candidates.find((one) => one.asset));
}

function candidateChoice(row, place) {
  const made = stamp("candidate"), input = made.querySelector("input");
  Object.assign(input, { value: row.index, checked: place === 0 });
  input.addEventListener("change", () => look(row));
  made.querySelector(".label").textContent = `Picture ${row.index + 1}`;
  paintIn(made.querySelector("img"), row.preview);
  return made;
}

async function look(row) {
  now.looked = row;
  document.querySelector(".slider").style.setProperty("--ratio", String(row.width / row.height));
  await paintIn($("new"), full(row.asset));
  const facts = [`${row.width} × ${row.height}`];
  if (row.pasted) facts.push("outside the painted place every pixel is the picture's own");
  if (row.pasted === false && row.paste.reason) facts.push(row.paste.reason.message);
  if (row.drift !== null && !row.pasted) facts.push(`${Math.round(row.drift * 100)} % of the area changed`);
  tell($("facts"), `${facts.join("; ")}.`);
}

$("cut").addEventListener("input", () => document.querySelector(".slider").style.setProperty("--cut", `${$("cut").value}%`));
$("cancel").addEventListener("click", () => begin($("cancel"), $("result-said"), () => say(`${now.step.url}cancel/`, {})));
$("pick").addEventListener("click", () => begin($("pick"), $("result-said"), async () => {
  await say(`${now.step.url}choose/`, { candidate: now.looked.index, head: now.chain.head });
  now.from = { parent: now.step.number, candidate: now.looked.index };
  now.asset = { id: now.looked.asset };
  now.step = null;
  await stage(now.asset.id);
  await refresh();
  show("choose", "edit", "history");
  $("edit-title").focus();
  priceSoon();
}));
$("reject").addEventListener("click", () => begin($("reject"), $("result-said"), async () => {
  await say(`${now.step.url}reject/`, { reason: $("reason").value });
  now.step = null;
  await refresh();
  show("choose", "edit", "history");
  $("edit-title").focus();
}));

async function refresh() {
  now.chain = await read(at("chain", now.chain.id));
  history(now.chain);
}

const WORDS = { start: "The picture", generate: "From words", extend: "Extended", edit: "Changed", inpaint: "A part changed", remove_background: "Cut out" };
function history(chain) {
  $("history").hidden = false;
  $("steps").replaceChildren(...chain.steps.map((step) => {
    const made = stamp("step"), button = made.querySelector("button");
    made.classList.toggle("rejected", step.state === "rejected");
    if (step.number === chain.head) made.setAttribute("aria-current", "step");
    made.querySelector(".chip").textContent = step.state === "rejected" ? "rejected" : step.status;
    made.querySelector("b").textContent = `${step.number}. ${step.instruction || WORDS[step.kind] || step.kind}`;
    const grown = step.parent ? `from step ${step.parent}` : "";
    made.querySelector(".quiet").textContent = [grown, step.micro_usd ? dollars(step.micro_usd) : "", step.error?.message || ""].filter(Boolean).join(", ");
    button.hidden = step.number === chain.head || !step.actions.includes("edit");
    button.addEventListener("click", () => begin(button, $("edit-said"), async () => {
      await say(at("head", chain.id), { step: step.number, seen: chain.head });
      await open(chain.id);
    }));
    return made;
  }));
}

// The beginning -----------------------------------------------------------------------------------------------------

if (now.token) signedIn().catch((error) => { if (error.status !== 401) signedOut(error.message); });
else show("sign-in");
