/** Calls over time: figures of the last minute, five minutes in slots, a day in hours, and by model. */
import { drawBars, drawLines } from "./chart.js";
import { byId, keyedList, say, textRow } from "./node.js";
import { ago, bounded, count, counted, percent, short, span, timeOfDay, unknown } from "./words.js";

/** @typedef {import("../look-json.ts").LookJson} Look */
/** @typedef {import("../look-json.ts").HourJson} Hour */
/** @typedef {import("../look-json.ts").ModelJson} Model */

/** @param {Look} look */
export function showNow({ open, minute, slots, dayCost }) {
  figure("open", open === null ? unknown : bounded(open.all), open === null ? "" : openWords(open));
  figure(
    "calls",
    minute === null ? unknown : count(minute.calls),
    minute === null ? "" : failedWords(minute.failed, minute.calls),
  );
  figure(
    "tokens",
    minute === null ? unknown : short(minute.inputTokens + minute.outputTokens),
    minute === null ? "" : `${short(minute.inputTokens)} in, ${short(minute.outputTokens)} out`,
  );
  const p50Ms = minute?.p50Ms ?? null;
  figure(
    "latency",
    p50Ms === null ? (minute?.calls === 0 ? "no calls" : unknown) : span(p50Ms),
    p50Ms === null ? "" : latencyWords(minute),
  );
  figure("cost", minute === null ? unknown : minute.cost, dayCost === null ? "" : `24 h: ${dayCost}`);
  if (slots !== null) showSlots(slots);
}

/** @param {NonNullable<Look["open"]>} open */
function openWords({ running, held, atMost, countedAgoMs }) {
  const parts = [`${bounded(running)} running`];
  if (held.n > 0) parts.push(`${bounded(held)} held`);
  if (atMost !== null) parts.push(`${count(atMost)} at most, counted ${ago(countedAgoMs)}`);
  return parts.join(", ");
}

/** @param {number} failed @param {number} calls */
const failedWords = (failed, calls) =>
  failed === 0 ? "none failed" : `${count(failed)} failed (${percent(failed / Math.max(1, calls))})`;

/** @param {Look["minute"]} minute */
const latencyWords = (minute) =>
  `99th ${span(minute?.p99Ms ?? null)}${minute?.firstTokenP50Ms == null ? "" : `, first token ${span(minute.firstTokenP50Ms)}`}`;

/** @param {string} name @param {string} value @param {string} more */
function figure(name, value, more) {
  const [place, detail] = [
    document.querySelector(`[data-figure="${name}"]`),
    document.querySelector(`[data-more="${name}"]`),
  ];
  if (place !== null) say(place, value);
  if (detail !== null) say(detail, more);
}

/** @param {string} name @param {string} words */
function note(name, words) {
  const place = document.querySelector(`[data-note="${name}"]`);
  if (place !== null) say(place, words);
}

const historySlots = 60;
/** What was seen whole stays known, though newer looks may not reach so far back. @type {Map<number, { calls: number, failed: number }>} */
const seenSlots = new Map();

/** @param {NonNullable<Look["slots"]>} look */
function showSlots({ seconds, fromMs, untilMs, slots }) {
  const slotMs = seconds * 1_000;
  const lastMs = Math.floor(untilMs / slotMs) * slotMs;
  const firstMs = lastMs - (historySlots - 1) * slotMs;
  for (const atMs of seenSlots.keys()) if (atMs < firstMs) seenSlots.delete(atMs);
  for (let atMs = Math.max(fromMs, firstMs); atMs <= lastMs; atMs += slotMs) {
    seenSlots.set(atMs, slots.find((slot) => slot.atMs === atMs) ?? { calls: 0, failed: 0 });
  }
  const points = Array.from({ length: historySlots }, (_, at) => {
    const atMs = firstMs + at * slotMs;
    const slot = seenSlots.get(atMs);
    const when = ago(untilMs - atMs);
    return {
      words:
        slot === undefined
          ? `${when}: ${unknown}`
          : `${when}: ${counted(slot.calls, "call")} in ${seconds} s, ${count(slot.failed)} failed`,
      values: slot === undefined ? [null, null] : [slot.calls - slot.failed, slot.failed],
    };
  });
  const highest = Math.max(...[...seenSlots.values()].map(({ calls }) => calls), 0);
  const words = highest === 0 ? "no calls" : `up to ${counted(highest, "call")} in ${seconds} s`;
  note("slots", words);
  drawBars(byId("slots"), `Calls ended in the last five minutes, ${words}`, ["ok", "bad"], points);
}

