/** The top tags as bars, under the headings of their groups; they show the whole song or the moment at the playhead. */

import { el } from "./dom.js";
import { score } from "./format.js";
import { GROUP_NAMES, GROUPS, pageGroup } from "./groups.js";

const PER_GROUP = 6;

/** @param {(tag: number) => void} onTag a click on a tag */
export function createTagBars(onTag) {
  const node = el("div", { class: "bar-groups" });
  let bars = []; // {tag, row, fill, value, mark}
  let taggram = null;

  /** Chooses and orders the tags by the scores of the whole song; they keep their places while the playhead moves. */
  function arrange(newTaggram) {
    taggram = newTaggram;
    const whole = taggram.whole();
    const best = (tag) => (Number.isFinite(whole[tag]) ? whole[tag] : -1);
    bars = [];
    const groups = GROUPS.map((group) => {
      const tags = taggram.tags.map((_, tag) => tag).filter((tag) => pageGroup(taggram.groups[tag]) === group);
      tags.sort((a, b) => best(b) - best(a));
      const rows = tags.slice(0, PER_GROUP).map((tag) => {
        bars.push(bar(taggram, tag, onTag));
        return el("li", {}, bars.at(-1).row);
      });
      if (!rows.length) return null;
      const heading = el("h3", { text: GROUP_NAMES[group] });
      return el("section", { class: "bar-group" }, heading, el("ul", {}, ...rows));
    });
    node.replaceChildren(...groups.filter(Boolean));
    node.style.minHeight = "";
  }

  /** Shows scores, by tag. */
  function update(scores) {
    for (const { tag, row, fill, value, mark } of bars) {
      const known = scores !== null && Number.isFinite(scores[tag]);
      const amount = known ? scores[tag] : 0;
      const present = known && taggram.isPresent(tag, amount);
      fill.style.transform = `scaleX(${amount})`;
      value.textContent = known ? score(amount) : "–";
      mark.textContent = present ? "✓ present" : "";
      row.classList.toggle("present", Boolean(present));
    }
  }

  /** Shows none; the space stays, so that nothing jumps when the next ones come. */
  function clear() {
    bars = [];
    taggram = null;
    node.style.minHeight = `${node.clientHeight}px`;
    node.replaceChildren();
  }

  return { node, arrange, update, clear };
}

function bar(taggram, tag, onTag) {
  const fill = el("span", { class: "bar-fill" });
  const threshold = taggram.thresholds[tag];
  const tick = Number.isFinite(threshold) ? el("span", { class: "bar-tick" }) : null;
  if (tick) tick.style.left = `${100 * threshold}%`;
  const value = el("span", { class: "bar-value" });
  const mark = el("span", { class: "bar-mark" });
  const hint = Number.isFinite(threshold) ? `, threshold ${score(threshold)}` : "";
  const row = el(
    "button",
    { type: "button", class: "bar", title: `Play the strongest moment${hint}`, on: { click: () => onTag(tag) } },
    el("span", { class: "bar-name", text: taggram.tags[tag] }),
    mark,
    value,
    el("span", { class: "bar-track", "aria-hidden": "true" }, fill, tick),
    el("span", { class: "visually-hidden", text: hint }),
  );
  return { tag, row, fill, value, mark };
}
