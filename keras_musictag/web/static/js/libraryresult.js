/** One result of a search in the library, and the track's tags, each of which leads to its strongest moment. */

import { getTrack } from "./api.js";
import { el, newId } from "./dom.js";
import { clock, score } from "./format.js";
import { GROUP_NAMES, GROUPS, pageGroup } from "./groups.js";

const TAGS_PER_GROUP = 5;

/**
 * @param {Object} match a row of the server's answer
 * @param {{play: Function, like: Function, isExample: boolean}} actions
 */
export function resultItem(match, { play, like, isExample }) {
  const { title, artist, name, seconds, score: value, reasons } = match;
  const shown = title || name;
  const button = (text, click, more = {}) =>
    el("button", { type: "button", class: "small", "aria-label": `${text}: ${shown}`, on: { click }, ...more }, text);
  const panel = el("div", { class: "track-tags", id: newId("tags"), hidden: true });
  const why = button("Tags", () => toggle(match, panel, why), { "aria-expanded": "false", "aria-controls": panel.id });
  const facts = [artist, title ? name : null, clock(seconds)].filter(Boolean).join(" · ");
  const item = el(
    "li",
    { class: "result" },
    el(
      "div",
      {},
      el("div", { class: "result-title", text: shown }),
      el("div", { class: "hint", text: facts }),
      el(
        "div",
        { class: "reasons" },
        Number.isFinite(value)
          ? el("span", { class: "chip", text: `${isExample ? "similarity" : "score"} ${score(value)}` })
          : null,
        (reasons ?? []).map((reason) => reasonChip(match, reason)),
      ),
    ),
    el(
      "div",
      { class: "result-actions" },
      button("Play", () => play(match, item)),
      button("More like this", () => like(match)),
      why,
    ),
    panel,
  );
  return item;
}

/** A reason is a sentence, or a tag with its score, which leads to the moment that explains it. */
function reasonChip({ source }, reason) {
  if (typeof reason === "string") return el("span", { class: "chip", text: reason });
  const { tag, score: value, model } = reason;
  return tagChip(source, model, { tag, score: value });
}

function tagChip(source, model, { tag, score: value, present }) {
  const query = new URLSearchParams({ source, ...(model ? { model } : {}), tag });
  const text = `${tag} ${score(value)}${present ? " ✓" : ""}`;
  return el("a", { class: "chip", href: `#/tag?${query}`, title: "Show and play its strongest moment", text });
}

async function toggle({ source }, panel, button) {
  panel.hidden = !panel.hidden;
  button.setAttribute("aria-expanded", String(!panel.hidden));
  if (panel.hidden || panel.children.length) return;
  try {
    const { scores } = await getTrack(source.split(":")[1]);
    panel.replaceChildren(...Object.entries(scores).map(([model, tags]) => modelTags(source, model, tags)));
  } catch (error) {
    panel.replaceChildren(el("p", { class: "error", role: "alert", text: error.message }));
  }
}

function modelTags(source, model, tags) {
  const groups = GROUPS.map((group) => {
    const best = tags
      .filter((row) => pageGroup(row.group) === group)
      .sort((a, b) => b.score - a.score)
      .slice(0, TAGS_PER_GROUP);
    if (!best.length) return null;
    return el(
      "div",
      { class: "tag-row" },
      el("h3", { text: GROUP_NAMES[group] }),
      el("div", { class: "reasons" }, best.map((row) => tagChip(source, model, row))),
    );
  });
  return el("section", {}, el("p", { class: "hint", text: `By ${model}; a tag leads to its strongest moment` }), groups.filter(Boolean));
}
