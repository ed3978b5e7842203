/* <cx-timeline>: what happened to one person, the newest first, and what happens now. */

const MOST = 200;
const OVERLAP = 500;
const TIMELINE_SHEET = makeSheet(`
  ol { list-style: none; margin: 0; padding: 0; border: 1px solid var(--line); border-radius: var(--cx-radius, 8px) }
  ol:empty { display: none }
  li { padding: 10px 12px; border-bottom: 1px solid var(--line); display: grid; grid-template-columns: 1fr auto; gap: 2px 12px }
  li:last-child { border-bottom: 0 }
  b { font-weight: 550; overflow-wrap: anywhere }
  .detail { grid-column: 1 / -1; overflow-wrap: anywhere }
  .box { max-height: var(--cx-height, none); overflow: auto }
  .box:focus-visible { outline: 2px solid var(--cx-accent, #3d4fc4); outline-offset: 2px }`);
const WORDS = {
  "person.created": "Became known",
  "person.identified": "Said who they are",
  "person.merged": "Proved to be known already",
  "contact.added": "Added to a campaign",
  "note.added": "A note was written",
};

function titleOf(type) {
  const words = type.replace(/^comm\./, "message.").replace(/[._-]+/g, " ").trim() || "Event";
  return Object.hasOwn(WORDS, type) ? WORDS[type] : words[0].toUpperCase() + words.slice(1);
}

function detailOf(data) {
  const plain = Object.entries(data || {}).filter(([, value]) => (typeof value === "string" && value) || typeof value === "number");
  return plain.slice(0, 3).map(([name, value]) => `${name}: ${String(value).slice(0, 80)}`).join(", ");
}

class CxTimeline extends CxLive {
  constructor() {
    super(TIMELINE_SHEET);
    this._title = "What happened";
    this._noun = "timeline";
    this._list = make("ol");
    this._box.tabIndex = 0;
    this._box.append(this._list);
  }

  _clear() {
    this._list.replaceChildren();
    this._known = new Set();
  }

  async _load(run, token) {
    const past = await this._read("streams/historic/" + this._person(), token, {});
    const frames = (await past.text()).split("\n\n");
    if (run !== this._run) return;
    frames.forEach((frame) => {
      const found = /^id: (\d+)\ndata: (.*)$/s.exec(frame);
      if (found) this._take(Number(found[1]), JSON.parse(found[2]));
    });
    if (!this._list.childElementCount) this._say("Nothing has happened yet.");
  }

  _take(id, event) {
    if (this._known.has(id)) return;
    this._known.add(id);
    // the past comes by time, and the stream goes on by id: a little before the last one, because ids are drawn before
    // they are stored, so one below it may still come
    this._seen = Math.max(this._seen || 0, id - OVERLAP);
    const at = new Date(event.time);
    const row = make("li");
    const time = make("time", "dim", at.toLocaleString([], { dateStyle: "medium", timeStyle: "short" }));
    time.dateTime = event.time;
    row.append(make("b", "", titleOf(event.type)), time);
    const detail = detailOf(event.data);
    if (detail) row.append(make("span", "detail dim", detail));
    row.dataset.at = event.time;
    const later = Array.from(this._list.children).find((one) => one.dataset.at <= event.time);
    this._list.insertBefore(row, later || null);
    if (this._list.childElementCount > MOST) this._list.lastElementChild.remove();
    this.dispatchEvent(new CustomEvent("cx-event", { detail: event }));
  }
}

define("cx-timeline", CxTimeline);
