// A frontend that nobody helped: everything it shows and does goes through the studio's REST API, with a token.
// Data reaches the page as text and attributes only, never as HTML.

/** Every address that is called, below the API's root. Others come out of answers. */
const ADDRESSES = {
  brands: "brands/?limit=100",
  brand: "brands/{id}/",
  channels: "channels/?active=true&limit=100",
  models: "models/",
  sources: "assets/?kind=raw&origin=upload&limit=8&brand={id}",
  upload: "assets/",
  asset: "assets/{id}/",
  verdicts: "assets/{id}/verdicts/?limit=100",
  reviews: "assets/{id}/reviews/",
  publish: "assets/{id}/publish/",
  job: "jobs/{id}/",
  preview: "variant-sets/preview/",
  order: "variant-sets/",
  set: "variant-sets/{id}/",
  cells: "variant-sets/{id}/cells/?limit=100",
  cancel: "variant-sets/{id}/cancel/",
  retry: "variant-sets/{id}/retry/",
  published: "published/{id}/",
};
const meta = (name) => new URL(document.querySelector(`meta[name=studio-${name}]`).content, location.href);
const API = meta("api"), SIGN_IN = meta("token");
const $ = (id) => document.getElementById(id);
const at = (name, id = "") => new URL(ADDRESSES[name].replace("{id}", encodeURIComponent(id)), API);

/** What the page knows. `seen`: address -> the last answer and its ETag. */
const now = { token: sessionStorage.token || "", brand: null, lines: [], alts: {}, seen: new Map(), cells: new Map() };

// Talking -----------------------------------------------------------------------------------------------------------

/** An answer that is no success: `status` 0 is no answer at all. */
class Problem extends Error {
  constructor(status, body = {}, wait = 0) {
    const fields = Object.entries(body.errors || {}).map(([name, words]) => `${name}: ${words.join(" ")}`);
    super([body.detail || `The server answered ${status}. Try again later.`, ...fields].join(" "));
    Object.assign(this, { status, code: body.code || "", wait });
  }
}
const LOST = { detail: "There is no connection to the server. Nothing is lost; try again when you are online." };

/** The one place that sends the token, and only to the API. */
function headersFor(url, more = {}) {
  const ours = url.origin === API.origin && url.pathname.startsWith(API.pathname);
  return now.token && ours ? { Authorization: `Token ${now.token}`, ...more } : more;
}

async function send(address, { method = "GET", body, headers, anonymous = false } = {}) {
  const url = new URL(address, API);
  const said = { Accept: "application/json, */*;q=0.5", ...headers };
  if (body !== undefined) said["Content-Type"] = "application/json";
  const options = { method, credentials: "omit", headers: anonymous ? said : headersFor(url, said) };
  if (body !== undefined) options.body = typeof body === "string" ? body : JSON.stringify(body);
  const answer = await fetch(url, options).catch(() => { throw new Problem(0, LOST); });
  if (!answer.ok && answer.status !== 304) await refuse(answer, anonymous);
  return answer;
}

async function refuse(answer, anonymous) {
  const body = await answer.json().catch(() => ({}));
  if (answer.status === 401 && !anonymous) signedOut("Your token is not valid any more. Sign in again; the work goes on meanwhile.");
  throw new Problem(answer.status, body, Number(answer.headers.get("Retry-After")) || 0);
}

const read = async (address, options) => (await send(address, options)).json();

/** GET with the last ETag: {body, fresh, wait}; a 304 brings the body of last time. */
async function readAgain(url) {
  const last = now.seen.get(url.href);
  const answer = await send(url, { headers: last ? { "If-None-Match": last.etag } : {} });
  const body = answer.status === 304 ? last.body : await answer.json();
  now.seen.set(url.href, { body, etag: answer.headers.get("ETag") });
  return { body, fresh: answer.status !== 304, wait: Number(answer.headers.get("Retry-After")) || 0 };
}

async function readAll(url) {
  const found = [];
  for (let next = url; next; ) {
    const page = await read(next);
    found.push(...page.results);
    next = page.next && new URL(page.next);
  }
  return found;
}

const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));
const random = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

// Saying ------------------------------------------------------------------------------------------------------------

function say(element, words, kind = "") {
  element.hidden = !words && element.getAttribute("role") === "alert";
  if (element.textContent !== words) element.textContent = words;
  if (element.getAttribute("role") !== "alert") element.className = `said ${kind}`;
}

