/* <cx-profile>: what a profile view comes to for one person, read again when something happens to that person. */

const GATHER_MS = 250;
const PROFILE_SHEET = makeSheet(`
  dl { margin: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 150px), 1fr)); gap: 1px;
    border: 1px solid var(--line); border-radius: var(--cx-radius, 8px); overflow: hidden }
  dl:empty { display: none }
  dl > div { padding: 10px 12px; box-shadow: 0 0 0 1px var(--line) }
  dt { overflow-wrap: anywhere }
  dd { margin: 2px 0 0; font-size: 1.25em; font-weight: 600; overflow-wrap: anywhere; font-variant-numeric: tabular-nums }
  @media (prefers-reduced-motion: no-preference) { .new { animation: new 1.2s } }
  @keyframes new { from { background: color-mix(in srgb, var(--cx-accent, #30a46c) 18%, transparent) } }`);

function valueOf({ result, queryTemplate }) {
  if (!result) return "–";
  const isNumber = ["Count", "Sum", "Average"].includes(queryTemplate.aggregationMode);
  if (isNumber) return Number(result).toLocaleString([], { maximumFractionDigits: 2 });
  if (queryTemplate.metadataType === "boolean") return result.replace(/true/g, "yes").replace(/false/g, "no").replace(/,/g, ", ");
  if (queryTemplate.metadataType === "datetime") {
    return result.split(",").map((one) => new Date(one).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })).join(" · ");
  }
  return result.replace(/,(?=\S)/g, ", ");
}

class CxProfile extends CxLive {
  static get observedAttributes() {
    return [...super.observedAttributes, "view"];
  }

  constructor() {
    super(PROFILE_SHEET);
    this._title = "Profile";
    this._noun = "profile";
    this._list = make("dl");
    this._box.append(this._list);
  }

  _clear() {
    this._list.replaceChildren();
    this._values = new Map();
    this._isNews = this._isStale = false;
    this._reading = 0;
  }

  async _load(run, token, isNews) {
    const view = encodeURIComponent(this.getAttribute("view") || "");
    // an event that came late changes nothing of what is kept for the others, but it is what this one shows
    const fresh = isNews ? "&SkipCache=true" : "";
    const answer = await this._read(`views?ViewId=${view}&PersonId=${this._person()}${fresh}`, token, {
      404: "There is no such view.",
      422: "No view is chosen.",
    });
    const profile = await answer.json();
    if (run !== this._run) return;
    this._name(this.getAttribute("heading") || profile.name);
    this._show(profile.attributeView);
  }

  _opened(run, token) {
    this._again(run, token, false); // what came between reading and following
  }

  _take(id, _event, run, token) {
    this._seen = id;
    this._again(run, token, true);
  }

  /* Read once for all that comes in a moment, and never twice at a time. */
  _again(run, token, isNews) {
    this._isNews = this._isNews || isNews;
    this._isStale = this._reading === run;
    if (this._isStale) return;
    this._reading = run;
    setTimeout(async () => {
      const wasNews = this._isNews;
      this._isNews = false;
      try {
        if (run === this._run) await this._load(run, token, wasNews);
      } catch (error) {
        if (run === this._run) this._fail(error);
      }
      if (run !== this._run) return;
      this._reading = 0;
      if (this._isStale) this._again(run, token, true);
    }, GATHER_MS);
  }

  /* Only what has changed is touched: nothing flickers, and a screen reader stays where it is. */
  _show(results) {
    const names = results.map((one) => one.queryTemplate.displayName);
    if (names.join("\n") !== Array.from(this._values.keys()).join("\n")) {
      this._values = new Map(names.map((name) => [name, make("dd")]));
      this._list.replaceChildren(
        ...names.map((name) => {
          const pair = make("div");
          pair.append(make("dt", "dim", name), this._values.get(name));
          return pair;
        })
      );
    }
    const changed = results.filter((one) => {
      const node = this._values.get(one.queryTemplate.displayName);
      const text = valueOf(one);
      if (node.textContent === text) return false;
      node.className = node.textContent ? "new" : "";
      node.onanimationend = () => (node.className = "");
      node.textContent = text;
      return true;
    });
    if (changed.length) {
      const detail = Object.fromEntries(results.map((one) => [one.queryTemplate.displayName, one.result]));
      this.dispatchEvent(new CustomEvent("cx-profile", { detail }));
    }
  }
}

define("cx-profile", CxProfile);
