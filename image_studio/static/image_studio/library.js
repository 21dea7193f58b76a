// The library: pages that load while one scrolls, ticking several, and uploads with a place and a fate each.
// Everything here is an addition: without it there are links, a form, and a page to upload.

const AT_ONCE = 3;
const TYPES = ["image/png", "image/jpeg", "image/webp"];
const MEGA = 1_000_000;

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const fill = (words, values) => words.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

function anchor(url, words) {
  const link = document.createElement("a");
  link.href = url;
  link.textContent = words;
  return link;
}

// More pictures -----------------------------------------------------------------------------------------------------

function scrolling() {
  const grid = one("[data-grid]");
  const step = one("[data-step]");
  const said = one("[data-said]");
  if (!grid || !step) return;
  const pages = [{ url: location.href, first: grid.firstElementChild }];
  let link = one("[data-next]", step);
  let busy = false;
  let broken = false;

  async function more({ asked }) {
    if (busy || !link || (broken && !asked)) return;
    busy = true;
    grid.setAttribute("aria-busy", "true");
    const url = link.href;
    try {
      const answer = await fetch(url, { headers: { Accept: "application/json" }, redirect: "manual" });
      if (answer.type === "opaqueredirect" || answer.status === 403) throw new Error("ended");
      if (!answer.ok) throw new Error("broken");
      const page = await answer.json();
      const last = grid.lastElementChild;
      grid.insertAdjacentHTML("beforeend", page.html);
      pages.push({ url, first: last.nextElementSibling });
      broken = false;
      said.textContent = page.count ? fill(said.dataset.wordsMore, { n: page.count }) : said.dataset.wordsEnd;
      if (asked) one("a", last.nextElementSibling ?? last)?.focus({ preventScroll: true });
      if (page.next) link.href = page.next;
      else {
        link = null;
        step.remove();
        said.textContent += ` ${said.dataset.wordsEnd}`;
      }
    } catch (error) {
      broken = true;
      said.textContent = said.dataset.wordsBroken;
      if (error.message === "ended") said.replaceChildren(said.dataset.wordsEnded, " ", anchor(location.href, document.title));
    } finally {
      busy = false;
      grid.removeAttribute("aria-busy");
    }
    if (link && !broken && near(step)) more({ asked: false });
  }

  const near = (node) => node.getBoundingClientRect().top < innerHeight + 600;
  new IntersectionObserver((entries) => entries.at(-1).isIntersecting && more({ asked: false }), {
    rootMargin: "600px",
  }).observe(step);
  link.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    more({ asked: true });
  });

  // The address keeps the place: Back from a picture comes to the page that was looked at.
  let waiting = 0;
  addEventListener(
    "scroll",
    () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        const here = pages.findLast((page) => page.first && page.first.getBoundingClientRect().top < innerHeight / 2);
        const url = (here ?? pages[0]).url;
        if (url !== location.href) history.replaceState(history.state, "", url);
        const form = one("[data-form]");
        if (form) form.action = url;
      }, 150);
    },
    { passive: true },
  );
}

// Ticking -----------------------------------------------------------------------------------------------------------

function ticking() {
  const form = one("[data-form]");
  const grid = one("[data-grid]");
  const bar = one("[data-bar]");
  if (!form || !bar) return;
  const count = one("[data-count]", bar);
  const clear = one("[data-clear]", bar);
  const boxes = () => all(".lib-tick input", grid);
  let last = null;
  clear.hidden = false;

  const told = () => {
    count.textContent = fill(count.dataset.words, { n: boxes().filter((box) => box.checked).length });
  };
  const none = () => {
    for (const box of boxes()) box.checked = false;
    told();
  };
  grid.addEventListener("click", (event) => {
    const box = event.target.closest(".lib-tick")?.querySelector("input");
    if (!box || event.target !== box) return;
    if (event.shiftKey && last && last !== box) {
      const list = boxes();
      const [from, to] = [list.indexOf(last), list.indexOf(box)].sort((a, b) => a - b);
      for (const between of list.slice(Math.max(from, 0), to + 1)) between.checked = box.checked;
    }
    last = box;
    told();
  });
  grid.addEventListener("change", told);
  clear.addEventListener("click", none);
  addEventListener("keydown", (event) => {
    const typing = event.target.matches("input:not([type=checkbox]), textarea, select");
    if (event.key === "Escape" && !typing && !event.defaultPrevented) none();
  });
  // Enter in the field of tags means the button beside it, not the first of the form.
  one("[name=tags]", bar)?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    one("[data-tag]", bar).click();
  });
  addEventListener("pageshow", told);
  told();
}

