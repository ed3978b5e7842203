// The timeline of one person. The server sends the newest page again and again, and older pages as they are asked for;
// here they are put together, so that a long history costs the server no more than a page. What comes while somebody
// reads further down is held, so that nothing moves under their eyes.
import { Children, memo, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { Link } from "react-router";

const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR;
const listeners = new Set();
setInterval(() => listeners.forEach((tell) => tell()), SECOND);
const listen = (tell) => {
  listeners.add(tell);
  return () => listeners.delete(tell);
};
const clock = (at) => new Date(at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
const exact = (at) => new Date(at).toLocaleString("en-GB", { dateStyle: "full", timeStyle: "long" });
const midnight = (at) => new Date(at).setHours(0, 0, 0, 0);

function ago(at) {
  const age = Date.now() - at;
  if (age < -SECOND || age >= DAY) return "";
  if (age < 2 * SECOND) return "now";
  if (age < MINUTE) return `${Math.floor(age / SECOND)} s`;
  return age < HOUR ? `${Math.floor(age / MINUTE)} min` : `${Math.floor(age / HOUR)} h`;
}

function dayWords(day) {
  const today = midnight(Date.now());
  if (day === today) return "Today";
  if (day === midnight(today - DAY / 2)) return "Yesterday";
  const date = new Date(day);
  const parts = { weekday: "long", day: "numeric", month: "long" };
  return date.toLocaleDateString("en-GB", date.getFullYear() === new Date().getFullYear() ? parts : { ...parts, year: "numeric" });
}

/** How long ago, ticking: "12 s", "5 min", "3 h", then the day. */
export function Ago({ at }) {
  const short = () => ago(at) || new Date(at).toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  const words = useSyncExternalStore(listen, short, () => "");
  return <time dateTime={at ? new Date(at).toISOString() : ""} title={at ? exact(at) : ""}>{at ? words : ""}</time>;
}

function Time({ at }) {
  const words = useSyncExternalStore(listen, () => (Date.now() - at < HOUR && ago(at)) || clock(at), () => "");
  return <time dateTime={new Date(at).toISOString()} title={exact(at)}>{words}</time>;
}

function Detail({ detail, onErase }) {
  if (!detail) return <p className="cx-event-detail cx-dim" role="status">Reading…</p>;
  return (
    <div className="cx-event-detail">
      <dl className="cx-facts">
        {detail.facts.map(([label, value]) => (
          <div key={label}><dt>{label}</dt><dd>{value}</dd></div>
        ))}
      </dl>
      {detail.href && <Link className="cx-link" to={detail.href}>Why, step by step</Link>}
      {detail.note > 0 && <button type="button" className="cx-link" onClick={() => onErase(detail.note)}>Erase the text…</button>}
      {detail.data && <pre tabIndex={0} aria-label="Data of the event">{detail.data}</pre>}
    </div>
  );
}

const Row = memo(function Row({ row, icon, isOpen, detail, onOpen, onErase }) {
  return (
    <li data-event={row.id} className={row.fresh ? "cx-fresh" : undefined}>
      <Time at={row.at} />
      <span className={`cx-timeline-icon${row.tone ? ` t-${row.tone}` : ""}`}>{icon}</span>
      <div className="cx-event">
        <button type="button" className="cx-plain cx-strong" aria-expanded={isOpen} onClick={() => onOpen(row.id)}>{row.title}</button>
        {row.detail && <div className="cx-dim cx-small">{row.detail}</div>}
        {isOpen && <Detail detail={detail} onErase={onErase} />}
      </div>
      <span className="cx-event-end">{row.badge && <span className={`cx-badge t-${row.tone || "gray"}`}>{row.badge}</span>}</span>
    </li>
  );
});

const order = (a, b) => b.at - a.at || b.id - a.id;
const merge = (rows, more) => [...new Map([...rows, ...more].map((row) => [row.id, row])).values()].sort(order);
// So many rows grow at the top, or wait to be shown. Then the list begins anew with the newest page, and what is older is
// read again when it is scrolled to: else a customer to whom much happens slows the page down, and it falls behind.
const MOST = 200;
const EMPTY = { key: null, rows: [], next: "", held: [], gap: false };

function useSight(initially, margin) {
  const [seen, setSeen] = useState(initially);
  const mark = useRef(null);
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => setSeen(entry.isIntersecting), { rootMargin: margin });
    observer.observe(mark.current);
    return () => observer.disconnect();
  }, []);
  return [mark, seen];
}

