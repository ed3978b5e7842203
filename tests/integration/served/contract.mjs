// A client of the journey contract on what Node itself brings: fetch, crypto, EventSource, WebSocket.
import { createHmac, randomUUID } from "node:crypto";

const [base, app, secret] = process.argv.slice(2);
const person = "ada+1@mail.example";

function sign(service, permission) {
  const until = new Date(Date.now() + 3_600_000).toISOString();
  const text = `so=acme&sn=sandbox&ss=${service}&sp=${permission}&se=${until}&sk=${app}`;
  const signature = createHmac("sha256", secret).update(text).digest("base64");
  return { signature, token: `${text}&sig=${encodeURIComponent(signature)}` };
}

function ask(method, path, service, permission, body, type = "application/json") {
  return fetch(base + path, {
    method,
    headers: {
      Authorization: `SharedAccessSignature ${sign(service, permission).token}`,
      Accept: "application/json",
      ...(body ? { "Content-Type": type } : {}),
    },
    body: body && JSON.stringify(body),
  });
}

function post(number) {
  const event = {
    specVersion: "1.0", id: randomUUID(), source: "node", type: `cart ${number}`, person,
    dataContentType: "application/json", data: JSON.stringify({ price: 40 }),
  };
  return ask("POST", "/v1/journey/events", "ds", "w", event, "application/cloudevents+json");
}

const first = await post(0);
const stream = sign("stream", "r");
const streams = `${base}/v1/journey/streams/${encodeURIComponent(person)}`;
const asSig = new EventSource(`${streams}?sig=${encodeURIComponent(stream.token)}`);
const laidOut = new EventSource(`${streams}?${stream.token}`);
const socket = new WebSocket(`${streams.replace("http", "ws")}?sig=${encodeURIComponent(stream.token)}`);

const heard = { asSig: [], laidOut: [], socket: [] };
const all = new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error(`heard only ${JSON.stringify(heard)}`)), 30_000).unref();
  const hear = (name, event) => {
    heard[name].push(event.type);
    if (Object.values(heard).every((types) => types.length === 3)) resolve();
  };
  asSig.onmessage = (message) => hear("asSig", JSON.parse(message.data));
  laidOut.onmessage = (message) => hear("laidOut", JSON.parse(message.data));
  socket.onmessage = (message) => {
    const { event } = JSON.parse(message.data);
    if (event) hear("socket", event);
  };
});
const isOpen = (one) => new Promise((resolve) => one.addEventListener("open", resolve, { once: true }));
const listens = new Promise((resolve) => socket.addEventListener("message", resolve, { once: true }));
await Promise.all([isOpen(asSig), isOpen(laidOut), listens]);
for (const number of [1, 2, 3]) await post(number);
await all;
asSig.close();
laidOut.close();
socket.close();

const attribute = {
  version: "0.1", event: "cart 1", metadata: "price", metadataType: "integer", limit: 10, displayName: "Worth",
  lookbackDurationType: "days", lookbackPeriod: 1, aggregationMode: "Sum", verbose: false,
};
const attributes = ["cart 1", "cart 2", "cart 3"].map((event) => ({ ...attribute, event, displayName: event }));
const template = await ask("POST", "/v1/journey/views/templates", "profile", "w", { id: "worth", attributes });
const query = `ViewId=worth&PersonId=${encodeURIComponent(person)}`;
const job = await ask("POST", `/v1/journey/views?${query}`, "profile", "w");
const view = await ask("GET", `/v1/journey/views?${query}&instanceId=${(await job.clone().json()).id}`, "profile", "r");
const results = (await view.clone().json()).attributeView.map((one) => Number(one.result));
const filter = encodeURIComponent(`person eq '${person}' and source eq 'node'`);
const tape = await (await ask("GET", `/v1/journey/events?$filter=${filter}&$top=10`, "tape", "r")).json();

console.log(JSON.stringify({
  statuses: [first.status, template.status, job.status, view.status],
  profile: String(results.reduce((sum, one) => sum + one, 0)),
  tape: tape.events.map((one) => one.type).reverse(),
  heard,
  refused: (await fetch(streams)).status,
  signature: stream.signature,
}));
process.exit(0);