// Uploads -----------------------------------------------------------------------------------------------------------

class Upload {
  constructor(list, file) {
    this.list = list;
    this.file = file;
    this.row = one("template[data-file]", list.root).content.cloneNode(true).firstElementChild;
    this.bar = one("progress", this.row);
    one(".lib-file-name", this.row).textContent = file.name;
    one(".lib-file-name", this.row).title = file.name;
    this.bar.setAttribute("aria-label", file.name);
    one("[data-retry]", this.row).addEventListener("click", () => this.again());
    one("[data-cancel]", this.row).addEventListener("click", () => this.cancel());
    for (const button of all("button", this.row)) button.setAttribute("aria-label", `${button.textContent}: ${file.name}`);
    this.set("waiting");
    const why = this.judged();
    if (why) this.set("refused", why);
  }

  // What can be said before anything is sent.
  judged() {
    const { words, most } = this.list;
    if (this.file.size === 0) return words.empty;
    if (this.file.size > most) {
      const mega = (bytes) => (bytes / MEGA).toFixed(1);
      return fill(words.tooHeavy, { weight: mega(this.file.size), limit: mega(most) });
    }
    return this.file.type && !TYPES.includes(this.file.type) ? words.wrong : "";
  }

  set(state, why = "") {
    this.state = state;
    this.row.dataset.state = state;
    one(".lib-file-state", this.row).textContent = this.list.words[state];
    const line = one(".lib-file-why", this.row);
    line.textContent = why;
    line.hidden = !why;
    one("[data-retry]", this.row).hidden = !["failed", "cancelled"].includes(state);
    one("[data-cancel]", this.row).hidden = !["waiting", "sending", "judging"].includes(state);
    if (["added", "duplicate"].includes(state)) this.bar.value = 100;
    if (["waiting", "failed", "cancelled", "refused"].includes(state)) this.bar.value = 0;
    this.list.tell();
  }

  again() {
    this.set("waiting");
    this.list.pump();
  }

  cancel() {
    const request = this.request;
    this.set("cancelled");
    request?.abort();
    this.list.pump();
  }

  send() {
    const { root, brand } = this.list;
    const body = new FormData();
    body.append("brand", brand.value);
    body.append("file", this.file, this.file.name);
    const request = new XMLHttpRequest();
    this.request = request;
    request.open("POST", root.dataset.url);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", this.list.token);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) this.bar.value = (event.loaded / event.total) * 95;
    });
    request.upload.addEventListener("load", () => this.state === "sending" && this.set("judging"));
    request.addEventListener("load", () => this.answered(request));
    request.addEventListener("error", () => this.lost(this.list.words.broken));
    request.addEventListener("loadend", () => {
      this.request = null;
      this.list.pump();
    });
    this.set("sending");
    request.send(body);
  }

  answered(request) {
    if (this.state === "cancelled") return;
    let told = null;
    try {
      told = JSON.parse(request.responseText);
    } catch {
      // A login page, or a proxy's own words.
    }
    const elsewhere = request.responseURL && !request.responseURL.endsWith(this.list.root.dataset.url);
    if (told?.code === "session.ended" || (!told && (elsewhere || request.status === 403))) {
      this.set("waiting");
      this.list.ended();
    } else if (told?.ok) this.added(told);
    else if (told?.message && request.status < 500) this.set("refused", told.message);
    else this.lost(told?.message ?? fill(this.list.words.server, { status: request.status }));
  }

  added(told) {
    const open = one("[data-open]", this.row);
    open.href = told.url;
    open.hidden = false;
    open.setAttribute("aria-label", `${open.textContent}: ${told.title}`);
    this.set(told.duplicate ? "duplicate" : "added", told.duplicate ? told.message : "");
    const grid = one("[data-grid][data-first]");
    if (grid && told.html && !one(`[data-tile="${told.id}"]`)) grid.insertAdjacentHTML("afterbegin", told.html);
  }

  lost(why) {
    if (this.state !== "cancelled") this.set("failed", why);
  }
}

