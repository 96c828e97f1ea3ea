/** Chooses a song: a file dropped or opened, or one of the server's demo clips. */

import { getSources, uploadFile } from "./api.js";
import { el, errorPlace, labelledSelect, newId, setOptions } from "./dom.js";
import { clock, megabytes } from "./format.js";

/** @param {(source: string) => void} onSong called with the source's id when a song is ready */
export function createSongPicker(onSong) {
  const error = errorPlace();
  const id = newId("file");
  const input = el("input", {
    id,
    type: "file",
    class: "visually-hidden",
    accept: "audio/*,video/*,.mp3,.flac,.ogg,.opus,.wav,.m4a,.aiff,.wma",
    on: { change: () => input.files.length && send(input.files[0]) },
  });
  const hint = el("span", { class: "drop-hint" });
  const bar = el("progress", { max: 1, value: 0, hidden: true, "aria-label": "Upload" });
  const stop = el("button", { type: "button", class: "small", "aria-label": "Cancel the upload", text: "Cancel", hidden: true });
  const drop = el(
    "div",
    { class: "drop" },
    input,
    el("label", { for: id, class: "button", text: "Choose a file" }),
    hint,
    bar,
    stop,
  );
  const demos = labelledSelect("Demo clip", [], (source) => source && choose(source));
  const node = el("div", { class: "song-picker" }, drop, demos.field, error.node);
  let sending = null;
  let limits = null;
  rest();

  // on the whole page: a browser would leave it to open a file that is dropped beside the frame
  const isOver = (on) => drop.classList.toggle("over", on && drop.checkVisibility());
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    isOver(true);
  });
  document.addEventListener("dragleave", () => isOver(false));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    isOver(false);
    if (event.dataTransfer.files.length && drop.checkVisibility()) send(event.dataTransfer.files[0]);
  });
  stop.addEventListener("click", () => sending?.abort());

  function rest() {
    const most = limits ? `, up to ${Math.round(limits.upload_bytes / 2 ** 20)}\u00a0MB` : "";
    hint.textContent = `or drop one: MP3, FLAC, Ogg, WAV, M4A …${most}`;
    bar.hidden = true;
    stop.hidden = true;
  }

  function choose(source) {
    error.clear();
    onSong(source);
  }

  async function send(file) {
    sending?.abort();
    const mine = new AbortController();
    sending = mine;
    error.clear();
    hint.textContent = `${file.name}, ${megabytes(file.size)}`;
    bar.hidden = false;
    bar.value = 0;
    stop.hidden = false;
    try {
      const { source } = await uploadFile(file, (share) => (bar.value = share), mine.signal);
      demos.select.value = "";
      onSong(source);
    } catch (failure) {
      if (failure.name !== "AbortError") error.show(named(file, failure));
    } finally {
      if (sending === mine) {
        sending = null;
        rest();
      }
      input.value = ""; // so that the same file can be chosen again
    }
  }

  function named({ name }, { message }) {
    return new Error(message.includes(name) ? message : `${name}: ${message}`);
  }

  return {
    node,
    /** Fills the list of demo clips; returns the first one's source. */
    async load() {
      const { demos: clips, limits: given } = await getSources();
      limits = given;
      rest();
      setOptions(demos.select, [
        { value: "", label: "–", disabled: true },
        ...clips.map(({ source, title, seconds }) => ({ value: source, label: `${title} (${clock(seconds)})` })),
      ]);
      return clips[0]?.source;
    },
    /** Shows which clip is open; nothing if it is none of them. */
    select(source) {
      demos.select.value = [...demos.select.options].some(({ value }) => value === source) ? source : "";
    },
    showError: (failure) => error.show(failure),
  };
}
