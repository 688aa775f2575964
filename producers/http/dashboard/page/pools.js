/** Limits: one gauge for each, with the mark at which bulk work stops. */
import { keyedList, make, say, setAll } from "./node.js";

/** @typedef {import("../look-json.ts").PoolJson} Pool */
/** @typedef {import("../look-json.ts").GaugeJson} Gauge */

/** @type {(pools: readonly Pool[] | null) => void} */
export const showPools = keyedList(
  "pools",
  (pool) => `${pool.pool} ${pool.gauges.map(({ name }) => name).join()}`,
  (first) => {
    const gauges = first.gauges.map(({ name }) => gaugeNode(first.pool, name));
    const [notes, unlimited] = [make("p", { class: "notes" }), make("p", { class: "unlimited" })];
    return {
      node: make(
        "article",
        { class: "pool" },
        make("h3", {}, first.pool),
        ...gauges.map(({ node }) => node),
        unlimited,
        notes,
      ),
      /** @param {Pool} pool */
      update(pool) {
        for (const [at, gauge] of pool.gauges.entries()) gauges[at]?.update(gauge);
        unlimited.hidden = pool.unlimited.length === 0;
        say(unlimited, `no limit known: ${pool.unlimited.join(", ")}`);
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
    update({ share, used, of: whole }) {
      say(value, used);
      say(of, `of ${whole}`);
      bar.style.setProperty("inline-size", `${share * 100}%`);
      meter.dataset["state"] = share >= nearlyFull ? "full" : "some";
      setAll(meter, { "aria-valuetext": `${used} of ${whole}`, "aria-valuenow": Math.round(share * 100) });
    },
  };
}
