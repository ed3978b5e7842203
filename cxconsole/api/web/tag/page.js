/* What happens on the page, and the calls that the page makes. */

// ---- pages

const path = () => location.pathname;

function page() {
  const data = { path: path(), url: location.origin + path(), title: doc.title };
  const from = doc.referrer.split(/[?#]/)[0];
  if (from && !view) data.referrer = from; // of further pages without a load it is not the referrer
  new URLSearchParams(location.search).forEach((value, name) => {
    if (/^utm_\w+$/.test(name)) data[name] = value.slice(0, 200);
  });
  view = { path: path(), since: Date.now() };
  add("page.viewed", data);
}

function endPage() {
  if (!view || !options.PAGE_TRACK) return;
  add("page.left", { path: view.path, seconds: Math.round((Date.now() - view.since) / 1000) });
  view = null;
}

function moved() {
  if (!options.PAGE_TRACK || !started || (view && view.path === path())) return;
  const wasHere = view;
  endPage();
  view = wasHere;
  setTimeout(page, 0); // the page sets its title after the address
}

function watchAddress() {
  ["pushState", "replaceState"].forEach((name) => {
    const original = history[name];
    history[name] = function () {
      const result = original.apply(this, arguments);
      guard(moved);
      return result;
    };
  });
  win.addEventListener("popstate", () => guard(moved));
}

// ---- nodes

function listen(css, type, domEvent, attrs, all) {
  doc.querySelector(css); // says now that it is no selector
  const one = { css, type, domEvent: domEvent || "click", attrs, all, last: 0 };
  listeners.push(one);
  if (one.domEvent === "added" || one.domEvent === "changed") {
    observer = observer || new MutationObserver((changes) => guard(hearChanges, changes));
    // a page that moves changes attributes all the time, and what was added needs none of that; asked anew, the last counts
    const all = listeners.some((other) => other.domEvent === "changed");
    observer.observe(doc.documentElement, { childList: true, subtree: true, characterData: all, attributes: all });
  } else if (!heard[one.domEvent]) {
    heard[one.domEvent] = true;
    // on the window and while it goes down: nothing a page does with the event keeps it from us
    win.addEventListener(one.domEvent, (event) => guard(hear, event), { capture: true, passive: true });
  }
}

function hear(event) {
  const way = (event.composedPath ? event.composedPath() : [event.target]).filter((node) => node.nodeType === 1);
  const nodes = event.bubbles ? way : way.slice(0, 1);
  listeners.forEach((one) => {
    if (one.domEvent !== event.type) return;
    const node = nodes.find((candidate) => candidate.matches(one.css));
    if (node) tell(one, node);
  });
}

function hearChanges(changes) {
  listeners.forEach((one) => {
    const found = new Set();
    if (one.domEvent === "added") {
      changes.forEach((change) =>
        change.addedNodes.forEach((node) => {
          if (node.nodeType !== 1) return;
          if (node.matches(one.css)) found.add(node);
          node.querySelectorAll(one.css).forEach((inner) => found.add(inner));
        })
      );
    } else if (one.domEvent === "changed") {
      changes.forEach((change) => {
        const node = change.target.nodeType === 1 ? change.target : change.target.parentElement;
        const fits = node && node.closest(one.css);
        if (fits) found.add(fits);
      });
    }
    found.forEach((node) => tell(one, node));
  });
}

function tell(one, node) {
  if (!one.all && node !== doc.querySelector(one.css)) return;
  const now = Date.now();
  if (OFTEN.test(one.domEvent) && now - one.last < 1000) return;
  one.last = now;
  const data = { path: path() };
  if (node.id) data.element = node.id;
  if (Array.isArray(one.attrs)) one.attrs.forEach((name) => readAttribute(node, name, data));
  else if (one.attrs && typeof one.attrs === "object") Object.assign(data, one.attrs);
  else if (one.attrs) String(one.attrs).split(",").forEach((name) => readAttribute(node, name.trim(), data));
  add(one.type, data);
}

function readAttribute(node, name, data) {
  let value = node.getAttribute(name);
  if (name === "text") value = (node.textContent || "").trim();
  // what is typed is told only when the page asks for it, and never what is a secret
  if (name === "value" && "value" in node) {
    if (SECRET.test(node.type) || /^cc-|password|one-time/.test(node.autocomplete || "")) return;
    value = node.value;
  }
  if (value !== null && value !== undefined) data[name.replace(/^data-/, "")] = String(value).slice(0, 500);
}

// ---- the calls

function begin() {
  if (announce) {
    const [name, called] = announce;
    announce = false;
    identify(name, called);
  }
  adopt();
  if (options.PAGE_TRACK && !view) page();
  plan(GATHER_MS);
}

function init() {
  if (started) return;
  started = true;
  consented = consented || kept(PREFIX + "consent") === "1";
  watchAddress();
  win.addEventListener("pagehide", () => guard(() => (endPage(), leave())));
  win.addEventListener("pageshow", (event) => guard(() => event.persisted && moved()));
  doc.addEventListener("visibilitychange", () => guard(() => doc.visibilityState === "hidden" && leave()));
  win.addEventListener("online", () => guard(() => ((failures = notBefore = 0), clearTimeout(timer), (timer = 0), plan(0))));
  if (mayAct()) begin();
}

const calls = {
  dsWriteToken: (text) => {
    token = String(text || "");
    failures = notBefore = 0;
    plan(0);
  },
  streamReadToken: () => undefined, // of the contract; it is for offers, which this version does not show
  option: (name, value) => {
    if (own(options, name)) options[name] = value;
  },
  init,
  identify,
  track: (type, data) => type && add(type, data),
  page,
  listen: (css, type, domEvent, attrs) => listen(css, type, domEvent, attrs, false),
  listen_all: (css, type, domEvent, attrs) => listen(css, type, domEvent, attrs, true),
  consent: setConsent,
  reset,
  person: () => (mayAct() ? whoNow() : ""),
};

function guard(work, argument) {
  try {
    return work(argument);
  } catch (_) {
    return undefined; // a tag that fails is no reason for the page to fail
  }
}

function cjaas(name, ...rest) {
  const call = own(calls, name) && calls[name];
  return call ? guard(() => call(...rest)) : undefined;
}

const script = doc.currentScript;
cjaas.version = "1";
cjaas.scriptURL = stub.scriptURL || (script && script.src) || "";
cjaas.baseURL = stub.baseURL || (cjaas.scriptURL ? new URL(cjaas.scriptURL, location.href).origin : location.origin);
win.cjaas = cjaas;
Array.from(stub.q || stub.queue || [], (one) => cjaas(...Array.from(one)));