/** Run something that people began; what goes wrong is said beside it. One at a time. */
async function begin(button, place, act) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  say(place, "");
  try {
    await act();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.status !== 401 || place === $("sign-in-said")) say(place, error.message);
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

const dollars = (micro) => `$${(micro / 1e6).toFixed(micro % 10000 ? 4 : 2)}`;
const many = (n, one, more = `${one}s`) => `${n} ${n === 1 ? one : more}`;
const titled = (words) => words.charAt(0).toUpperCase() + words.slice(1).replaceAll("_", " ");
function cost(price) {
  if (price.free) return "free";
  return price.likely === price.most ? dollars(price.most) : `about ${dollars(price.likely)}, at most ${dollars(price.most)}`;
}
const stamp = (id) => $(id).content.firstElementChild.cloneNode(true);
const names = new Intl.DisplayNames("en", { type: "language" });
const language = (code) => { try { return names.of(code); } catch { return code; } };
const place = (slug) => (now.channels || []).find((one) => one.slug === slug)?.name || slug || "";
const speak = (element, locale) => Object.assign(element, { lang: locale, dir: "auto" });

// Pictures behind the token -----------------------------------------------------------------------------------------

const blobs = new Map();

/** Private pictures cannot be an <img src>: the token goes in a header, the bytes become an address of this page.
    A passing picture may be gone already when it is asked for: then there is nothing to say. */
async function show(img, address, passing = false) {
  img.dataset.address = address;
  try {
    if (!blobs.has(address)) blobs.set(address, send(address).then((answer) => answer.blob()).then(URL.createObjectURL));
    const source = await blobs.get(address);
    if (img.dataset.address === address) Object.assign(img, { src: source, hidden: false });
  } catch {
    blobs.delete(address);
    if (!passing) img.alt = "The picture could not be loaded.";
    img.hidden = passing;
  }
}

function forget() {
  for (const blob of blobs.values()) blob.then(URL.revokeObjectURL, () => {});
  for (const kept of [blobs, now.seen, now.cells]) kept.clear();
  for (const id of ["cells", "figures", "source-list"]) $(id).replaceChildren();
}

// Signing in --------------------------------------------------------------------------------------------------------

$("sign-in-form").addEventListener("submit", (event) => {
  event.preventDefault();
  begin(event.submitter || event.target.querySelector("button"), $("sign-in-said"), async () => {
    const { username, password, token } = event.target.elements;
    now.token = token.value.trim() || (await tokenOf(username.value, password.value));
    await signedIn();
    password.value = token.value = "";
  });
});

async function tokenOf(username, password) {
  try {
    return (await read(SIGN_IN, { method: "POST", body: { username, password }, anonymous: true })).token;
  } catch (error) {
    if (error.status === 400) throw new Problem(400, { detail: "That name and password do not belong together. Check both." });
    if (error.status === 429) throw new Problem(429, { detail: `Too many tries. Wait ${error.wait} seconds, then try again.` });
    throw error;
  }
}

async function signedIn() {
  const brands = await readAll(at("brands"));
  if (!brands.length) throw new Problem(403, { detail: "This account is in no brand yet. Ask a brand manager to add it." });
  sessionStorage.token = now.token;
  say($("notice"), "");
  $("brand").replaceChildren(...brands.map((one) => new Option(one.name, one.slug)));
  await choices();
  for (const [id, on] of [["sign-in", false], ["order", true], ["sign-out", true]]) $(id).hidden = !on;
  $("order-title").focus();
  if (location.hash.startsWith("#set=")) watch(location.hash.slice(5));
}

function signedOut(words = "") {
  now.token = "";
  delete sessionStorage.token;
  stop();
  forget();
  $("review").close();
  for (const id of ["order", "sheet", "public", "sign-out"]) $(id).hidden = true;
  $("sign-in").hidden = false;
  say($("notice"), words);
  $("username").focus();
}

$("sign-out").addEventListener("click", () => signedOut());

// Choosing ----------------------------------------------------------------------------------------------------------

async function choices() {
  const [channels, catalog] = await Promise.all([readAll(at("channels")), read(at("models"))]);
  now.channels = channels;
  $("routes").replaceChildren(...catalog.routes.map(routeChoice));
  const first = catalog.routes.find((one) => one.with_source && one.publishable) || catalog.routes[0];
  $(`route-${first.name}`).checked = true;
  await brandChosen();
}

