/** Batches: how far each is, and how long it will take. */
import { keyedList, make, say, setAll } from "./node.js";
import { ago, count, percent, span, unknown } from "./words.js";

/** @typedef {import("../look-json.ts").BatchJson} Batch */

/** @type {(batches: readonly Batch[] | null) => void} */
export const showBatches = keyedList(
  "batches",
  (batch) => batch.id,
  (first) => {
    const [ok, bad, under] = ["ok", "bad", "under"].map((name) => make("span", { class: name }));
    const bar = make("div", {
      class: "progress",
      role: "progressbar",
      "aria-label": `Batch ${first.id}`,
      "aria-valuemin": "0",
    });
    for (const part of [ok, bad, under]) if (part !== undefined) bar.append(part);
    const [state, counts, eta] = [
      make("span", { class: "state" }),
      make("span", { class: "counts" }),
      make("span", { class: "eta" }),
    ];
    const head = make(
      "div",
      { class: "batch-head" },
      make("code", { title: first.id }, `${first.id.slice(0, 8)}…${first.id.slice(-6)}`),
      make("span", { class: "tenant" }, `${first.tenant}, ${first.source}`),
      state,
      eta,
    );
    return {
      node: make("li", {}, head, bar, counts),
      /** @param {Batch} batch */
      update(batch) {
        const parts = /** @type {const} */ ([
          [ok, batch.succeeded],
          [bad, batch.failed + batch.cancelled],
          [under, batch.running],
        ]);
        for (const [part, n] of parts)
          part?.style.setProperty("inline-size", `${batch.total === 0 ? 0 : (n / batch.total) * 100}%`);
        const done = batch.succeeded + batch.failed + batch.cancelled;
        setAll(bar, { "aria-valuemax": batch.total, "aria-valuenow": done, "aria-valuetext": progressOf(batch, done) });
        say(state, batch.state);
        state.dataset["state"] = batch.state;
        say(counts, countsOf(batch, done));
        say(eta, endOf(batch));
      },
    };
  },
);

/** @param {Batch} batch @param {number} done */
const progressOf = ({ total, estimated }, done) =>
  `${estimated ? "about " : ""}${count(done)} of ${count(total)} (${total === 0 ? unknown : percent(done / total)})`;

/** @param {Batch} batch @param {number} done */
function countsOf(batch, done) {
  const { failed, cancelled, running, waiting } = batch;
  const about = batch.estimated ? "about " : "";
  return [
    progressOf(batch, done),
    ...(failed > 0 ? [`${about}${count(failed)} failed`] : []),
    ...(cancelled > 0 ? [`${about}${count(cancelled)} cancelled`] : []),
    ...(running > 0 ? [`${count(running)} running`] : []),
    ...(waiting > 0 ? [`${about}${count(waiting)} waiting`] : []),
  ].join(" · ");
}

/** @param {Batch} batch */
function endOf({ endedAgoMs, etaMs, ageMs, state }) {
  if (endedAgoMs !== null) return `ended ${ago(endedAgoMs)}, took ${span(ageMs - endedAgoMs)}`;
  if (state === "accepting") return "lines are coming in";
  return etaMs === null ? "ETA unknown" : `ETA ${span(Math.ceil(etaMs / 1_000) * 1_000).replace(".0 s", " s")}`;
}
