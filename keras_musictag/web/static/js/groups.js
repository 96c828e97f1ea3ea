/** The groups under which the page shows tags. A vocabulary's other groups (era, rhythm) count as "other". */

export const GROUPS = ["genre", "mood", "instrument", "voice", "other"];

export const GROUP_NAMES = {
  genre: "Genre",
  mood: "Mood",
  instrument: "Instrument",
  voice: "Voice",
  other: "Era, rhythm, other",
};

/** @param {string} group the group in the model's vocabulary */
export function pageGroup(group) {
  return GROUPS.includes(group) ? group : "other";
}

/** The name under which two vocabularies' tags count as the same: "Hip-Hop" and "hip hop". */
export function matchName(tag) {
  return tag
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}
