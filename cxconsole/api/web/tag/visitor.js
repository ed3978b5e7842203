/* cj.js: the browser tag of cxconsole. It puts what a visitor does onto the Tape, and never gets in the way of the page:
   nothing here throws, blocks, evaluates text or touches the page's own nodes.

   The page sets a stub that collects calls until this file is there; docs/journey.md has the snippet:
       cjaas("dsWriteToken", token)          a write-only token of an app with allowed origins
       cjaas("option", name, value)          PAGE_TRACK, CONSENT, SOURCE, TOKEN_URL, ENABLE_ORCHESTRATION
       cjaas("init")                         from here on events are sent
       cjaas("identify", person, name?)      who it is; what was anonymous joins
       cjaas("track", type, data?)           an event
       cjaas("page")                         a page view
       cjaas("listen", css, type, domEvent, attrs?)      the first node that fits
       cjaas("listen_all", css, type, domEvent, attrs?)  all that fit, also those that come later
       cjaas("consent", true | false)        with the option CONSENT nothing is kept or sent before true
       cjaas("reset")                        signed out: the next visitor is anonymous again
       cjaas("person")                       by which name the visitor is known now

   The files of this folder are served as one script, in a function of their own. This one is what is known and kept. */
const win = window;
const doc = document;
const stub = win.cjaas || {};
if (stub.version) return;

const PREFIX = "cjaas.";
const MOST_WAITING = 200; // events
const MOST_BYTES = 200000; // of all that wait
const MOST_OF_ONE = 32000;
const MOST_OF_BATCH = 45000; // a browser lets 64 kB go on after the page has gone
const GATHER_MS = 50;
const RENEW_BEFORE_MS = 60000;
const LONGEST_PAUSE_MS = 60000;
const OFTEN = /^(scroll|wheel|resize|input|.*move)$/;
const SECRET = /^(password|hidden|file)$/;

const options = { PAGE_TRACK: false, ENABLE_ORCHESTRATION: false, CONSENT: false, SOURCE: "", TOKEN_URL: "" };
const tabKey = PREFIX + "queue." + makeId();
let token = "";
let started = false;
let consented = false;
let person = "";
let personName = "";
let anonymous = "";
let announce = false; // who was identified before consent
let queue = [];
let flying = [];
let timer = 0;
let failures = 0;
let isSaved = false;
let notBefore = 0;
let renewing = null;
let renewNotBefore = 0;
let view = null;
let observer = null;
const listeners = [];
const heard = {};

// ---- what is kept in the browser

function keep(name, value) {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch (_) {
    /* storage is full or not allowed: memory has to do */
  }
}

function kept(name) {
  try {
    return localStorage.getItem(name);
  } catch (_) {
    return null;
  }
}

function keptNames() {
  try {
    return Object.keys(localStorage).filter((name) => name.startsWith(PREFIX));
  } catch (_) {
    return [];
  }
}

function makeId() {
  if (win.crypto.randomUUID) return win.crypto.randomUUID();
  const bytes = win.crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = Array.from(bytes, (one) => (one + 256).toString(16).slice(1)).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

// ---- who it is

const own = (thing, name) => Object.prototype.hasOwnProperty.call(thing, name);
const mayAct = () => !options.CONSENT || consented;

function whoNow() {
  readIdentity();
  if (person) return person;
  if (!anonymous) {
    anonymous = kept(PREFIX + "anonymous") || "";
    if (!anonymous) keep(PREFIX + "anonymous", (anonymous = "anon-" + makeId()));
  }
  return anonymous;
}

function readIdentity() {
  const known = person ? null : kept(PREFIX + "person");
  if (!known) return;
  try {
    [person, personName] = JSON.parse(known);
  } catch (_) {
    keep(PREFIX + "person", null);
  }
}

function identify(name, called) {
  name = String(name === undefined || name === null ? "" : name).trim();
  called = called ? String(called) : "";
  if (!name) return;
  if (!mayAct()) {
    announce = [name, called];
    return;
  }
  readIdentity();
  if (name === person && called === personName) return;
  const before = person ? "" : anonymous || kept(PREFIX + "anonymous") || "";
  person = name;
  personName = called;
  keep(PREFIX + "person", JSON.stringify([person, personName]));
  keep(PREFIX + "anonymous", null);
  anonymous = "";
  add("person.identified", called ? { name: called } : {}, before);
}

function reset() {
  person = personName = anonymous = "";
  announce = false;
  keep(PREFIX + "person", null);
  keep(PREFIX + "anonymous", null);
}

function setConsent(given) {
  if (given) {
    if (consented) return;
    consented = true;
    if (options.CONSENT) keep(PREFIX + "consent", "1");
    if (started) begin();
    return;
  }
  consented = false;
  reset();
  queue = [];
  view = null;
  keptNames().forEach((name) => keep(name, null));
}