function choice(name, value, label, about) {
  const made = stamp("choice"), input = made.querySelector("input");
  Object.assign(input, { name, value });
  made.querySelector(".label").textContent = label;
  made.querySelector("small").textContent = about;
  return made;
}

function channelChoice(channel) {
  const made = choice("channel", channel.slug, channel.name, `${channel.width} × ${channel.height}`);
  const frame = made.querySelector(".frame"), ratio = channel.width / channel.height;
  frame.style.setProperty("--ratio", String(ratio));
  frame.style.setProperty("--wide", `${Math.min(1, ratio) * 100}%`);
  return made;
}

function localeChoice(code) {
  const made = choice("locale", code, language(code), code);
  made.querySelector(".frame").remove();
  made.querySelector("input").checked = true;
  return made;
}

function routeChoice(route) {
  const made = stamp("route");
  Object.assign(made.querySelector("input"), { id: `route-${route.name}`, value: route.name });
  made.querySelector(".label").textContent = route.title;
  made.querySelector("small").textContent = [route.summary, ...route.limits].filter(Boolean).join(" ");
  return made;
}

async function brandChosen() {
  const slug = $("brand").value;
  const [brand, sources] = await Promise.all([read(at("brand", slug)), read(at("sources", slug))]);
  if (slug !== $("brand").value) return;
  now.brand = brand;
  const laidOut = now.channels.filter((one) => brand.channels.includes(one.slug));
  const usual = laidOut.length ? laidOut : now.channels.slice(0, 6);
  $("channels").replaceChildren(...usual.map(channelChoice));
  for (const box of [...$("channels").querySelectorAll("input")].slice(0, 2)) box.checked = true;
  const others = now.channels.filter((one) => !usual.includes(one));
  $("other-channels").replaceChildren(...others.map(channelChoice));
  $("more-channels").hidden = !others.length;
  $("locales").replaceChildren(...brand.locales.map(localeChoice));
  $("source-list").replaceChildren(...sources.results.map(sourceChoice));
  $("no-source").hidden = sources.results.length > 0;
  const first = $("source-list").querySelector("input");
  if (first) first.checked = true;
  priceSoon();
}

function sourceChoice(asset) {
  const made = stamp("source");
  made.querySelector("input").value = asset.id;
  made.querySelector(".label").textContent = asset.title || `${asset.width} × ${asset.height}`;
  show(made.querySelector("img"), asset.preview);
  return made;
}

$("brand").addEventListener("change", () => begin($("brand"), $("order-said"), brandChosen));

// Uploading ---------------------------------------------------------------------------------------------------------

$("file").addEventListener("change", () => upload());
$("upload-again").addEventListener("click", () => upload());

/** fetch() tells nothing of an upload's progress; XMLHttpRequest does. */
function post(form) {
  const request = new XMLHttpRequest(), bar = $("upload-progress");
  return new Promise((done, fail) => {
    request.open("POST", at("upload"));
    for (const [name, value] of Object.entries(headersFor(at("upload")))) request.setRequestHeader(name, value);
    request.responseType = "json";
    request.upload.onprogress = (event) => { if (event.lengthComputable) bar.value = event.loaded / event.total; };
    request.upload.onload = () => bar.removeAttribute("value");
    request.onerror = request.ontimeout = () => fail(new Problem(0, LOST));
    request.onload = () => {
      if (request.status < 300) return done(request.response);
      if (request.status === 401) signedOut("Your token is not valid any more. Sign in again, then upload once more.");
      return fail(new Problem(request.status, request.response || {}));
    };
    request.send(form);
  });
}

async function upload() {
  const [file] = $("file").files, bar = $("upload-progress"), said = $("upload-said");
  if (!file || !bar.hidden) return;
  const form = new FormData();
  form.set("brand", now.brand.slug);
  form.set("file", file);
  Object.assign(bar, { hidden: false, value: 0 });
  $("upload-again").hidden = true;
  say(said, `Sending ${file.name} …`);
  try {
    const asset = await post(form);
    const there = $("source-list").querySelector(`input[value="${asset.id}"]`);
    if (!there) $("source-list").prepend(sourceChoice(asset));
    $("source-list").querySelector(`input[value="${asset.id}"]`).checked = true;
    $("no-source").hidden = true;
    say(said, asset.duplicate ? "This picture was here already; it is chosen now." : `${file.name} is uploaded and chosen.`, "good");
    priceSoon();
  } catch (error) {
    say(said, error.message, "bad");
    $("upload-again").hidden = error.status !== 0 && error.status !== 429 && error.status < 500;
  } finally {
    bar.hidden = true;
  }
}

