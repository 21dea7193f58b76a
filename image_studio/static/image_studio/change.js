/* Change this: a place is drawn over the picture, the price follows every word, and what comes is shown as it comes.
 *
 * The page works without this file: the place is written as numbers, and "Price it" asks. What is asked for is the form's
 * own post; the digest in it stands for what was shown. While something is made the result panel is fetched anew, and put
 * in place only where it says something else: what is typed there is not taken away.
 */

const WAIT = 300;
const AGAIN = [2000, 5000, 15000, 30000];
const POLL = 1500;
const EDGES = ["region_left", "region_top", "region_width", "region_height"];

const form = document.getElementById("change");
const result = document.querySelector("[data-result]");
const one = (selector, root = form) => root.querySelector(selector);

if (form) {
  pricing();
  drawing();
}
if (result?.dataset.live) watching();

// The price -----------------------------------------------------------------------------------------------------------

function pricing() {
  const line = one("[data-line]");
  const priceIt = one("[data-price-it]");
  const ask = one('button[value="ask"]') ?? askButton(priceIt);
  let timer = 0;
  let flight = null;
  let failures = 0;
  let fresh = false;
  let touched = false;

  function mark(isFresh) {
    fresh = isFresh;
    line.setAttribute("aria-busy", String(!isFresh));
    ask.setAttribute("aria-disabled", String(!isFresh || !form.elements.digest.value));
  }

  function later(wait) {
    clearTimeout(timer);
    mark(false);
    timer = setTimeout(price, wait);
  }

  async function price() {
    clearTimeout(timer);
    flight?.abort();
    const mine = (flight = new AbortController());
    try {
      const answer = await post(mine.signal);
      if (mine.signal.aborted) return;
      if (answer.type === "opaqueredirect") return ended();
      if (answer.status === 403 || answer.status === 404) return say(await reason(answer));
      if (!answer.ok) throw new Error(String(answer.status), { cause: answer });
      failures = 0;
      show(await answer.json());
    } catch (error) {
      if (mine.signal.aborted) return;
      say(form.dataset.unreached);
      if (document.hidden) return;
      const told = Number(error.cause?.headers.get("Retry-After")) * 1000;
      timer = setTimeout(price, told || AGAIN[Math.min(failures++, AGAIN.length - 1)]);
    }
  }

  function post(signal) {
    const body = new FormData(form);
    const headers = { Accept: "application/json", "X-CSRFToken": body.get("csrfmiddlewaretoken") };
    return fetch(form.dataset.price, { method: "POST", body, headers, redirect: "manual", signal });
  }

  async function reason(answer) {
    try {
      return (await answer.json()).message;
    } catch {
      return form.dataset.refused;
    }
  }

  /** Words instead of a price: nothing can be asked for until there is one again. */
  function say(words) {
    form.elements.digest.value = "";
    mark(false);
    line.setAttribute("aria-busy", "false");
    line.textContent = words;
  }

  function ended() {
    say(`${form.dataset.ended} `);
    const link = document.createElement("a");
    Object.assign(link, { href: location.href, target: "_blank", rel: "noopener", textContent: form.dataset.signIn });
    line.append(link);
  }

  function show(data) {
    form.elements.digest.value = data.digest;
    if (line.textContent !== data.line) line.textContent = data.line;
    ask.textContent = data.button;
    for (const [name, card] of Object.entries(data.cards)) showCard(name, card, data.chosen);
    const rows = data.findings.map(({ words, blocks }) => item(words, blocks ? "chg-blocks" : ""));
    one("[data-findings]").replaceChildren(...rows);
    showErrors(data.errors);
    mark(true);
  }

  function showCard(name, { price: words, why_not: whyNot }, chosen) {
    const card = one(`[data-route="${CSS.escape(name)}"]`);
    if (!card) return;
    one("[data-price-of]", card).textContent = words;
    const why = one("[data-why]", card);
    why.textContent = whyNot;
    why.hidden = !whyNot;
    card.classList.toggle("studio-off", Boolean(whyNot));
    if (name === chosen && !one("[name=route]:checked")) one("input", card).checked = true;
  }

  function showErrors(errors) {
    for (const place of form.querySelectorAll("[data-errors]")) {
      const words = place.dataset.errors === "note" && !touched ? [] : (errors[place.dataset.errors] ?? []);
      // What the server said of the order as a whole stands until something is changed.
      if (!touched && !words.length && place.dataset.errors === "__all__") continue;
      one("ul.errorlist", place)?.remove();
      if (!words.length) continue;
      const list = document.createElement("ul");
      list.className = "errorlist";
      list.append(...words.map((text) => item(text)));
      place.append(list);
    }
  }

  form.addEventListener("input", () => {
    touched = true;
    later(WAIT);
  });
  form.addEventListener("submit", (event) => {
    const wanted = event.submitter?.value ?? "price";
    if (wanted === "ask" && fresh && form.elements.digest.value) return;
    event.preventDefault();
    if (wanted === "ask" && !fresh) line.textContent = form.dataset.counting;
    if (!form.elements.note.value.trim()) form.elements.note.focus();
    price();
  });
  const back = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  addEventListener("pageshow", (event) => (event.persisted || back) && later(0));
  addEventListener("focus", () => !fresh && later(WAIT));
  priceIt.hidden = true;
  ask.textContent ||= priceIt.textContent;
  form.classList.add("studio-lively");
  later(0);
}

