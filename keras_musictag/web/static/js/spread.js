/** The scores of several models for one tag, drawn on one line, each model with its shape; the numbers are in words. */

import { el, svg } from "./dom.js";
import { score } from "./format.js";
import { seriesColour, seriesPath } from "./symbols.js";

const WIDTH = 160;

export function spread({ scores, present }, taggrams, top) {
  const x = (value) => 7 + (value / top) * (WIDTH - 14);
  const known = scores.flatMap((value, model) => (value === null ? [] : [{ value, model }]));
  const values = known.map(({ value }) => value);
  const marks = known.map(({ value, model }) => {
    const mark = svg("path", { d: seriesPath(model), transform: `translate(${x(value) - 5} 2) scale(0.714)` });
    mark.style.fill = `var(--${seriesColour(model)})`;
    return mark;
  });
  const words = known.map(({ value, model }) => `${score(value)}${present[model] ? " ✓" : ""}`).join(" · ");
  const spoken = known.map(({ value, model }) => `${taggrams[model].model} ${score(value)}`).join(", ");
  return el(
    "div",
    { class: "spread" },
    svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} 14`, "aria-hidden": "true", focusable: "false" },
      svg("line", { class: "axis", x1: 7, x2: WIDTH - 7, y1: 7, y2: 7 }),
      svg("line", { class: "between", x1: x(Math.min(...values)), x2: x(Math.max(...values)), y1: 7, y2: 7 }),
      marks,
    ),
    el("span", { class: "visually-hidden", text: spoken }),
    el("span", { class: "spread-words", "aria-hidden": "true", text: words }),
  );
}
