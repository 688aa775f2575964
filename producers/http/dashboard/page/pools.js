/** Limits: one gauge for each, with the mark at which bulk work stops. */
import { keyedList, make, say, setAll } from "./node.js";
import { percent, unknown } from "./words.js";

/** @typedef {import("../look-json.ts").PoolJson} Pool */
/** @typedef {import("../look-json.ts").GaugeJson} Gauge */

/** @type {(pools: readonly Pool[] | null) => void} */
export const showPools = keyedList(
  "pools",
  (pool) => `${pool.pool} ${pool.gauges.map(({ name }) => name).join()}`,
  (first) => {
    const gauges = first.gauges.map(({ name }) => gaugeNode(first.pool, name));
    const notes = make("p", { class: "notes" });
    return {
      node: make("article", { class: "pool" }, make("h3", {}, first.pool), ...gauges.map(({ node }) => node), notes),
      /** @param {Pool} pool */
      update(pool) {
        for (const [at, gauge] of pool.gauges.entries()) gauges[at]?.update(gauge);
        notes.hidden = pool.notes.length === 0;
        say(notes, pool.notes.join("; "));
      },
    };
  },
);

const nearlyFull = 0.78;

/** @param {string} pool @param {string} name */
function gaugeNode(pool, name) {
  const bar = make("span", { class: "fill" });
  const limits = { "aria-label": `${pool}, ${name} used`, "aria-valuemin": "0", "aria-valuemax": "100" };
  const meter = make("div", { class: "meter", role: "meter", ...limits }, bar);
  const [value, of] = [make("b"), make("span")];
  const words = make("p", {}, make("span", {}, name), make("span", {}, value, " ", of));
  return {
    node: make("div", { class: "gauge" }, words, meter),
    /** @param {Gauge} gauge */
    update({ share, of: whole }) {
      // Without a limit there is nothing to measure by, and the words say so.
      meter.hidden = share === null;
      say(value, share === null ? unknown : percent(share));
      say(of, share === null ? whole : `of ${whole}`);
      if (share === null) return;
      bar.style.setProperty("inline-size", `${share * 100}%`);
      meter.dataset["state"] = share >= nearlyFull ? "full" : "some";
      setAll(meter, { "aria-valuetext": `${percent(share)} of ${whole}`, "aria-valuenow": Math.round(share * 100) });
    },
  };
}
