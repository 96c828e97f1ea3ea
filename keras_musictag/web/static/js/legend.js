/** The colour scale of the taggram, with its numbers. */

import { ramp } from "./colormap.js";
import { el } from "./dom.js";
import { onTheme, theme } from "./theme.js";

export function legend() {
  const canvas = el("canvas", { class: "legend-ramp", width: 256, height: 1, "aria-hidden": "true" });
  const top = el("span", { text: "1.0" });
  const present = el("span", { class: "legend-present" }, el("span", { class: "underline", "aria-hidden": "true" }), "present");
  const node = el(
    "p",
    { class: "legend" },
    el("span", { class: "visually-hidden", text: "Colours: scores from" }),
    el("span", { text: "0" }),
    canvas,
    top,
    present,
  );
  const draw = () => {
    const context = canvas.getContext("2d");
    const image = context.createImageData(256, 1);
    const colours = ramp(theme());
    for (let x = 0; x < 256; x += 1) image.data.set([...colours.subarray(3 * x, 3 * x + 3), 255], 4 * x);
    context.putImageData(image, 0, 0);
  };
  draw();
  onTheme(draw);
  return {
    node,
    show(highest, hasThresholds) {
      top.textContent = highest.toFixed(1);
      present.hidden = !hasThresholds;
    },
  };
}