class Uploads {
  constructor(root) {
    this.root = root;
    this.words = root.dataset;
    this.most = Number(root.dataset.most);
    this.brand = one("[data-brand]", root);
    this.token = one("[name=csrfmiddlewaretoken]").value;
    this.files = [];
    this.paused = false;
    const input = one("[data-input]", root);
    for (const button of all("[data-choose]")) {
      button.addEventListener("click", (event) => {
        event.preventDefault();
        input.click();
      });
    }
    input.addEventListener("change", () => {
      this.add([...input.files]);
      input.value = "";
    });
    one("[data-close]", root).addEventListener("click", () => this.close());
    one("[data-cancel-all]", root).addEventListener("click", () => {
      for (const upload of this.of("waiting", "sending", "judging")) upload.cancel();
    });
    one("[data-retry-all]", root).addEventListener("click", () => {
      for (const upload of this.of("failed", "cancelled")) upload.set("waiting");
      this.pump();
    });
    one("[data-go-on]", root).addEventListener("click", () => this.goOn());
    one("[data-sign-in]", root).href = `${root.dataset.login}?next=${encodeURIComponent(location.pathname)}`;
    addEventListener("beforeunload", (event) => {
      if (this.of("waiting", "sending", "judging").length) event.preventDefault();
    });
    this.dropping();
  }

  of(...states) {
    return this.files.filter((upload) => states.includes(upload.state));
  }

  dropping() {
    const veil = one("[data-drop]");
    let depth = 0;
    // A picture of this page that is dragged about counts as a file too: it must not come back as an upload.
    let ours = false;
    addEventListener("dragstart", () => (ours = true));
    addEventListener("dragend", () => (ours = false));
    const files = (event) => !ours && event.dataTransfer?.types.includes("Files");
    addEventListener("dragenter", (event) => {
      if (!files(event)) return;
      event.preventDefault();
      depth += 1;
      veil.hidden = false;
    });
    addEventListener("dragover", (event) => files(event) && event.preventDefault());
    addEventListener("dragleave", (event) => {
      if (!files(event)) return;
      depth = Math.max(0, depth - 1);
      veil.hidden = depth === 0;
    });
    addEventListener("drop", (event) => {
      if (!files(event)) return;
      event.preventDefault();
      depth = 0;
      veil.hidden = true;
      this.add([...event.dataTransfer.files]);
    });
  }

  add(files) {
    if (!files.length) return;
    this.root.hidden = false;
    for (const file of files) {
      const upload = new Upload(this, file);
      this.files.push(upload);
      one("[data-files]", this.root).append(upload.row);
    }
    this.tell();
    this.pump();
  }

  pump() {
    if (this.paused) return;
    while (this.of("sending", "judging").length < AT_ONCE) {
      const [next] = this.of("waiting");
      if (!next) break;
      next.send();
    }
  }

  tell() {
    const number = (...states) => this.of(...states).length;
    const busy = number("waiting", "sending", "judging");
    const values = { all: this.files.length, done: this.files.length - busy };
    for (const state of ["added", "duplicate"]) values[state] = number(state);
    values.refused = number("refused");
    values.lost = number("failed", "cancelled");
    const words = fill(busy ? this.words.running : this.words.sum, values);
    const line = one("[data-sum-line]", this.root);
    if (this.files.length && line.textContent !== words) line.textContent = words;
    one("[data-cancel-all]", this.root).hidden = !busy;
    one("[data-retry-all]", this.root).hidden = number("failed", "cancelled") < 2;
    one("[data-close]", this.root).hidden = busy > 0;
    this.brand.disabled = busy > 0;
  }

  // The files stay in the list; nothing more is sent until somebody has signed in again.
  ended() {
    this.paused = true;
    one("[data-ended]", this.root).hidden = false;
  }

  async goOn() {
    const notice = one("[data-ended]", this.root);
    notice.hidden = true; // what comes back is read out again
    if (await this.renewed()) {
      this.paused = false;
      this.pump();
    } else notice.hidden = false;
  }

  async renewed() {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "manual" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const token = answer.ok && one("[data-uploads]", page) && one("[name=csrfmiddlewaretoken]", page);
      if (!token) return false;
      this.token = token.value;
      for (const field of all("[name=csrfmiddlewaretoken]")) field.value = token.value;
      return true;
    } catch {
      return false;
    }
  }

  close() {
    const changed = this.of("added").length > 0 && !one("[data-grid]");
    this.files = [];
    one("[data-files]", this.root).replaceChildren();
    this.root.hidden = true;
    if (changed) location.reload();
  }
}

scrolling();
ticking();
const uploads = one("[data-uploads]");
if (uploads) new Uploads(uploads);
