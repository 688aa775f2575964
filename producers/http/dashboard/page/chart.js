/** Small charts, drawn by hand: bars on one another, or lines. Each has a place for every moment, so that nothing moves about. */
import { draw, setAll } from "./node.js";

const [width, height] = [240, 48];

/**
 * @typedef {object} Point
 * @property {string} words what a pointer is told
 * @property {readonly (number | null)[]} values one for each series; null where nothing is known
 */

/**
 * @param {Element} svg
 * @param {string} label
 * @param {readonly string[]} series classes, from the bottom to the top
 * @param {readonly Point[]} points
 */
export function drawBars(svg, label, series, points) {
  const highest = Math.max(
    ...points.map(({ values }) => values.reduce((/** @type {number} */ sum, one) => sum + (one ?? 0), 0)),
    0,
  );
  const step = width / points.length;
  drawOnce(svg, label, points, () =>
    points.map((point, at) => {
      let y = height;
      const bars = series.flatMap((name, which) => {
        const value = point.values[which] ?? 0;
        if (value <= 0 || highest === 0) return [];
        const tall = Math.max(1, (value / highest) * (height - 2));
        y -= tall;
        return [
          draw("rect", {
            class: name,
            x: round(at * step),
            y: round(y),
            width: round(step * 0.8),
            height: round(tall),
          }),
        ];
      });
      return hover(point, at, step, bars);
    }),
  );
}

/**
 * @param {Element} svg
 * @param {string} label
 * @param {readonly string[]} series
 * @param {readonly Point[]} points
 */
export function drawLines(svg, label, series, points) {
  const highest = Math.max(...points.flatMap(({ values }) => values.map((one) => one ?? 0)), 0);
  const step = width / points.length;
  const y = (/** @type {number} */ value) => round(height - 2 - (highest === 0 ? 0 : (value / highest) * (height - 4)));
  drawOnce(svg, label, points, () => [
    ...series.flatMap((name, which) =>
      runsOf(points, which).map((run) =>
        draw("polyline", {
          class: name,
          // A moment between two that are unknown is a short line, not nothing.
          points: run
            .flatMap(({ at, value }) =>
              [at * step + step * 0.1, at * step + step * 0.9].map((x) => `${round(x)},${y(value)}`),
            )
            .join(" "),
        }),
      ),
    ),
    ...points.map((point, at) => hover(point, at, step, [])),
  ]);
}

/** Neighbours that are known. @param {readonly Point[]} points @param {number} which */
function runsOf(points, which) {
  /** @type {{ at: number, value: number }[][]} */
  const runs = [[]];
  for (const [at, { values }] of points.entries()) {
    const value = values[which] ?? null;
    if (value === null) runs.push([]);
    else runs.at(-1)?.push({ at, value });
  }
  return runs.filter((run) => run.length > 0);
}

/** @param {Point} point @param {number} at @param {number} step @param {readonly Node[]} bars */
function hover(point, at, step, bars) {
  const title = draw("title");
  title.textContent = point.words;
  return draw(
    "g",
    {},
    draw("rect", { class: "moment", x: round(at * step), y: 0, width: round(step), height }),
    ...bars,
    title,
  );
}

/** @param {Element} svg @param {string} label @param {readonly Point[]} points @param {() => readonly Node[]} paint */
function drawOnce(svg, label, points, paint) {
  setAll(svg, { viewBox: `0 0 ${width} ${height}`, "aria-label": label });
  const drawn = JSON.stringify(points);
  if (svg.getAttribute("data-drawn") === drawn) return;
  svg.setAttribute("data-drawn", drawn);
  svg.replaceChildren(...paint());
}

/** @param {number} value */
const round = (value) => Math.round(value * 100) / 100;