// The price ---------------------------------------------------------------------------------------------------------

let asked = 0, timer = 0;

function wanted() {
  const said = new FormData($("order-form"));
  const body = { brand: said.get("brand"), route: said.get("route"), source: said.get("source") };
  const ready = body.source && said.has("channel") && said.has("locale");
  return ready ? { ...body, channels: said.getAll("channel"), locales: said.getAll("locale") } : null;
}

function priceSoon() {
  clearTimeout(timer);
  now.plan = null;
  asked += 1;
  ready("Order");
  timer = setTimeout(() => price().catch((error) => say($("order-said"), error.message)), 300);
}

function ready(words) {
  $("order-button").textContent = words;
  $("order-button").toggleAttribute("data-ready", Boolean(now.plan && !now.plan.blocked));
}

async function price() {
  const body = wanted(), mine = asked;
  say($("order-said"), "");
  if (!body) {
    $("price").textContent = "Choose a picture, a channel and a language.";
    return $("findings").replaceChildren();
  }
  const plan = await read(at("preview"), { method: "POST", body });
  if (mine !== asked) return undefined;  // something else was chosen meanwhile
  now.plan = { ...plan, body };
  $("price").textContent = `Buys ${many(plan.pictures, "picture")} (${cost(plan.price)}), composes ${many(plan.cells, "cell")} of them.`;
  $("findings").replaceChildren(...plan.findings.map((one) => {
    const row = Object.assign(document.createElement("li"), { textContent: one.message, className: one.blocks ? "blocks" : "" });
    return row;
  }));
  for (const route of plan.routes) {
    const input = $(`route-${route.name}`);
    if (!input) continue;
    input.disabled = !route.usable && !input.checked;
    const why = route.reasons.map((one) => one.message).join(" ");
    input.closest("label").querySelector(".why").textContent = route.usable && route.price && !route.price.free ? titled(cost(route.price)) : why;
  }
  return ready(plan.blocked ? "This cannot be ordered" : `Order ${many(plan.cells, "cell")}, ${cost(plan.price)}`);
}

$("order-form").addEventListener("change", (event) => {
  if (event.target.name && event.target.name !== "brand") priceSoon();
});

// Ordering ----------------------------------------------------------------------------------------------------------

$("order-form").addEventListener("submit", (event) => {
  event.preventDefault();
  begin($("order-button"), $("order-said"), order);
});

/** The same order keeps its key until it is answered, over a lost connection and a reload: it is never bought twice. */
async function order() {
  if (!now.plan) await price();
  if (!now.plan || now.plan.blocked) throw new Problem(400, { detail: now.plan ? "Change what is marked above first." : "Choose a picture, a channel and a language first." });
  const body = JSON.stringify({ ...now.plan.body, digest: now.plan.digest });
  if (sessionStorage.orderBody !== body) Object.assign(sessionStorage, { orderBody: body, orderKey: random() });
  try {
    const made = await read(at("order"), { method: "POST", body, headers: { "Idempotency-Key": sessionStorage.orderKey } });
    history.replaceState(null, "", `#set=${made.id}`);
    answered();
    await watch(made.id);
    $("sheet-title").focus();
    $("sheet").scrollIntoView();
  } catch (error) {
    if (error.status >= 400 && error.status < 500 && error.status !== 429) answered();
    if (error.status === 409) priceSoon();
    throw error;
  }
}

function answered() {
  delete sessionStorage.orderBody;
  delete sessionStorage.orderKey;
}

// Watching ----------------------------------------------------------------------------------------------------------

const LONGEST = 15;
const watched = { id: "", timer: 0, wait: 0, round: 0 };

function stop() {
  clearTimeout(watched.timer);
  watched.id = "";
  watched.round += 1;
}

/** Poll a set until it is over: as fast as Retry-After says, slower while nothing changes, not at all in a hidden tab. */
async function watch(id) {
  stop();
  if (now.shown !== id) {
    now.cells.clear();
    $("cells").replaceChildren();
    now.shown = id;
  }
  Object.assign(watched, { id, wait: 0 });
  $("sheet").hidden = false;
  await look();
}

