/** Lanes: what waits where, since when, and what holds it. */
import { byId, keyedList, make, say, textRow } from "./node.js";
import { bounded, count, span } from "./words.js";

/** @typedef {import("../look-json.ts").LaneJson} Lane */

/** @param {readonly Lane[] | null} lanes @param {readonly string[]} ready providers that have a key */
export function showLanes(lanes, ready) {
  byId("idle").hidden = ready.length === 0;
  byId("keyless").hidden = ready.length > 0;
  say(byId("ready"), ready.join(", "));
  showRows(lanes);
}

/** @type {(lanes: readonly Lane[] | null) => void} */
const showRows = keyedList(
  "lanes",
  (lane) => lane.lane,
  () => {
    const row = textRow(["name", "n", "n wide", "n", "n", "n wide", "words"]);
    const words = make("span", { class: "standing" });
    row.cells[6]?.append(words);
    return {
      node: row.node,
      /** @param {Lane} lane */
      update(lane) {
        const { backlog, window, running, oldestMs, callsPerMinute } = lane;
        row.say([
          lane.lane,
          bounded(backlog),
          count(window),
          bounded(running),
          oldestMs === null ? "–" : span(oldestMs),
          count(callsPerMinute),
        ]);
        words.dataset["state"] = lane.state;
        say(words, lane.words);
      },
    };
  },
);
