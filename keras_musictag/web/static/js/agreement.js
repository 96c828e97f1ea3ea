/** Where models agree about a song: their tags matched by name, with the scores of each. Plain data. */

import { matchName, pageGroup } from "./groups.js";

/**
 * @param {Taggram[]} taggrams of finished jobs, two or more
 * @returns {{shared: Object[], alone: {model: string, tags: string[]}[]}} `shared` are the tags that at least two
 *   vocabularies have: {tag, group, scores, present, indices} with one entry per model (null where it lacks the tag),
 *   `difference` (highest minus lowest score) and `verdict` (a sentence, or null without thresholds).
 */
export function agreement(taggrams) {
  const byName = new Map();
  taggrams.forEach((taggram, model) =>
    taggram.tags.forEach((tag, index) => {
      const name = matchName(tag);
      if (!byName.has(name)) {
        byName.set(name, { tag, group: pageGroup(taggram.groups[index]), indices: taggrams.map(() => null) });
      }
      byName.get(name).indices[model] ??= index;
    }),
  );
  const shared = [];
  const alone = taggrams.map(({ model }) => ({ model, tags: [] }));
  for (const row of byName.values()) {
    const having = row.indices.flatMap((index, model) => (index === null ? [] : [model]));
    if (having.length > 1) shared.push(compareTag(row, taggrams));
    else alone[having[0]].tags.push(row.tag);
  }
  return { shared, alone };
}

function compareTag(row, taggrams) {
  const scores = row.indices.map((index, model) => (index === null ? null : taggrams[model].whole()[index]));
  const present = row.indices.map((index, model) =>
    index === null ? null : taggrams[model].isPresent(index, scores[model]),
  );
  const known = scores.filter((value) => value !== null);
  return { ...row, scores, present, difference: Math.max(...known) - Math.min(...known), verdict: verdict(present, taggrams) };
}

function verdict(present, taggrams) {
  const yes = present.flatMap((value, model) => (value === true ? [taggrams[model].model] : []));
  const no = present.filter((value) => value === false).length;
  if (!yes.length && !no) return null;
  if (!no) return yes.length === 2 ? "both present" : "all present";
  if (!yes.length) return no === 2 ? "neither present" : "none present";
  return `only ${yes.join(", ")}`;
}

/** The time at which two or more models differ most about a tag, and by how much. */
export function widestMoment(row, taggrams) {
  const having = row.indices.flatMap((index, model) => (index === null ? [] : [{ index, taggram: taggrams[model] }]));
  const times = having.flatMap(({ taggram }) => taggram.starts);
  return times.reduce(
    (widest, time) => {
      const scores = having.map(({ index, taggram }) => taggram.at(time)?.[index] ?? 0);
      const difference = Math.max(...scores) - Math.min(...scores);
      return difference > widest.difference ? { time, difference } : widest;
    },
    { time: 0, difference: -1 },
  );
}