async function look() {
  const { id, round } = watched;
  if (!id || document.hidden) return;
  try {
    const [set, ...pages] = await Promise.all([readAgain(at("set", id)), readCells(id)]).then(([a, b]) => [a, ...b]);
    if (round !== watched.round) return;
    say($("watch-said"), "");
    progress(set.body);
    const cells = pages.flatMap((page) => page.body.results);
    cells.forEach(drawCell);
    sayMost(cells);
    const changed = set.fresh || pages.some((page) => page.fresh);
    watched.wait = Math.min(LONGEST, Math.max(set.wait, changed ? 0 : watched.wait * 1.5));
    if (set.body.progress.active) again(watched.wait || 2);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (round !== watched.round || error.status === 401) return;
    if (error.status === 404) return lost();
    watched.wait = Math.min(30, error.wait || Math.max(2, watched.wait * 2));
    say($("watch-said"), `${error.message} Looking again in ${Math.round(watched.wait)} seconds.`);
    again(watched.wait);
  }
}

/** What trying again may cost in micro-USD: cells that share a picture pay for it once. Null: nobody knows. */
function mostAgain(cells) {
  const bought = new Map(cells.filter((cell) => cell.again).map((cell) => [cell.again.picture, cell.again.most]));
  const most = [...bought.values()];
  return most.includes(null) ? null : most.reduce((sum, one) => sum + one, 0);
}

function sayMost(cells) {
  const most = watched.most = mostAgain(cells);
  const words = most === null ? " (price unknown)" : most ? ` (at most ${dollars(most)})` : "";
  $("retry").textContent = `Try again what failed${words}`;
}

async function readCells(id) {
  const pages = [];
  for (let next = at("cells", id); next; ) {
    const page = await readAgain(next);
    pages.push(page);
    next = page.body.next && new URL(page.body.next);
  }
  return pages;
}

function again(seconds) {
  clearTimeout(watched.timer);
  watched.timer = setTimeout(look, seconds * 1000);
}

function lost() {
  stop();
  $("sheet").hidden = true;
  history.replaceState(null, "", location.pathname);
  say($("notice"), "There is no such order that you may see. Order anew below.");
}

document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(watched.timer) : look()));
addEventListener("online", () => look());

function progress(set) {
  const { cells, cells_total: total, active, seconds_left: left, worker_missing: missing } = set.progress;
  const ready = cells.ready || 0, ended = total - (cells.waiting || 0) - (cells.working || 0);
  $("sheet-title").textContent = set.title || "Your variants";
  Object.assign($("progress"), { max: total, value: ended, hidden: ended === total });
  const rest = Object.entries(cells).filter(([name]) => !["ready", "waiting", "working"].includes(name));
  const said = [`${ready} of ${many(total, "cell")} ready`, ...rest.map(([name, n]) => `${n} ${titled(name).toLowerCase()}`)];
  if (ended < total && left) said.push(`about ${left} s left`);
  said.push(set.micro_usd ? `${dollars(set.micro_usd)} spent` : "nothing spent");
  say($("progress-said"), `${said.join(", ")}.${missing && active ? " Nobody works on it: start studio_worker." : ""}`);
  $("cancel").hidden = !set.actions.includes("cancel") || ended === total;
  $("retry").hidden = !set.actions.includes("retry") || ended < total || !["failed", "blocked", "compose_failed", "cancelled"].some((name) => cells[name]);
}

$("cancel").addEventListener("click", () => begin($("cancel"), $("watch-said"), async () => {
  await send(at("cancel", watched.id || now.shown), { method: "POST", body: {} });
  await watch(now.shown);
}));

$("retry").addEventListener("click", () => begin($("retry"), $("watch-said"), async () => {
  // What the button says binds the server. Kept with its key: after a lost connection the same is sent again.
  if (now.retry?.set !== now.shown) now.retry = { set: now.shown, key: random(), body: { most_micro_usd: watched.most } };
  try {
    await send(at("retry", now.shown), { method: "POST", body: now.retry.body, headers: { "Idempotency-Key": now.retry.key } });
  } catch (error) {
    if (error.code === "price.risen") {
      // Nothing was done: the button says the new price, and the next press that.
      now.retry = null;
      await readCells(now.shown).then((pages) => sayMost(pages.flatMap((page) => page.body.results)), () => {});
    }
    throw error;
  }
  now.retry = null;
  await watch(now.shown);
}));

