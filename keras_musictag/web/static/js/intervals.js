/** A metric with its interval: the number, the interval in words, and both drawn on the axis that its column shares. */

import { el, svg } from "./dom.js";
import { metricName, score } from "./format.js";

const WIDTH = 100;

/** The axis that holds all intervals of a column, with a little room: [from, to]. */
export function sharedAxis(intervals) {
  const known = intervals.filter((one) => Number.isFinite(one?.value));
  if (!known.length) return [0, 1];
  const low = Math.min(...known.map((one) => one.low ?? one.value));
  const high = Math.max(...known.map((one) => one.high ?? one.value));
  const room = Math.max(0.02, (high - low) * 0.08);
  return [low - room, high + room];
}

/** @param {{value: number, low?: number, high?: number}} interval */
export function intervalCell(interval, [from, to]) {
  if (!Number.isFinite(interval?.value)) return "–";
  const x = (value) => Math.max(0, Math.min(WIDTH, ((value - from) / (to - from)) * WIDTH));
  const bounded = Number.isFinite(interval.low) && Number.isFinite(interval.high);
  const range = bounded ? svg("line", { class: "range", x1: x(interval.low), x2: x(interval.high), y1: 5, y2: 5 }) : null;
  const dot = svg("rect", { class: "value", x: x(interval.value) - 1.25, y: 0.5, width: 2.5, height: 9 });
  return el(
    "div",
    { class: "interval" },
    el(
      "span",
      {},
      score(interval.value, 3),
      " ",
      bounded ? el("small", { text: `${score(interval.low, 3)} – ${score(interval.high, 3)}` }) : null,
    ),
    svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} 10`, preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" },
      svg("line", { class: "axis", x1: 0, x2: WIDTH, y1: 5, y2: 5 }),
      range,
      dot,
    ),
  );
}

/** Columns of a sortable table for those metrics that any row has. `metricsOf(row)` maps names to intervals. */
export function metricColumns(rows, names, metricsOf) {
  return names
    .filter((name) => rows.some((row) => Number.isFinite(metricsOf(row)[name]?.value)))
    .map((name) => {
      const axis = sharedAxis(rows.map((row) => metricsOf(row)[name]));
      return {
        label: metricName(name),
        number: true,
        key: (row) => metricsOf(row)[name]?.value ?? null,
        cell: (row) => intervalCell(metricsOf(row)[name], axis),
      };
    });
}