const hourMs = 3_600_000;
const dayHours = 24;

/** @param {Look} look */
export function showDay({ hours, models, atMs }) {
  showModels(models);
  if (hours === null) return;
  const lastMs = Math.floor(atMs / hourMs) * hourMs;
  const places = Array.from({ length: dayHours }, (_, at) => lastMs - (dayHours - 1 - at) * hourMs);
  const found = places.map((placeMs) => hours.find((hour) => Math.abs(hour.atMs - placeMs) < hourMs / 2));
  /** @param {(hour: Hour) => readonly number[]} values @param {(hour: Hour) => string} words @param {number | null} none */
  const points = (values, words, none) =>
    found.map((hour, at) => ({
      words: `${timeOfDay(places[at] ?? 0)}: ${hour === undefined ? "no calls" : words(hour)}`,
      values: hour === undefined ? [none, none] : values(hour),
    }));
  /** @param {(hour: Hour) => number} of */
  const sum = (of) => hours.reduce((total, hour) => total + of(hour), 0);
  const callWords = `${counted(
    sum(({ calls }) => calls),
    "call",
  )}, ${count(sum(({ failed }) => failed))} failed`;
  note("calls", callWords);
  drawBars(
    byId("calls"),
    `Calls an hour over 24 hours: ${callWords}`,
    ["ok", "bad"],
    points(
      (hour) => [hour.calls - hour.failed, hour.failed],
      (hour) => `${counted(hour.calls, "call")}, ${count(hour.failed)} failed`,
      0,
    ),
  );
  const latest = hours.at(-1);
  const latency = latest === undefined ? "no calls" : `${span(latest.p50Ms)} and ${span(latest.p99Ms)} this hour`;
  note("latency", latency);
  drawLines(
    byId("latency"),
    `Median and 99th percentile by the hour: ${latency}`,
    ["first", "second"],
    points(
      (hour) => [hour.p50Ms, hour.p99Ms],
      (hour) => `${span(hour.p50Ms)}, 99th ${span(hour.p99Ms)}`,
      null,
    ),
  );
  const tokens = `${short(sum(({ inputTokens }) => inputTokens))} in, ${short(sum(({ outputTokens }) => outputTokens))} out`;
  note("tokens", tokens);
  drawBars(
    byId("tokens"),
    `Tokens an hour over 24 hours: ${tokens}`,
    ["first", "second"],
    points(
      (hour) => [hour.inputTokens, hour.outputTokens],
      (hour) => `${short(hour.inputTokens)} in, ${short(hour.outputTokens)} out`,
      0,
    ),
  );
  const cost = latest === undefined ? "no calls" : `${latest.cost} this hour`;
  note("cost", cost);
  // Only the height of a bar: what is written is exact.
  drawBars(
    byId("cost"),
    `Cost an hour over 24 hours: ${cost}`,
    ["first"],
    points(
      (hour) => [Number(hour.costNanoUsd)],
      (hour) => hour.cost,
      0,
    ),
  );
  byId("hours-details").hidden = hours.length === 0;
  showRows([...hours].reverse());
}

/** @type {(models: readonly Model[] | null) => void} */
const showModels = keyedList(
  "models",
  (model) => `${model.provider} ${model.model}`,
  () => {
    const row = textRow(["name", "", "n", "n", "n wide", "n wide", "n", "n wide", "n wide", "n"]);
    return {
      node: row.node,
      /** @param {Model} model */
      update: (model) =>
        row.say([
          model.model,
          model.provider,
          count(model.calls),
          percent(model.succeeded / Math.max(1, model.calls)),
          short(model.inputTokens),
          short(model.outputTokens),
          span(model.p50Ms),
          span(model.p99Ms),
          model.firstTokenMs === null ? "–" : span(model.firstTokenMs),
          model.cost,
        ]),
    };
  },
);

/** @type {(hours: readonly Hour[] | null) => void} */
const showRows = keyedList(
  "hours",
  (hour) => String(hour.atMs),
  () => {
    const row = textRow(["name", "n", "n", "n", "n", "n", "n", "n"]);
    return {
      node: row.node,
      /** @param {Hour} hour */
      update: (hour) =>
        row.say([
          timeOfDay(hour.atMs),
          count(hour.calls),
          count(hour.failed),
          count(hour.inputTokens),
          count(hour.outputTokens),
          span(hour.p50Ms),
          span(hour.p99Ms),
          hour.cost,
        ]),
    };
  },
);