/** Puts pages together: {rows, next, held}. Held rows are shown when `release` is called. */
function usePages(newest, older, isHolding) {
  const [pages, setPages] = useState(EMPTY);
  const holding = useRef(isHolding);
  holding.current = isHolding;
  useEffect(() => {
    setPages((now) => {
      const key = `${newest.person} ${newest.only}`;
      if (now.key !== key) return { ...EMPTY, key, rows: newest.rows, next: newest.next };
      const known = new Set([...now.rows, ...now.held].map((row) => row.id));
      const fresh = newest.rows.filter((row) => !known.has(row.id)).map((row) => ({ ...row, fresh: true }));
      const told = newest.rows.filter((row) => known.has(row.id));
      // more came at once than a page holds: what lies between is read again when it is scrolled to
      const gap = now.gap || (known.size > 0 && told.length === 0 && fresh.length > 0);
      const again = (rows) => rows.map((row) => told.find((one) => one.id === row.id) ?? row);
      if (holding.current && fresh.length + now.held.length) {
        const held = merge(now.held, fresh);
        const isLong = held.length > MOST;
        return { ...now, rows: again(now.rows), held: isLong ? held.slice(0, newest.rows.length) : held, gap: gap || isLong };
      }
      if (gap || (fresh.length && now.rows.length + fresh.length > MOST)) return { ...EMPTY, key, rows: newest.rows, next: newest.next };
      return { ...now, rows: merge(again(now.rows), fresh), held: [] };
    });
  }, [newest]);
  useEffect(() => {
    setPages((now) => {
      if (now.key !== `${older.person} ${older.only}` || older.before !== now.next || !older.before) return now;
      return { ...now, rows: merge(now.rows, older.rows), next: older.next };
    });
  }, [older]);
  const release = () => setPages((now) => (now.gap ? { ...EMPTY, key: now.key, rows: newest.rows, next: newest.next } : { ...now, rows: merge(now.rows, now.held), held: [] }));
  return [pages, release];
}

export function EventTimeline({ newest, older, detail, filters, children, onOlder, onOpen, onOnly, onErase }) {
  const [top, atTop] = useSight(true, "8px");
  const [end, atEnd] = useSight(false, "400px");
  const [isLive, setLive] = useState(true);
  const [open, setOpen] = useState(null);
  const root = useRef(null);
  const isHolding = !isLive || !atTop;
  const [pages, release] = usePages(newest, older, isHolding);
  const { key, rows, next, held } = pages;
  const icons = Object.fromEntries(Children.toArray(children).map((child) => [child.props["data-icon"], child]));
  useEffect(() => {
    setOpen(null);
    root.current.scrollTop = 0;
  }, [key]);
  useEffect(() => {
    if (!next || !atEnd) return;
    const soon = setTimeout(() => onOlder(next), 100); // the end of an empty list is in sight until its rows are laid out
    return () => clearTimeout(soon);
  }, [next, atEnd]);
  useEffect(() => {
    if (isLive && atTop && held.length) release();
  }, [isLive, atTop]);
  const choose = useRef(null);
  choose.current = (id) => {
    setOpen((now) => (now === id ? null : id));
    if (open !== id) onOpen(id);
  };
  const toggle = useRef((id) => choose.current(id)).current;
  const showNew = () => {
    release();
    setLive(true);
    top.current.scrollIntoView({ block: "end" });
    root.current.scrollTop = 0;
  };
  const days = [];
  for (const row of rows) {
    const day = midnight(row.at);
    if (days.at(-1)?.day !== day) days.push({ day, rows: [] });
    days.at(-1).rows.push(row);
  }
  const count = pages.gap ? "50+" : held.length;
  return (
    <div className="cx-history" ref={root}>
      <div className="cx-history-bar">
        <div className="cx-segments cx-segments--icons" role="group" aria-label="Show only">
          {filters.map(([only, word, icon]) => (
            <button key={only} type="button" aria-pressed={newest.only === only} title={word} aria-label={word} onClick={() => onOnly(only)}>
              {icon ? icons[icon] : word}
            </button>
          ))}
        </div>
        <span className="cx-dim cx-small" role="status">{isLive ? (atTop ? "" : "Held while you read") : "Stopped"}</span>
        <button type="button" className="cx-icon-btn" aria-pressed={isLive} title={isLive ? "Stop showing new events" : "Show new events as they come"} aria-label="Live" onClick={() => setLive(!isLive)}>
          {icons[isLive ? "pause" : "play"]}
        </button>
      </div>
      <span ref={top} className="cx-history-mark" />
      <div className="cx-history-news" role="status">
        {held.length > 0 && (
          <button type="button" className="cx-news" onClick={showNew}>
            {icons["arrow-up"]}
            {count} new {count === 1 ? "event" : "events"}
          </button>
        )}
      </div>
      {days.map(({ day, rows }) => (
        <section key={day}>
          <h3 className="cx-day">{dayWords(day)}</h3>
          <ol className="cx-timeline">
            {rows.map((row) => (
              <Row key={row.id} row={row} icon={icons[row.icon] ?? icons.globe} isOpen={open === row.id} detail={open === row.id && detail.id === row.id ? detail : null} onOpen={toggle} onErase={onErase} />
            ))}
          </ol>
        </section>
      ))}
      {!next && <p className="cx-dim cx-small cx-history-end">{rows.length ? "This is the beginning." : newest.only ? "Nothing of this kind." : newest.person ? "Nothing has happened yet." : ""}</p>}
      {next && <p className="cx-dim cx-small cx-history-end" role="status">Reading older events…</p>}
      <span ref={end} className="cx-history-mark" />
    </div>
  );
}
