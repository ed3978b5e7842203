/* Events: made, gathered, sent, and kept while they cannot be sent. */

function add(type, data, previously) {
  if (!mayAct()) return;
  const event = {
    specVersion: "1.0",
    id: makeId(),
    source: options.SOURCE || location.host,
    type: String(type),
    person: whoNow(),
    time: new Date().toISOString(),
    dataContentType: "application/json",
    data: data && typeof data === "object" && !Array.isArray(data) ? data : data === undefined ? {} : { value: data },
  };
  if (previously) event.previously = previously;
  let text;
  try {
    text = JSON.stringify(event);
  } catch (_) {
    return; // data that goes in circles
  }
  if (text.length > MOST_OF_ONE) return;
  queue.push(text);
  trim();
  plan(GATHER_MS);
}

function trim() {
  let bytes = queue.reduce((sum, text) => sum + text.length, 0);
  while (queue.length > MOST_WAITING || bytes > MOST_BYTES) bytes -= queue.shift().length; // the oldest go
}

function plan(wait) {
  if (!timer && started) timer = setTimeout(flush, Math.max(wait, notBefore - Date.now()));
}

function takeBatch(most) {
  const batch = [];
  let bytes = 0;
  while (queue.length && batch.length < 100 && (!batch.length || bytes + queue[0].length < most)) {
    bytes += queue[0].length;
    batch.push(queue.shift());
  }
  return batch;
}

const address = () => String(win.cjaas.baseURL).replace(/\/+$/, "") + "/v1/journey/events";

function expiresAt(text) {
  const found = /[& ]se=([^&]+)/.exec(" " + text);
  const at = found ? Date.parse(decodeURIComponent(found[1])) : NaN;
  return isNaN(at) ? Infinity : at;
}

function flush() {
  clearTimeout(timer);
  timer = 0;
  if (!started || !mayAct() || flying.length || !queue.length) return;
  if (options.TOKEN_URL && (!token || expiresAt(token) - Date.now() < RENEW_BEFORE_MS) && Date.now() >= renewNotBefore) {
    renew().then(flush);
    return;
  }
  if (!token) return;
  const wait = notBefore - Date.now();
  if (wait > 0) {
    plan(wait);
    return;
  }
  flying = takeBatch(MOST_OF_BATCH);
  fetch(address(), {
    method: "POST",
    body: "[" + flying.join(",") + "]",
    headers: { Authorization: token, "Content-Type": "application/json" },
    credentials: "omit",
    keepalive: true,
    referrerPolicy: "origin",
  }).then(
    (answer) => settle(answer.status, Number(answer.headers.get("Retry-After"))),
    () => settle(0)
  );
}

function settle(status, pauseSeconds) {
  const refused = status === 401 || status === 403;
  const later = refused || status === 0 || status === 429 || status >= 500;
  if (later) queue = flying.concat(queue);
  flying = [];
  if (!later) {
    // stored; or what cannot be used, of which the good ones were stored and the others never will be
    failures = notBefore = 0;
    if (isSaved) save(queue);
    if (queue.length) plan(0);
    return;
  }
  if (!mayAct()) {
    queue = []; // consent was taken back while they were on their way
    return;
  }
  trim();
  save(queue);
  failures += 1;
  notBefore = Date.now() + Math.max((pauseSeconds || 0) * 1000, Math.min(LONGEST_PAUSE_MS, 500 * 2 ** failures));
  if (refused) token = ""; // without another one there is no use in trying again
  if (!refused || options.TOKEN_URL) plan(0);
}

function renew() {
  if (!renewing) {
    renewNotBefore = Date.now() + 10000;
    renewing = fetch(options.TOKEN_URL, { method: "POST", credentials: "same-origin" })
      .then((answer) => (answer.ok ? answer.text() : ""))
      .then((text) => {
        const given = text[0] === "{" ? JSON.parse(text).token : text;
        if (given) token = String(given).trim();
        if (given) failures = notBefore = 0;
      })
      .catch(() => undefined)
      .then(() => {
        renewing = null;
      });
  }
  return renewing;
}

function leave() {
  if (!started || !mayAct()) return;
  const isOffline = navigator.onLine === false;
  if (isOffline || failures || !token) save(flying.concat(queue));
  if (isOffline || !token || !queue.length) return;
  // a beacon has no headers; as plain text it needs no question beforehand, for which there is no time now
  const batch = takeBatch(MOST_OF_BATCH);
  const target = address() + "?sig=" + encodeURIComponent(token.replace(/^SharedAccessSignature /, ""));
  if (!navigator.sendBeacon(target, new Blob(["[" + batch.join(",") + "]"], { type: "text/plain" }))) {
    queue = batch.concat(queue);
  }
  if (queue.length) save(flying.concat(queue));
}

function save(texts) {
  isSaved = texts.length > 0;
  keep(tabKey, isSaved ? JSON.stringify(texts) : null);
}

function adopt() {
  // what another tab, or this one before, could not send; whoever sends it twice is counted once
  keptNames().forEach((name) => {
    if (!name.startsWith(PREFIX + "queue.") || name === tabKey) return;
    try {
      queue = JSON.parse(kept(name)).filter((one) => typeof one === "string").concat(queue);
    } catch (_) {
      /* not ours */
    }
    keep(name, null);
  });
  trim();
  if (queue.length) plan(0);
}
