// Says whether the page still hears from the console. Numbers stay as they were; nothing jumps when it returns.
import { useContext, useEffect, useRef, useState } from "react";
import { EventLoopContext } from "$/utils/context";

const WORDS = { live: ["Live", "green"], again: ["Reconnecting", "amber"], lost: ["Offline", "red"] };

function useConnection() {
  const [, errors] = useContext(EventLoopContext);
  const since = useRef(null);
  const [, tick] = useState(0);
  const broken = errors.length > 0;
  if (!broken) since.current = null;
  else if (since.current === null) since.current = new Date();
  useEffect(() => {
    if (!broken) return undefined;
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, [broken]);
  const seconds = broken ? Math.round((Date.now() - since.current) / 1000) : 0;
  return { state: !broken ? "live" : seconds < 60 && navigator.onLine ? "again" : "lost", seconds, since: since.current };
}

export function LiveDot() {
  const { state } = useConnection();
  const [word, tone] = WORDS[state];
  return (
    <span className={`cx-live t-${tone}`} role="status">
      <i aria-hidden="true" />
      {word}
    </span>
  );
}

export function ConnectionLine() {
  const { state, seconds, since } = useConnection();
  if (state === "live") return null;
  const time = since.toLocaleTimeString("en-GB");
  return (
    <div className="cx-callout cx-callout--line t-amber" role="alert">
      <span>
        <b>Connection lost {seconds} s ago.</b> Numbers below are from {time}. It is tried again every 2 s.
      </span>
    </div>
  );
}
