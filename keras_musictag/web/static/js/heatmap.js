/** The taggram as a heat map on a canvas: one row per tag, time from left to right, on the axis of the waveform above. */

import { ramp, stepOf } from "./colormap.js";
import { el } from "./dom.js";
import { clock, score } from "./format.js";
import { GROUP_NAMES, pageGroup } from "./groups.js";
import { colour, onTheme, theme } from "./theme.js";

export const ROW_PX = 22;
const GAP_PX = 4; // between rows; the line of what is present is drawn in its middle

/**
 * @param {Object} options
 * @param {(seconds: number) => void} options.onSeek a click on the canvas
 * @param {(tag: number) => void} options.onTag a click on a tag's name
 */
export function createHeatmap({ onSeek, onTag }) {
  const names = el("div", { class: "tag-names" });
  const canvas = el("canvas", { class: "heat", role: "img", "aria-label": "Taggram" });
  const tip = el("div", { class: "tip", hidden: true, "aria-hidden": "true" });
  const plot = el("div", { class: "heat-plot" }, canvas, tip);
  let taggram = null;
  let order = [];
  let seconds = 0;
  let top = 1;
  let waiting = 0;

  function draw() {
    waiting = 0;
    const width = Math.round(plot.clientWidth * devicePixelRatio);
    if (!taggram || !width || !seconds) return;
    const row = Math.round(ROW_PX * devicePixelRatio);
    const gap = Math.round(GAP_PX * devicePixelRatio);
    canvas.width = width;
    canvas.height = row * order.length;
    canvas.style.height = `${ROW_PX * order.length}px`;
    const context = canvas.getContext("2d");
    const columns = columnScores(taggram, width, seconds);
    const colours = ramp(theme());
    const image = context.createImageData(width, canvas.height);
    const pixels = new Uint32Array(image.data.buffer);
    const ink = packed(hexToRgb(colour("ink")));
    const empty = packed(hexToRgb(colour("sunken")));
    order.forEach((tag, place) => {
      for (let x = 0; x < width; x += 1) {
        const value = columns[x]?.[tag];
        const step = value === undefined ? 0 : 3 * stepOf(value, top);
        const fill = value === undefined ? empty : packed(colours.subarray(step, step + 3));
        const present = value !== undefined && taggram.isPresent(tag, value);
        for (let y = 0; y < row; y += 1) {
          if (y < row - gap) pixels[(place * row + y) * width + x] = fill;
          else if (present && y >= row - 0.75 * gap && y < row - 0.25 * gap) pixels[(place * row + y) * width + x] = ink;
        }
      }
    });
    context.putImageData(image, 0, 0);
    canvas.setAttribute("aria-label", describe(taggram, seconds));
  }

  /** Draws once per frame, however often it is asked. */
  function redraw() {
    waiting ||= requestAnimationFrame(draw);
  }

  function cellAt(event) {
    const box = canvas.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width;
    const place = Math.floor((event.clientY - box.top) / ROW_PX);
    return { x, place, time: x * seconds, tag: order[place] };
  }

  canvas.addEventListener("click", (event) => taggram && onSeek(cellAt(event).time));
  canvas.addEventListener("pointerleave", () => (tip.hidden = true));
  canvas.addEventListener("pointermove", (event) => {
    const { x, place, time, tag } = cellAt(event);
    const chunk = taggram?.chunkAt(time) ?? -1;
    tip.hidden = chunk < 0 || tag === undefined || time > taggram.reached;
    if (tip.hidden) return;
    tip.replaceChildren(...tipContent(taggram, tag, chunk));
    tip.classList.toggle("left", x > 0.6);
    tip.style.left = `${100 * x}%`;
    tip.style.top = `${(place + 1) * ROW_PX + 4}px`;
  });
  const observer = new ResizeObserver(redraw);
  observer.observe(plot);
  const stop = onTheme(redraw);

  return {
    names,
    plot,
    /** Shows no taggram; the rows keep their height. */
    clear() {
      taggram = null;
      tip.hidden = true;
      names.replaceChildren();
      canvas.width = 0;
      canvas.setAttribute("aria-label", "Taggram");
    },
    /** Lets go of the taggram, which a theme's listener would keep. */
    destroy() {
      observer.disconnect();
      stop();
    },
    /** Shows some tags (indices, in an order) of a taggram over `length` seconds; colours reach from 0 to `highest`. */
    show(newTaggram, tags, length, highest) {
      const same = newTaggram === taggram && tags.length === order.length && tags.every((tag, i) => tag === order[i]);
      taggram = newTaggram;
      order = tags;
      seconds = length;
      top = highest;
      if (!same) names.replaceChildren(...nameButtons(taggram, order, onTag));
      plot.style.minHeight = `${ROW_PX * order.length}px`;
      redraw();
    },
  };
}

/** The scores to draw in each column of pixels: the highest of each tag where a column covers several chunks. */
function columnScores(taggram, width, seconds) {
  const columns = new Array(width);
  for (let chunk = 0; chunk < taggram.length; chunk += 1) {
    const row = taggram.rows[chunk];
    if (!row) continue;
    const from = Math.round((taggram.starts[chunk] / seconds) * width);
    const to = Math.max(from + 1, Math.round((taggram.drawnEnd(chunk) / seconds) * width));
    for (let x = from; x < Math.min(to, width); x += 1) {
      columns[x] = columns[x] ? columns[x].map((value, tag) => Math.max(value, row[tag])) : row;
    }
  }
  return columns;
}

function nameButtons(taggram, order, onTag) {
  return order.map((tag) => {
    const group = GROUP_NAMES[pageGroup(taggram.groups[tag])];
    return el(
      "button",
      {
        type: "button",
        class: "tag-name",
        title: `${taggram.tags[tag]} (${group.toLowerCase()}): play its strongest moment`,
        on: { click: () => onTag(tag) },
      },
      el("span", { text: taggram.tags[tag] }),
    );
  });
}

function tipContent(taggram, tag, chunk) {
  const value = taggram.rows[chunk][tag];
  const present = taggram.isPresent(tag, value);
  const time = `${clock(taggram.starts[chunk])} – ${clock(taggram.ends[chunk])}`;
  const threshold = present === null ? "" : ` (threshold ${score(taggram.thresholds[tag])})`;
  return [
    el("strong", { text: taggram.tags[tag] }),
    el("span", { text: time }),
    el("span", { text: `score ${score(value)}${threshold}` }),
    present && el("span", { text: "✓ present" }),
  ].filter(Boolean);
}

function describe(taggram, seconds) {
  const best = taggram.tags
    .map((name, tag) => ({ name, moment: taggram.strongest(tag) }))
    .filter(({ moment }) => moment)
    .sort((a, b) => b.moment.score - a.moment.score)
    .slice(0, 3)
    .map(({ name, moment }) => `${name} ${score(moment.score)} at ${clock(moment.start)}`);
  return `Taggram of ${taggram.tags.length} tags over ${clock(seconds)}. Highest scores: ${best.join(", ")}. The scores are in the table below.`;
}

/** "#1c1b18" -> [28, 27, 24] */
function hexToRgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

/** Red, green and blue as one pixel of an image, on the little-endian machines that browsers run on. */
function packed([red, green, blue]) {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
