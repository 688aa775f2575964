/** The connection to the server: it comes again by itself, and says when what is shown is old. */
import { byId, say } from "./node.js";

const retryMs = 3_000;
const lateMs = 8_000;

/** @param {(look: import("../look-json.ts").LookJson) => void} show called with every look */
export function follow(show) {
  let lastAt = performance.now();
  /** @type {EventSource | undefined} */
  let source;
  const connect = () => {
    source = new EventSource("/dashboard/events");
    source.addEventListener("look", (event) => {
      lastAt = performance.now();
      tell("live", "live");
      show(JSON.parse(event.data));
    });
    source.addEventListener("error", () => {
      if (source?.readyState === EventSource.CLOSED) void again();
    });
  };
  const again = async () => {
    // Refused, not broken: the page itself says whether that is for want of a key.
    const answer = await fetch("/", { headers: { accept: "text/html" } }).catch(() => undefined);
    if (answer?.redirected) location.assign(answer.url);
    else
      setTimeout(() => {
        if (!document.hidden && source?.readyState === EventSource.CLOSED) connect();
      }, retryMs);
  };
  setInterval(() => {
    const silentMs = performance.now() - lastAt;
    if (silentMs > lateMs) tell("late", `no news for ${Math.round(silentMs / 1_000)} s`);
  }, 1_000);
  // Nobody looks at a page in the background, so nobody need tell it anything.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) source?.close();
    else if (source?.readyState === EventSource.CLOSED) connect();
  });
  connect();
}

/** @param {string} state @param {string} words */
function tell(state, words) {
  const place = byId("live");
  place.dataset["state"] = state;
  say(place, words);
}
