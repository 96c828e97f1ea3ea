/** The scores of a song over time, as they come in from a tag job. Plain data: drawing is done elsewhere. */

export class Taggram {
  /** @param {Object} start the data of the job's `start` event */
  constructor(start) {
    this.model = start.model;
    this.tags = start.tags;
    this.groups = start.groups;
    this.thresholds = start.thresholds ?? [];
    this.seconds = start.seconds;
    this.starts = [];
    this.ends = [];
    this.rows = []; // by chunk, then by tag
    this.song = null; // the scores of the whole song, by tag, once the job is done
  }

  /** Adds the data of a `chunks` event. A stream that was resumed may repeat chunks: the index says which they are. */
  add({ first, start_seconds: starts, end_seconds: ends, scores }) {
    scores.forEach((row, offset) => {
      this.starts[first + offset] = starts[offset];
      this.ends[first + offset] = ends[offset];
      this.rows[first + offset] = row;
    });
  }

  /** Takes the scores of the whole song from the `done` event. */
  finish(done) {
    const bySong = new Map(done.tags.map((row) => [row.tag, row]));
    this.song = this.tags.map((tag) => bySong.get(tag)?.score ?? NaN);
    this.thresholds = this.tags.map((tag) => bySong.get(tag)?.threshold ?? null);
    this.seconds = done.seconds ?? this.seconds;
  }

  get length() {
    return this.rows.length;
  }

  /** The end of what has been worked on, in seconds. */
  get reached() {
    return this.ends.at(-1) ?? 0;
  }

  /** The index of the chunk that is drawn at a time: the last one that has begun. -1 if there is none. */
  chunkAt(seconds) {
    let low = 0;
    let high = this.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.starts[middle] <= seconds) low = middle;
      else high = middle - 1;
    }
    return this.length ? low : -1;
  }

  /** Where chunk `index` ends on the time axis: where the next one begins, so that overlapping chunks do not hide. */
  drawnEnd(index) {
    return index + 1 < this.length ? this.starts[index + 1] : this.ends[index];
  }

  /** Scores of all tags at a time, or null before the first chunk. */
  at(seconds) {
    const chunk = this.chunkAt(seconds);
    return chunk < 0 ? null : this.rows[chunk];
  }

  /** Scores of the whole song; until the job is done, the mean of what is known. */
  whole() {
    if (this.song || !this.length) return this.song ?? this.tags.map(() => NaN);
    return this.tags.map((_, tag) => this.rows.reduce((sum, row) => sum + row[tag], 0) / this.length);
  }

  /** The chunk in which a tag scores highest. */
  strongest(tag) {
    let best = -1;
    this.rows.forEach((row, chunk) => {
      if (best < 0 || row[tag] > this.rows[best][tag]) best = chunk;
    });
    if (best < 0) return null;
    return { start: this.starts[best], end: this.ends[best], score: this.rows[best][tag] };
  }

  /** The highest score of all, at least 0.1: the top of the colour scale. */
  top() {
    const highest = this.rows.reduce((top, row) => Math.max(top, ...row), 0.1);
    return Math.min(1, Math.ceil(highest * 10) / 10);
  }

  /** Whether a score counts as "present": true, false, or null if the tag has no threshold. */
  isPresent(tag, score) {
    const threshold = this.thresholds[tag];
    return threshold === null || threshold === undefined ? null : score >= threshold;
  }
}