function askButton(priceIt) {
  const button = priceIt.cloneNode();
  button.value = "ask";
  button.removeAttribute("data-price-it");
  button.className = "button default studio-go";
  priceIt.after(button);
  return button;
}

function item(words, name = "") {
  const row = document.createElement("li");
  row.className = name;
  row.textContent = words;
  return row;
}

// The place -----------------------------------------------------------------------------------------------------------

function drawing() {
  const canvas = one("[data-canvas]");
  const fields = EDGES.map((name) => form.elements[name]);
  const [start, whole] = [one("[data-draw]"), one("[data-undraw]")];
  const hint = one("[data-hint]");
  let from = null;
  let on = false;

  const parts = () => fields.map((field) => parseFloat(field.value.replace(",", ".")));

  function draw() {
    const place = parts();
    const there = place.every((part) => part >= 0) && place[2] > 0 && place[3] > 0;
    for (const rect of canvas.querySelectorAll("rect")) {
      ["x", "y", "width", "height"].forEach((name, at) => rect.setAttribute(name, there ? `${place[at]}%` : "0"));
    }
    whole.hidden = !there;
    hint.textContent = on ? hint.dataset.wordsDraw : there ? hint.dataset.wordsPart : hint.dataset.wordsWhole;
  }

  function fill(values) {
    fields.forEach((field, at) => (field.value = values ? values[at].toFixed(1) : ""));
    fields[0].dispatchEvent(new Event("input", { bubbles: true }));
  }

  function turn(to) {
    on = to;
    start.setAttribute("aria-pressed", String(on));
    canvas.classList.toggle("chg-drawing", on);
    draw();
  }

  function place(to) {
    const box = one("img", canvas).getBoundingClientRect();
    const share = (value, low, size) => Math.min(100, Math.max(0, ((value - low) / size) * 100));
    const xs = [from.clientX, to.clientX].map((x) => share(x, box.left, box.width)).sort((a, b) => a - b);
    const ys = [from.clientY, to.clientY].map((y) => share(y, box.top, box.height)).sort((a, b) => a - b);
    return [xs[0], ys[0], xs[1] - xs[0], ys[1] - ys[0]];
  }

  start.hidden = false;
  start.addEventListener("click", () => turn(!on));
  whole.addEventListener("click", () => {
    fill(null);
    start.focus();
  });
  canvas.addEventListener("dragstart", (event) => event.preventDefault());
  canvas.addEventListener("pointerdown", (event) => {
    // A mouse may begin at once; a finger that scrolls the page says first that it means to draw.
    if (event.button || from || (!on && event.pointerType !== "mouse")) return;
    event.preventDefault();
    from = event;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (from?.pointerId !== event.pointerId) return;
    if (Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY) >= 6) fill(place(event));
  });
  canvas.addEventListener("pointerup", (event) => {
    if (from?.pointerId !== event.pointerId) return;
    const far = Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY) >= 6;
    from = null;
    if (far) turn(false);
  });
  canvas.addEventListener("pointercancel", () => (from = null));
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && (on || from)) {
      from = null;
      turn(false);
    }
  });
  for (const field of fields) field.addEventListener("input", draw);
  draw();
}

// What comes ----------------------------------------------------------------------------------------------------------

function watching() {
  const said = document.querySelector("[data-result-said]");
  let failures = 0;

  async function poll() {
    try {
      const answer = await fetch(result.dataset.live, { headers: { Accept: "application/json" }, redirect: "manual" });
      if (!answer.ok) throw new Error(String(answer.status));
      const data = await answer.json();
      failures = 0;
      put(data);
      if (data.active) setTimeout(poll, POLL);
    } catch {
      said.textContent = result.dataset.unreached;
      setTimeout(poll, AGAIN[Math.min(failures++, AGAIN.length - 1)]);
    }
  }

  /** A fragment that our own server rendered. The form's token in it changes with each answer, so that is not compared. */
  function put(data) {
    const next = document.createElement("template");
    next.innerHTML = data.html;
    const plain = (root) => root.innerHTML.replace(/name="csrfmiddlewaretoken" value="[^"]*"/g, "").trim();
    if (plain(next) === plain(result)) return;
    const open = result.querySelector(".chg-reject[open]");
    result.replaceChildren(next.content);
    if (open && one(".chg-reject", result)) one(".chg-reject", result).open = true;
    said.textContent = data.said;
  }

  setTimeout(poll, POLL);
}
