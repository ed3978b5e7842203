/* Web components of cxconsole for pages of other sites. No dependency; each draws in a shadow root of its own.

   <cx-timeline person="ada@mail.example" token-url="/cx-token"></cx-timeline>
   <cx-profile person="ada@mail.example" view="shopper" token-url="/cx-token"></cx-profile>

   `token` or `token-url` gives a token that reads this one person; docs/journey.md says how to make it. The look is set
   by CSS variables on the element: --cx-font, --cx-text, --cx-dim, --cx-line, --cx-back, --cx-accent, --cx-radius.

   The files of this folder are served as one script, in a function of their own. This one is what they share. */

const SCRIPT_ORIGIN = document.currentScript ? new URL(document.currentScript.src, location.href).origin : location.origin;
const RETRY_MS = 5000;
const SHARED_STYLE = `
  :host { display: block; font: var(--cx-font, 14px/1.45 system-ui, sans-serif); color: var(--cx-text, inherit);
    background: var(--cx-back, transparent); --line: var(--cx-line, color-mix(in srgb, currentColor 22%, transparent));
    --dim: var(--cx-dim, color-mix(in srgb, currentColor 75%, transparent)) }
  :host([hidden]) { display: none }
  h2 { font: inherit; font-weight: 600; margin: 0; overflow-wrap: anywhere }
  header { display: flex; justify-content: space-between; gap: 12px; padding-bottom: 8px }
  .dim { color: var(--dim) }
  .live::before { content: ""; display: inline-block; width: 8px; height: 8px; margin-right: 6px; border-radius: 50%; background: var(--cx-accent, #30a46c) }`;

function makeSheet(style) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(SHARED_STYLE + style);
  return sheet;
}

function make(tag, look, text) {
  const node = document.createElement(tag);
  if (look) node.className = look;
  if (text) node.textContent = text;
  return node;
}

function define(name, component) {
  if (!customElements.get(name)) customElements.define(name, component);
}

/* One person, live: a heading, a box, and a word on how the line is. A component says by `_noun` what it shows, empties
   itself in `_clear`, reads what there is in `_load`, and hears of each event in `_take`. */
class CxLive extends HTMLElement {
  static get observedAttributes() {
    return ["person", "token", "token-url", "base-url", "heading"];
  }

  constructor(sheet) {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet]; // a strict page allows no style element
    const head = make("header");
    this._heading = make("h2");
    this._state = make("span", "dim");
    this._state.setAttribute("role", "status");
    head.append(this._heading, this._state);
    this._box = make("div", "box");
    this._box.setAttribute("role", "region");
    root.append(head, this._box);
    this._run = 0;
    // a browser may take minutes to notice that a stream has died with the line
    this._lost = () => {
      this._end();
      this._say("Reconnecting");
    };
    this._back = () => this._follow(this._run);
  }

  connectedCallback() {
    window.addEventListener("offline", this._lost);
    window.addEventListener("online", this._back);
    this._begin();
  }

  disconnectedCallback() {
    window.removeEventListener("offline", this._lost);
    window.removeEventListener("online", this._back);
    this._end();
  }

  attributeChangedCallback(_name, before, after) {
    if (this.isConnected && before !== after) this._begin();
  }

  _end() {
    this._run += 1;
    clearTimeout(this._timer);
    if (this._source) this._source.close();
    this._source = null;
  }

  _begin() {
    this._end();
    this._seen = null;
    this._name(this.getAttribute("heading") || this._title);
    this._clear();
    if (!this.getAttribute("person")) return this._say("Nobody is chosen.");
    this._say("Loading");
    return this._follow(this._run);
  }

  _name(heading) {
    this._heading.textContent = heading;
    this._box.setAttribute("aria-label", heading);
  }

  async _follow(run) {
    if (this._source) this._source.close();
    try {
      const token = await this._token();
      if (run !== this._run) return;
      await this._load(run, token);
      if (run === this._run) this._listen(run, token);
    } catch (error) {
      if (run !== this._run) return;
      this._fail(error);
      this._timer = setTimeout(() => this._follow(run), RETRY_MS);
    }
  }

  _listen(run, token) {
    const sig = encodeURIComponent(token.replace(/^SharedAccessSignature /, ""));
    const from = this._seen === null ? "" : `&lastEventId=${this._seen}`;
    const source = new EventSource(`${this._address("streams/" + this._person())}?sig=${sig}${from}`);
    this._source = source;
    source.onopen = () => {
      this._say("Live", true);
      this._opened(run, token);
    };
    source.onmessage = (message) => this._take(Number(message.lastEventId), JSON.parse(message.data), run, token);
    source.onerror = () => {
      if (run !== this._run) return;
      this._say("Reconnecting");
      if (source.readyState === EventSource.CLOSED) {
        // refused: the token has ended, or nothing is known of the person yet
        source.close();
        this._timer = setTimeout(() => this._follow(run), RETRY_MS);
      }
    };
  }

  _opened() {}

  async _read(part, token, words) {
    const answer = await fetch(this._address(part), {
      headers: { Authorization: token.startsWith("Shared") ? token : "SharedAccessSignature " + token },
      credentials: "omit",
    });
    if (answer.ok) return answer;
    throw new Error(answer.status === 403 ? "This may not be shown here." : words[answer.status] || `The ${this._noun} cannot be read now.`);
  }

  async _token() {
    const given = this.getAttribute("token");
    if (given) return given;
    const url = this.getAttribute("token-url");
    if (!url) throw new Error("A token is missing.");
    const answer = await fetch(url, { method: "POST", credentials: "same-origin" });
    if (!answer.ok) throw new Error(`The ${this._noun} cannot be shown now.`);
    const text = await answer.text();
    return String(text[0] === "{" ? JSON.parse(text).token : text).trim();
  }

  _person() {
    return encodeURIComponent(this.getAttribute("person"));
  }

  _address(part) {
    return `${(this.getAttribute("base-url") || SCRIPT_ORIGIN).replace(/\/+$/, "")}/v1/journey/${part}`;
  }

  _fail(error) {
    this._say(error instanceof TypeError ? `The ${this._noun} cannot be reached.` : error.message);
  }

  _say(text, isLive) {
    this._state.textContent = text;
    this._state.className = isLive ? "dim live" : "dim";
  }
}
