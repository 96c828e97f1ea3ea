/** In which order the taggram's rows come, and how many of them. */

import { GROUPS, pageGroup } from "./groups.js";

/**
 * @param {Taggram} taggram
 * @param {"score"|"group"} by
 * @param {number} most how many tags; those with the highest score at any moment are kept
 * @returns {number[]} indices of tags
 */
export function orderTags(taggram, by, most) {
  const peaks = taggram.tags.map((_, tag) => taggram.strongest(tag)?.score ?? 0);
  const whole = taggram.whole();
  const rank = (tag) => (Number.isFinite(whole[tag]) ? whole[tag] : 0);
  const kept = taggram.tags
    .map((_, tag) => tag)
    .sort((a, b) => peaks[b] - peaks[a])
    .slice(0, most);
  const group = (tag) => GROUPS.indexOf(pageGroup(taggram.groups[tag]));
  return kept.sort((a, b) => (by === "group" ? group(a) - group(b) : 0) || rank(b) - rank(a));
}
