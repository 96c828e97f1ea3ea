/** Plots by uPlot (the global that its script defines), in the colours of the theme, with values on hover. */

import { el } from "./dom.js";
import { seriesColour, seriesPath, symbol } from "./symbols.js";
import { colour, onTheme } from "./theme.js";

const HEIGHT_PX = 290;

/**
 * @typedef {Object} Point
 * @property {number} x
 * @property {number} y
 * @property {number} [low]
 * @property {number} [high]
 * @property {string} text what the tip says
 */

/**
 * A figure with a plot of series of points.
 * @param {Object} options
 * @param {string} options.title
 * @param {string} options.xLabel with the unit
 * @param {string} options.yLabel
 * @param {boolean} [options.logX]
 * @param {string[]} [options.xNames] names of x = 0, 1, ... if x is no quantity
 * @param {boolean} options.lines whether points of a series are joined
 * @param {{name: string, points: Point[]}[]} options.series
 */
export function chart(options) {
  const tip = el("div", { class: "tip", hidden: true, "aria-hidden": "true" });
  const plot = el("div", { class: "plot", role: "img", "aria-label": describe(options) }, tip);
  const key = el("ul", { class: "key" }, options.series.map(({ name }, index) => el("li", {}, symbol(index), name)));
  let drawn = null;
  const draw = () => {
    drawn?.destroy();
    drawn = null;
    if (!plot.clientWidth) return; // in a view that is hidden: drawn when it is shown
    drawn = new uPlot(settings(options, plot.clientWidth, tip), columns(options.series), plot);
  };
  const observer = new ResizeObserver(() => {
    if (drawn && plot.clientWidth) drawn.setSize({ width: plot.clientWidth, height: HEIGHT_PX });
    else draw();
  });
  observer.observe(plot);
  const stop = onTheme(draw);
  return {
    node: el("figure", { class: "chart" }, el("figcaption", { text: options.title }), plot, key),
    destroy() {
      observer.disconnect();
      stop();
      drawn?.destroy();
    },
  };
}

/** uPlot takes one common list of x, and one list of y for each series, null where a series has no point. */
function columns(series) {
  const all = [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b);
  return [all, ...series.map(({ points }) => all.map((x) => points.find((point) => point.x === x)?.y ?? null))];
}

function settings({ xLabel, yLabel, logX, xNames, lines, series }, width, tip) {
  const points = series.flatMap(({ points: own, name }, index) => own.map((point) => ({ ...point, name, index })));
  const axis = {
    stroke: colour("muted"),
    grid: { stroke: colour("line"), width: 1 },
    ticks: { stroke: colour("line"), width: 1 },
    font: "12px system-ui, sans-serif",
    labelFont: "12px system-ui, sans-serif",
    labelSize: 20,
  };
  const values = points.flatMap(({ y, low, high }) => [low ?? y, high ?? y]);
  const room = 0.06 * (Math.max(...values) - Math.min(...values)) || 0.05;
  const xs = points.map(({ x }) => x);
  const xRange = logX
    ? [Math.min(...xs) / 1.5, Math.max(...xs) * 1.5]
    : [Math.min(...xs) - 0.15, Math.max(...xs) + 0.15];
  return {
    width,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { show: false } },
    scales: {
      x: { time: false, distr: logX ? 3 : 1, range: () => xRange },
      y: { range: () => [Math.min(...values) - room, Math.max(...values) + room] },
    },
    axes: [
      {
        ...axis,
        label: xLabel,
        values: xNames ? (_, splits) => splits.map((x) => xNames[x] ?? "") : (_, splits) => splits.map(plain),
        ...(xNames ? { splits: () => xNames.map((_, x) => x) } : {}),
        ...(logX ? { splits: () => logSplits(...xRange), filter: (_, splits) => splits } : {}),
      },
      { ...axis, label: yLabel, size: 56 },
    ],
    series: [
      {},
      ...series.map(({ name }, index) => ({
        label: name,
        stroke: colour(seriesColour(index)),
        width: lines ? 2 : 0,
        points: { show: false }, // drawn below, each series with its own shape
        spanGaps: true,
      })),
    ],
    hooks: {
      draw: [(u) => points.forEach((point) => drawPoint(u, point))],
      setCursor: [(u) => showTip(u, points, tip)],
    },
  };
}

/** Round numbers on a logarithmic axis: 1, 2, 5, 10, ..., or only some of them where they would be many. */
function logSplits(low, high) {
  const decades = Math.log10(high / low);
  const steps = decades < 1.5 ? [1, 2, 5] : decades < 3 ? [1, 3] : [1];
  const from = Math.floor(Math.log10(low));
  const all = Array.from({ length: Math.ceil(decades) + 2 }, (_, i) => steps.map((step) => step * 10 ** (from + i)));
  return all.flat().filter((value) => value >= low && value <= high);
}

function plain(value) {
  if (value === null || value === undefined) return "";
  if (value >= 1e9) return `${value / 1e9} G`;
  if (value >= 1e6) return `${value / 1e6} M`;
  return value >= 1e3 ? `${value / 1e3} k` : String(Number(value.toPrecision(6)));
}

function drawPoint(u, { x, y, low, high, index }) {
  const { ctx } = u;
  const left = u.valToPos(x, "x", true);
  const top = u.valToPos(y, "y", true);
  ctx.save();
  ctx.fillStyle = colour(seriesColour(index));
  ctx.strokeStyle = ctx.fillStyle;
  ctx.lineWidth = 1.5 * devicePixelRatio;
  if (Number.isFinite(low) && Number.isFinite(high)) {
    ctx.globalAlpha = 0.55;
    ctx.beginPath();
    ctx.moveTo(left, u.valToPos(low, "y", true));
    ctx.lineTo(left, u.valToPos(high, "y", true));
    ctx.stroke();
    ctx.globalAlpha = 1;
  }
  const scale = (9 / 14) * devicePixelRatio;
  ctx.translate(left - 7 * scale, top - 7 * scale);
  ctx.scale(scale, scale);
  ctx.fill(new Path2D(seriesPath(index)));
  ctx.restore();
}

/** Says the values of the point nearest to the mouse, if one is near. */
function showTip(u, points, tip) {
  const { left, top } = u.cursor;
  const near = points
    .map((point) => ({ point, x: u.valToPos(point.x, "x"), y: u.valToPos(point.y, "y") }))
    .map((place) => ({ ...place, distance: Math.hypot(place.x - left, place.y - top) }))
    .reduce((best, place) => (place.distance < best.distance ? place : best), { distance: 40 });
  tip.hidden = !near.point || left < 0;
  if (tip.hidden) return;
  tip.replaceChildren(el("strong", { text: near.point.name }), el("span", { text: near.point.text }));
  const x = near.x + u.bbox.left / devicePixelRatio;
  tip.classList.toggle("left", x > u.width * 0.6);
  tip.style.left = `${x}px`;
  tip.style.top = `${near.y + u.bbox.top / devicePixelRatio + 10}px`;
}

function describe({ title, series, yLabel }) {
  const parts = series.map(({ name, points }) => `${name}: ${points.map(({ text }) => text).join("; ")}`);
  return `${title}. ${yLabel} by model. ${parts.join(". ")}`;
}