// Cells -------------------------------------------------------------------------------------------------------------

const STATES = { candidate: "To review", shortlisted: "Shortlisted", approved: "Approved", rejected: "Rejected", published: "Published", withdrawn: "Withdrawn" };
const TONES = { approved: "good", published: "good", rejected: "bad", failed: "bad", blocked: "bad", compose_failed: "bad", unknown: "hold", candidate: "hold" };

function drawCell(cell) {
  const facts = JSON.stringify(cell), known = now.cells.get(cell.id);
  if (known && known.facts === facts) return;
  const made = known ? known.row : stamp("cell"), button = made.querySelector("button");
  if (!known) {
    button.addEventListener("click", () => open(cell.id));
    $("cells").append(made);
  }
  now.cells.set(cell.id, { cell, facts, row: made });
  const name = `${place(cell.channel)}, ${language(cell.locale)}${cell.take > 1 ? `, take ${cell.take}` : ""}`;
  made.querySelector("h3").textContent = name;
  made.querySelector(".picture").style.setProperty("--ratio", `${cell.width} / ${cell.height}`);
  drawPicture(made, cell, name);
  const chip = made.querySelector(".chip"), state = cell.asset_state || cell.status;
  chip.textContent = cell.publishing ? "Publishing" : STATES[state] || titled(state);
  chip.className = `chip ${TONES[state] || ""}`;
  made.querySelector(".counts").textContent = cell.asset ? counts(cell.verdicts) : `${cell.width} × ${cell.height}`;
  made.querySelector(".note").textContent = cell.asset ? (cell.judged ? "" : "Layout checked, content not judged.") : cell.message;
  button.hidden = !cell.asset;
  button.textContent = cell.actions.some((verb) => verb === "approve_publish" || verb === "publish") ? "Review" : "Look";
  button.setAttribute("aria-label", `${button.textContent}: ${name}`);
  if (cell.asset_state === "published") publicPicture(cell.asset).catch((error) => say($("watch-said"), error.message));
}

function drawPicture(made, cell, name) {
  const img = made.querySelector("img"), wait = made.querySelector(".wait");
  const address = cell.preview_url || (cell.partial && `${cell.partial.url}?number=${cell.partial.number}`);
  wait.textContent = cell.asset ? "" : cell.partial ? "Early version" : titled(cell.status);
  if (cell.asset) img.alt = name;
  if (address && img.dataset.address !== address) show(img, cell.asset ? address : cell.partial.url, !cell.asset);
  else if (!address) img.hidden = true;
}

function counts(verdicts) {
  const said = [[verdicts.passed, "passed"], [verdicts.warned, "warned"], [verdicts.failed, "failed"], [verdicts.not_run, "not run"]];
  return said.filter(([n]) => n).map(([n, word]) => `${n} ${word}`).join(", ") || "No checks";
}

// Reviewing ---------------------------------------------------------------------------------------------------------

const WORDS = { pass: ["Passed", "good"], warn: ["Warned", "hold"], fail: ["Failed", "bad"], not_run: ["Not run", ""] };

async function open(id) {
  const { cell, row } = now.cells.get(id);
  await begin(row.querySelector("button"), $("watch-said"), async () => {
    const [asset, verdicts] = await Promise.all([read(at("asset", cell.asset)), readAll(at("verdicts", cell.asset))]);
    now.open = { id, asset };
    fill(cell, asset, verdicts);
    $("review").showModal();
  });
}

function fill(cell, asset, verdicts) {
  const img = $("review-picture"), may = asset.actions.includes("approve_publish"), out = asset.actions.includes("publish");
  say($("review-said"), "");
  $("review-title").textContent = now.cells.get(now.open.id).row.querySelector("h3").textContent;
  img.hidden = true;
  Object.assign(img, { width: cell.width, height: cell.height, alt: `The picture: ${$("review-title").textContent}` });
  show(img, cell.content_url);
  $("review-counts").textContent = `What the checks say: ${counts(cell.verdicts)}`;
  $("verdicts").replaceChildren(...verdicts.map(verdictRow));
  const why = cell.blocking.length ? "A check that failed forbids to approve it." : "Nothing is waiting for you here.";
  say($("judged"), may || out ? (cell.judged ? "" : "Layout checked, content not judged: that is yours to do.") : why);
  const missing = new Set([...asset.alt_missing, ...Object.keys(asset.alt)]);
  $("alt-list").replaceChildren(...[...missing].flatMap((locale) => altField(locale, asset.alt[locale] || now.alts[locale] || "")));
  $("alts").hidden = !may || !missing.size;
  $("declaration").hidden = !may || cell.judged;
  for (const box of $("declaration").querySelectorAll("input")) box.checked = false;
  $("approve").hidden = !may && !out;
  $("approve").textContent = may ? "Approve and publish" : "Publish";
}

