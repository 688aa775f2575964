/** Circuits: how they stand, what became of them within the hour, and their latest changes. */
import { draw, keyedList, make, say, setAll, textRow } from "./node.js";
import { ago, count, span, timeOfDay } from "./words.js";

/** @typedef {import("../look-json.ts").CircuitJson} Circuit */
/** @typedef {import("../look-json.ts").CircuitEventJson} CircuitEvent */

const hourMs = 3_600_000;
const [width, height, least] = [120, 10, 3];

/** @param {readonly Circuit[] | null} circuits @param {readonly CircuitEvent[] | null} events */
export function showCircuits(circuits, events) {
  showStates(circuits);
  showEvents(events);
}

/** @type {(circuits: readonly Circuit[] | null) => void} */
const showStates = keyedList(
  "circuits",
  (circuit) => circuit.deployment,
  () => {
    const row = textRow(["name", "words", "n", "n", "strip wide", "words next"]);
    const state = make("span", { class: "standing" });
    const strip = draw("svg", {
      class: "history",
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      role: "img",
      preserveAspectRatio: "none",
    });
    row.cells[1]?.append(state);
    row.cells[4]?.append(strip);
    return {
      node: row.node,
      /** @param {Circuit} circuit */
      update(circuit) {
        const { cells } = row;
        const failed = circuit.calls === 0 ? "no calls" : `${count(circuit.failures)} of ${count(circuit.calls)}`;
        const next = circuit.reason === null ? circuit.next : `${circuit.reason}; ${circuit.next}`;
        for (const [at, text] of /** @type {const} */ ([
          [0, circuit.deployment],
          [2, circuit.sinceMs === null ? "–" : span(circuit.sinceMs)],
          [3, failed],
          [5, next],
        ])) {
          const cell = cells[at];
          if (cell !== undefined) say(cell, text);
        }
        say(state, circuit.state);
        state.dataset["state"] = circuit.isBad ? "blocked" : "moving";
        drawHistory(strip, circuit.history);
      },
    };
  },
);

/** @param {Element} strip @param {Circuit["history"]} history */
function drawHistory(strip, history) {
  const begun = history[0]?.fromMs ?? 0;
  const x = (/** @type {number} */ atMs) => Math.min(1, Math.max(0, (atMs - begun) / hourMs)) * width;
  const parts = history.map((part, at) => ({
    from: x(part.fromMs),
    until: x(history[at + 1]?.fromMs ?? begun + hourMs),
    state: part.state ?? "unknown",
  }));
  setAll(strip, {
    "aria-label": history.map(({ fromMs, state }) => `${state ?? "unknown"} from ${timeOfDay(fromMs)}`).join(", "),
  });
  const drawn = JSON.stringify(parts);
  if (strip.getAttribute("data-drawn") === drawn) return;
  strip.setAttribute("data-drawn", drawn);
  strip.replaceChildren(
    ...parts.map(({ from, until, state }) =>
      // A short opening is seen, too, and one that has only just begun.
      draw("rect", {
        x: Math.min(from, width - least),
        y: 0,
        height,
        width: Math.max(least, until - from),
        "data-state": state,
      }),
    ),
  );
}

/** @type {(events: readonly CircuitEvent[] | null) => void} */
const showEvents = keyedList(
  "events",
  (event) => event.id,
  (first) => {
    const when = make("span", { class: "when" });
    const way = make("span", { class: "way" }, first.from, " → ", make("b", {}, first.to));
    const why = make("span", { class: "why" }, `${first.reason}${first.by === "operator" ? " (operator)" : ""}`);
    return {
      node: make("li", {}, when, make("span", { class: "name" }, first.target), way, why),
      /** @param {CircuitEvent} event */
      update: (event) => say(when, ago(event.agoMs)),
    };
  },
);
