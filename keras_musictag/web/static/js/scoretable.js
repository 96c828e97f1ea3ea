/** The taggram as a real table, for screen readers and for those who want numbers. */

import { el } from "./dom.js";
import { clock, score } from "./format.js";

const MAX_COLUMNS = 24; // a longer song is divided into as many spans; each cell has the highest score in its span

/**
 * A disclosure whose table is built when it is opened.
 * @param {() => {taggram: Taggram, order: number[]}} current
 */
export function scoreTable(current) {
  const place = el("div", { class: "table-scroll", tabindex: 0, role: "region", "aria-label": "Scores over time" });
  const fill = () => {
    const { taggram, order } = current();
    place.replaceChildren(...(taggram?.length ? [table(taggram, order)] : [el("p", { text: "No scores yet." })]));
  };
  const details = el("details", { class: "more" }, el("summary", { text: "Scores as a table" }), place);
  details.addEventListener("toggle", () => details.open && fill());
  return { node: details, refresh: () => details.open && fill() };
}

function table(taggram, order) {
  const spans = divide(taggram.length, MAX_COLUMNS);
  const head = spans.map(([from]) => el("th", { scope: "col", text: clock(taggram.starts[from]) }));
  const rows = order.map((tag) =>
    el(
      "tr",
      {},
      el("th", { scope: "row", text: taggram.tags[tag] }),
      ...spans.map(([from, to]) => {
        const highest = Math.max(...taggram.rows.slice(from, to).map((row) => row[tag]));
        const present = taggram.isPresent(tag, highest);
        return el("td", { text: `${score(highest)}${present ? " ✓" : ""}` });
      }),
    ),
  );
  const marks = taggram.thresholds.some((value) => value !== null && value !== undefined);
  const caption = `Scores of ${taggram.model} by start time${marks ? "; ✓ is at or above the tag's threshold" : ""}`;
  return el(
    "table",
    { class: "numbers" },
    el("caption", { text: caption }),
    el("thead", {}, el("tr", {}, el("th", { scope: "col", text: "Tag" }), ...head)),
    el("tbody", {}, ...rows),
  );
}

/** Divides `length` things into at most `most` spans [from, to). */
function divide(length, most) {
  const spans = Math.min(length, most);
  return Array.from({ length: spans }, (_, i) => [
    Math.floor((i * length) / spans),
    Math.floor(((i + 1) * length) / spans),
  ]);
}
