/** Series of plots and comparisons: each has a colour and a shape, so that none is known by its colour alone. */

import { svg } from "./dom.js";

const SHAPES = [
  "M7 1.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0 -11z", // disc
  "M2 2h10v10h-10z", // square
  "M7 1l6 11h-12z", // triangle
  "M7 0.5l6.5 6.5l-6.5 6.5l-6.5 -6.5z", // diamond
  "M1 2h12l-6 11z", // triangle, down
  "M5 1h4v4h4v4h-4v4h-4v-4h-4v-4h4z", // cross
];

/** The name of the colour of series `index`, in tokens.css. */
export const seriesColour = (index) => `series-${(index % SHAPES.length) + 1}`;

/** The shape of series `index` as the path of a 14 by 14 square. */
export const seriesPath = (index) => SHAPES[index % SHAPES.length];

/** The shape of series `index` as a small picture. */
export function symbol(index) {
  const path = svg("path", { d: seriesPath(index) });
  path.style.fill = `var(--${seriesColour(index)})`;
  return svg("svg", { viewBox: "0 0 14 14", class: "symbol", "aria-hidden": "true", focusable: "false" }, path);
}
