/** Waveform, time axis and sound of a song: wavesurfer.js with peaks from the server, so that no file is decoded here. */

import RegionsPlugin from "../vendor/wavesurfer.regions.esm.js";
import TimelinePlugin from "../vendor/wavesurfer.timeline.esm.js";
import WaveSurfer from "../vendor/wavesurfer.esm.js";
import { getPeaks, soundAddress } from "./api.js";
import { el } from "./dom.js";
import { clock, spoken } from "./format.js";
import { colour, onTheme } from "./theme.js";

const HEIGHT_PX = 88;
const PEAKS = 1500;
const STEP_SECONDS = 5;
const LABEL_SECONDS = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200];
const LABEL_PX = 64; // at least, from one time on the ruler to the next
const nonce = document.querySelector("meta[name=csp-nonce]")?.content;

/**
 * @returns {Object} `controls`, `wave` and `ruler` are elements to place; `load`, `play`, `pause`, `seek` and `mark` act;
 *   `onTime(listener)` is called with the position in seconds, `onError(listener)` with a sentence.
 */
export function createPlayer() {
  const wave = el("div", {
    class: "wave",
    role: "slider",
    tabindex: 0,
    "aria-label": "Position in the song",
    "aria-valuemin": 0,
    "aria-valuemax": 0,
    "aria-valuenow": 0,
  });
  const ruler = el("div", { class: "ruler", "aria-hidden": "true" });
  const icon = el("span", { class: "play-icon", "aria-hidden": "true" });
  const label = el("span", { text: "Play" });
  const button = el("button", { type: "button", class: "primary play", disabled: true }, icon, label);
  const now = el("span", { class: "now", text: clock(0) });
  const total = el("span", { text: clock(NaN) });
  const controls = el("div", { class: "controls" }, button, el("span", { class: "times" }, now, " / ", total));

  const regions = RegionsPlugin.create();
  const surfer = WaveSurfer.create({
    container: wave,
    height: HEIGHT_PX,
    barWidth: 2,
    barGap: 1,
    barRadius: 1,
    cursorWidth: 0, // the playhead is drawn over waveform and taggram together
    normalize: true,
    dragToSeek: true,
    hideScrollbar: true,
    cspNonce: nonce,
    plugins: [regions],
    ...colours(),
  });
  onTheme(() => surfer.setOptions(colours()));
  let timeline = null;

  const listeners = { time: new Set(), error: new Set() };
  let seconds = 0;
  let shown = -1;
  const report = (time) => {
    listeners.time.forEach((listener) => listener(time));
    if (Math.floor(time) === shown) return;
    shown = Math.floor(time);
    now.textContent = clock(time);
    wave.setAttribute("aria-valuenow", String(shown));
    wave.setAttribute("aria-valuetext", `${spoken(time)} of ${spoken(seconds)}`);
  };
  const playing = (on) => {
    button.classList.toggle("playing", on);
    label.textContent = on ? "Pause" : "Play";
  };
  surfer.on("timeupdate", report);
  surfer.on("play", () => playing(true));
  surfer.on("pause", () => playing(false));
  surfer.on("finish", () => playing(false));
  surfer.on("error", () =>
    listeners.error.forEach((listener) => listener("The browser cannot play this file. Its tags are still right.")),
  );

  // while a song loads, the one before it neither sounds nor is shown
  const seek = (time) => {
    if (button.disabled) return;
    const inside = Math.max(0, Math.min(seconds, time));
    surfer.setTime(inside);
    report(inside);
  };
  const play = () => {
    if (button.disabled) return;
    surfer.play().catch(() => playing(false)); // a browser may refuse sound before the first click
  };
  button.addEventListener("click", () => (surfer.isPlaying() ? surfer.pause() : play()));
  wave.addEventListener("keydown", (event) => {
    const time = surfer.getCurrentTime();
    const targets = {
      ArrowLeft: time - STEP_SECONDS,
      ArrowRight: time + STEP_SECONDS,
      ArrowDown: time - STEP_SECONDS,
      ArrowUp: time + STEP_SECONDS,
      Home: 0,
      End: seconds,
    };
    if (event.key === " ") surfer.isPlaying() ? surfer.pause() : play();
    else if (event.key in targets) seek(targets[event.key]);
    else return;
    event.preventDefault();
  });

  let latest = 0;
  return {
    controls,
    wave,
    ruler,
    play,
    seek,
    pause: () => surfer.pause(),
    isReady: () => !button.disabled,
    time: () => surfer.getCurrentTime(),
    seconds: () => seconds,
    /** Shows a song. Resolves when its waveform is drawn; a later call overtakes an earlier one. */
    async load(source) {
      latest += 1;
      const mine = latest;
      surfer.pause();
      regions.clearRegions();
      button.disabled = true;
      wave.classList.add("loading");
      ruler.classList.add("loading");
      seconds = 0;
      total.textContent = clock(NaN);
      const { seconds: length, peaks } = await getPeaks(source, PEAKS);
      if (mine !== latest) return;
      seconds = length;
      total.textContent = clock(length);
      wave.setAttribute("aria-valuemax", String(Math.floor(length)));
      timeline?.destroy();
      timeline = surfer.registerPlugin(
        TimelinePlugin.create({ container: ruler, height: 22, formatTimeCallback: clock, ...steps(length, ruler.clientWidth) }),
      );
      // wavesurfer takes one number per point; the louder side of each keeps its shape
      const louder = peaks.map(([low, high]) => (Math.abs(low) > high ? low : high));
      await surfer.load(soundAddress(source), [louder], length);
      if (mine !== latest) return;
      wave.classList.remove("loading");
      ruler.classList.remove("loading");
      button.disabled = false;
      shown = -1;
      seek(0);
    },
    /** Marks a span of the song, such as a tag's strongest moment; the mark before it goes. */
    mark(start, end, text) {
      regions.clearRegions();
      const content = el("span", { text });
      // in wavesurfer's shadow tree, which the page's style sheets do not reach
      Object.assign(content.style, { marginLeft: "5px", font: "600 12px system-ui, sans-serif", color: colour("ink") });
      regions.addRegion({ start, end, color: colour("mark"), drag: false, resize: false, content });
    },
    clearMark: () => regions.clearRegions(),
    onTime: (listener) => listeners.time.add(listener),
    onError: (listener) => listeners.error.add(listener),
  };
}

/** Where the ruler has ticks and times: the plugin's own choice writes the times of an hour on each other. */
function steps(seconds, width) {
  const label = LABEL_SECONDS.find((step) => (step / seconds) * width >= LABEL_PX) ?? seconds;
  return { timeInterval: label / 5, primaryLabelInterval: label, secondaryLabelInterval: Infinity };
}

function colours() {
  return { waveColor: colour("wave"), progressColor: colour("wave-played") };
}
