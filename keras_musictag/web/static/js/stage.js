/** A song on one time axis: waveform, ruler, any number of taggrams, and a playhead that moves across all of them. */

import { el } from "./dom.js";
import { createHeatmap } from "./heatmap.js";
import { createPlayer } from "./player.js";

export function createStage() {
  const player = createPlayer();
  const line = el("div", { class: "playhead" });
  const overlay = el("div", { class: "playhead-area", "aria-hidden": "true" }, line);
  const gutter = el("div", { class: "gutter" }, player.controls);
  const heats = el("div", { class: "heats" });
  const node = el("div", { class: "stage" }, gutter, player.wave, player.ruler, heats, overlay);

  player.onTime((time) => {
    const share = player.seconds() ? time / player.seconds() : 0;
    line.style.transform = `translateX(${100 * share}%)`;
  });

  return {
    node,
    player,
    /**
     * Adds a taggram.
     * @param {(tag: number) => void} onTag
     * @param {HTMLElement} [heading] above it
     */
    addHeatmap(onTag, heading) {
      const heatmap = createHeatmap({ onSeek: player.seek, onTag });
      const block = el("div", { class: "heat-block" }, heading ?? null, heatmap.names, heatmap.plot);
      heats.append(block);
      const remove = () => {
        heatmap.destroy();
        block.remove();
      };
      return { ...heatmap, remove };
    },
    /** Jumps to a tag's strongest moment, marks it and plays. */
    playMoment(taggram, tag) {
      const moment = taggram.strongest(tag);
      if (!moment) return null;
      player.mark(moment.start, moment.end, taggram.tags[tag]);
      player.seek(moment.start);
      player.play();
      return moment;
    },
  };
}
