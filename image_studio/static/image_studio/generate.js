/* Generate brand-safe variants: the price and the findings follow every choice.
 *
 * The page works without this file: then "Price it" asks. Here the same form is sent to the price address 300 ms after
 * the last change; a newer request ends an older one. What comes back is put into places that are there already, so
 * that nothing jumps. The order itself is the form's own post: what is ordered is what the digest in it stands for.
 */

const WAIT = 300;
const AGAIN = [2000, 5000, 15000, 30000];

const form = document.getElementById("generate");
const live = document.getElementById("live");
const confirm = document.getElementById("confirm");
const priceIt = form.querySelector('button[value="price"]');
const order = form.querySelector('button[value="order"]') ?? orderButton();

/** Names of fields that the person has left or changed: only those are told what is wrong with them. */
const touched = new Set();
let timer = 0;
let flight = null;
let failures = 0;
/** Whether the digest in the form stands for the form as it is now. */
let fresh = false;

function orderButton() {
  const button = priceIt.cloneNode();
  button.value = "order";
  button.className = "button default studio-go";
  button.formAction = location.pathname + location.search;
  priceIt.after(button);
  return button;
}

function mark(isFresh) {
  fresh = isFresh;
  live.setAttribute("aria-busy", String(!isFresh));
  order.setAttribute("aria-disabled", String(!isFresh || !form.elements.digest.value));
}

function later(wait) {
  clearTimeout(timer);
  mark(false);
  timer = setTimeout(ask, wait);
}

async function ask() {
  clearTimeout(timer);
  flight?.abort();
  const mine = (flight = new AbortController());
  try {
    let answer = await post(mine.signal);
    if (answer.status === 403 && (await renewed(mine.signal))) answer = await post(mine.signal);
    if (mine.signal.aborted) return;
    if (answer.type === "opaqueredirect") return ended();
    if (answer.status === 403) return say(await reason(answer));
    if (!answer.ok) throw new Error(String(answer.status), { cause: answer });
    failures = 0;
    show(await answer.json());
  } catch (error) {
    if (mine.signal.aborted) return;
    say(form.dataset.unreached);
    if (document.hidden) return;
    const told = Number(error.cause?.headers.get("Retry-After")) * 1000;
    timer = setTimeout(ask, told || AGAIN[Math.min(failures++, AGAIN.length - 1)]);
  }
}

function post(signal) {
  const body = new FormData(form);
  const headers = { Accept: "application/json", "X-CSRFToken": body.get("csrfmiddlewaretoken") };
  return fetch(form.dataset.price, { method: "POST", body, headers, redirect: "manual", signal });
}

/** After a new sign-in elsewhere this page's token is an old one: take the new one, keep what was typed. */
async function renewed(signal) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "manual", signal });
  if (!answer.ok) return answer.type === "opaqueredirect";
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const token = page.querySelector("[name=csrfmiddlewaretoken]")?.value;
  if (token) for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = token;
  return Boolean(token);
}

async function reason(answer) {
  try {
    return (await answer.json()).message;
  } catch {
    return form.dataset.refused;
  }
}

/** Words instead of a price: nothing can be ordered until there is one again. */
function say(words) {
  form.elements.digest.value = "";
  mark(false);
  live.setAttribute("aria-busy", "false");
  live.textContent = words;
}

function ended() {
  say(`${form.dataset.ended} `);
  const link = document.createElement("a");
  link.href = location.href;
  link.target = "_blank";
  link.rel = "noopener";
  link.textContent = form.dataset.signIn;
  live.append(link);
}

function show(data) {
  form.elements.digest.value = data.digest;
  if (live.textContent !== data.line) live.textContent = data.line;
  order.textContent = data.button;
  for (const [name, card] of Object.entries(data.cards)) showCard(name, card);
  for (const [name, option] of Object.entries(data.options ?? {})) showOption(name, option);
  showErrors(data.errors);
  showOrder(data.html);
  mark(true);
}

/** A field that the chosen route's model has not, and that says nothing, is off; the reason stands beside it. */
function showOption(name, { off, why_not: whyNot }) {
  const place = form.querySelector(`[data-option="${CSS.escape(name)}"]`);
  if (!place) return;
  place.disabled = off && !place.contains(document.activeElement);
  const why = place.querySelector("[data-option-why]");
  why.textContent = whyNot;
  why.hidden = !whyNot;
}

function showCard(name, { price, why_not: whyNot, changes }) {
  const card = form.querySelector(`[data-route="${CSS.escape(name)}"]`);
  const place = card?.querySelector("[data-price-of]");
  if (!place) return;
  place.textContent = price || "—";
  const why = card.querySelector("[data-why]");
  why.textContent = whyNot;
  why.hidden = !whyNot;
  const next = card.querySelector("[data-changes]");
  next.textContent = changes ?? "";
  next.hidden = !changes;
}

/** Errors stand at their fields; what was never touched is not scolded for being empty. */
function showErrors(errors) {
  for (const place of form.querySelectorAll("[data-errors]")) {
    const name = place.dataset.errors;
    const words = name === "__all__" || touched.has(name) ? (errors[name] ?? []) : [];
    const list = [...place.querySelectorAll("ul.errorlist")].find((one) => one.closest("[data-errors]") === place);
    if (!words.length) list?.remove();
    else (list ?? place.appendChild(errorList())).replaceChildren(...words.map(item));
    place.classList.toggle("studio-wrong", name !== "__all__" && words.length > 0);
  }
}

function errorList() {
  const list = document.createElement("ul");
  list.className = "errorlist";
  return list;
}

function item(words) {
  const row = document.createElement("li");
  row.textContent = words;
  return row;
}

/** A fragment that our own server rendered; folds that were open stay open, and focus stays where it was. */
function showOrder(html) {
  const open = new Set([...confirm.querySelectorAll("details[open]")].map((fold) => fold.dataset.keep));
  const next = document.createElement("template");
  next.innerHTML = html;
  for (const fold of next.content.querySelectorAll("details")) fold.open = open.has(fold.dataset.keep);
  const at = confirm.contains(document.activeElement) && document.activeElement.closest("details")?.dataset.keep;
  confirm.replaceChildren(next.content);
  if (at) confirm.querySelector(`[data-keep="${at}"] > summary`)?.focus({ preventScroll: true });
}

form.addEventListener("input", (event) => {
  if (!event.target.name) return;
  if (event.target.matches("[type=checkbox], [type=radio]")) touched.add(event.target.name);
  later(WAIT);
});
form.addEventListener("focusout", (event) => {
  if (!event.target.name || event.target.matches("button") || touched.has(event.target.name)) return;
  touched.add(event.target.name);
  if (event.target.value !== event.target.defaultValue) later(WAIT);
});
form.addEventListener("submit", (event) => {
  const wanted = event.submitter?.value ?? "price";
  if (wanted === "order" && fresh && form.elements.digest.value) return;
  event.preventDefault();
  for (const place of form.querySelectorAll("[data-errors]")) touched.add(place.dataset.errors);
  if (wanted === "order" && !fresh) live.textContent = form.dataset.counting;
  ask();
});
// Back from the sheet, or from signing in beside it: what was typed is there again, and what is shown may be old.
const back = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
addEventListener("pageshow", (event) => (event.persisted || back) && later(0));
addEventListener("focus", () => !fresh && later(WAIT));

priceIt.hidden = true;
order.textContent ||= priceIt.textContent;
for (const place of form.querySelectorAll("[data-errors]:has(ul.errorlist)")) touched.add(place.dataset.errors);
form.classList.add("studio-lively");
later(0);