function verdictRow(one) {
  const row = document.createElement("li"), word = document.createElement("b"), words = document.createElement("span");
  [word.textContent, word.className] = WORDS[one.verdict];
  words.textContent = `${one.words}${one.blocks && one.verdict === "fail" ? " It blocks." : ""}`;
  row.append(word, words);
  return row;
}

function altField(locale, words) {
  const label = document.createElement("label"), box = document.createElement("textarea");
  Object.assign(label, { htmlFor: `alt-${locale}`, textContent: language(locale) });
  Object.assign(box, { id: `alt-${locale}`, name: locale, value: words, maxLength: 1000 });
  return [label, speak(box, locale)];
}

$("review-close").addEventListener("click", () => $("review").close());
$("review").addEventListener("close", () => now.open && now.cells.get(now.open.id)?.row.querySelector("button").focus());
$("review-form").addEventListener("submit", (event) => {
  event.preventDefault();
  begin($("approve"), $("review-said"), approve);
});

async function approve() {
  const { id, asset } = now.open;
  const job = asset.actions.includes("approve_publish") ? await review(asset) : await read(at("publish", asset.id), { method: "POST", body: {} });
  $("review").close();
  await watch(now.shown);
  await follow(job.id, id);
}

function review(asset) {
  const alt = Object.fromEntries([...$("alt-list").querySelectorAll("textarea")].map((box) => [box.name, box.value.trim()]));
  const declaration = [...$("declaration").querySelectorAll("input:checked")].map((box) => box.value);
  Object.assign(now.alts, alt);  // the next picture is of the same thing, mostly
  const body = { decision: "approve", publish: true, seen: asset.sha256, declaration, alt };
  return read(at("reviews", asset.id), { method: "POST", body });
}

/** The public files are made by a job; the cells tell of its success, this of its failure. */
async function follow(job, id) {
  for (let wait = 1; ; wait = Math.min(LONGEST, wait * 1.5)) {
    const { body, wait: told } = await readAgain(at("job", job));
    if (body.state === "done") return look();
    if (body.error && !told) throw new Problem(409, { detail: body.error.message });
    if (!told) return undefined;
    now.cells.get(id)?.row.querySelector(".chip").replaceChildren("Publishing");
    await pause(Math.max(wait, told));
  }
}

// In public ---------------------------------------------------------------------------------------------------------

async function publicPicture(id) {
  if ($(`public-${id}`)) return;
  const made = Object.assign(stamp("figure"), { id: `public-${id}` });
  $("figures").append(made);
  try {
    const found = await read(at("published", id), { anonymous: true });
    made.querySelector("figure").prepend(pictureOf(found));
    made.querySelector("figcaption").textContent = [place(found.channel), language(found.locale), `${found.width} × ${found.height}`].join(", ");
    made.querySelector("code").textContent = made.querySelector("picture").outerHTML.replaceAll(/<(source|img)/g, "\n  <$1").replace("</picture>", "\n</picture>");
    $("public").hidden = false;
  } catch (error) {
    made.remove();
    throw error;
  }
}

function pictureOf(found) {
  const picture = document.createElement("picture"), img = document.createElement("img");
  for (const type of new Set(found.sources.map((one) => one.type))) {
    const srcset = found.sources.filter((one) => one.type === type).map((one) => `${one.url} ${one.width}w`).join(", ");
    picture.append(Object.assign(document.createElement("source"), { type, srcset, sizes: "(min-width: 40rem) 20rem, 92vw" }));
  }
  const { url, width, height } = found.fallback, alt = found.alt[found.locale] || Object.values(found.alt)[0] || "";
  Object.assign(img, { alt, width, height, loading: "lazy", src: url });
  if (found.locale) img.lang = found.locale;
  picture.append(img);
  return picture;
}

// The beginning -----------------------------------------------------------------------------------------------------

if (now.token) signedIn().catch((error) => { if (error.status !== 401) signedOut(error.message); });
else $("sign-in").hidden = false;
