/** The music library: search by words or by example, listen, and see why a track has a tag. */

import { getLibrary, searchLibrary, soundAddress } from "../api.js";
import { announce, el, errorPlace, labelledSelect, newId, setOptions } from "../dom.js";
import { plural } from "../format.js";
import { resultItem } from "../libraryresult.js";
import { setParameters } from "../router.js";
import { createSongPicker } from "../songpicker.js";

const PAGE = 25;
const EXAMPLE = "calm piano, no vocals";

const state = { tags: null, q: "", like: "", likeTitle: null, search: null };
let ui;

export const libraryView = {
  title: "Library",

  create(root) {
    const id = newId("words");
    ui = {
      about: el("p", { class: "hint", text: " " }),
      body: el("div", { class: "view" }),
      words: el("input", { id, type: "search", autocomplete: "off", placeholder: EXAMPLE }),
      model: labelledSelect("Tags by", [], () => search(0)),
      error: errorPlace(),
      status: el("h2", { class: "song-title", text: " " }),
      list: el("ol", { class: "results" }),
      more: el("button", { type: "button", class: "show-more", text: "Show more", hidden: true, on: { click: () => search(ui.list.children.length) } }),
      playing: el("div", { class: "card now-playing", hidden: true, role: "region", "aria-label": "Now playing" }),
      audio: el("audio", { controls: true, preload: "none" }),
      playingTitle: el("strong", {}),
      playingError: errorPlace(),
    };
    ui.playing.append(ui.playingTitle, ui.audio, ui.playingError.node);
    const submit = (event) => {
      event.preventDefault();
      state.q = ui.words.value.trim();
      state.like = "";
      search(0);
    };
    const form = el(
      "form",
      { class: "search", role: "search", on: { submit } },
      el("div", { class: "field" }, el("label", { for: id, text: "Words" }), ui.words),
      ui.model.field,
      el("button", { type: "submit", class: "primary", text: "Search" }),
    );
    ui.picker = createSongPicker((source) => like({ source, title: "the song" }));
    const example = el(
      "details",
      { class: "more" },
      el("summary", { text: "Search by example" }),
      el("div", { class: "choices" }, ui.picker.node),
    );
    ui.body.append(
      el("section", { class: "card", "aria-label": "Search" }, form, ui.error.node, example),
      el("section", { class: "card", "aria-label": "Results" }, ui.status, ui.list, ui.more),
      ui.playing,
    );
    root.append(el("div", { class: "view-head" }, el("h1", { tabindex: -1, text: "Library" }), ui.about), ui.body);
  },

  async show(_, parameters) {
    try {
      if (!state.tags) await start();
    } catch (error) {
      ui.about.textContent = error.message;
      ui.body.hidden = true;
      return;
    }
    const [q, like] = [parameters.get("q") ?? "", parameters.get("like") ?? ""];
    if (ui.body.hidden || (!q && !like && state.search)) return; // what was found before is still there
    if (q === state.q && like === state.like && state.search) return;
    Object.assign(state, { q, like, likeTitle: null });
    ui.words.value = q;
    search(0);
  },

  hide: () => ui.audio.pause(),
};

async function start() {
  const [library] = await Promise.all([getLibrary(), ui.picker.load()]);
  ui.picker.select("");
  state.tags = library.models?.[0]?.tags ?? [];
  if (!library.available) {
    ui.body.hidden = true;
    ui.about.replaceChildren(
      "This server has no library. Scan your music with ",
      el("code", { text: "keras-musictag library scan FOLDER --db music.db" }),
      ", then start ",
      el("code", { text: "keras-musictag serve --db music.db" }),
      ".",
    );
    return;
  }
  const problems = library.problems ? `, ${plural(library.problems, "file")} that could not be read` : "";
  ui.about.textContent = `${plural(library.tracks, "track")}${problems}.`;
  const names = library.models.map((model) => model.name ?? model);
  setOptions(ui.model.select, names.map((name) => ({ value: name, label: name })));
  ui.model.field.hidden = names.length < 2;
}

/** Searches for the words, or for tracks like an example; from `offset` on, results join those shown. */
async function search(offset) {
  state.search?.abort();
  if (!state.q && !state.like) return invite();
  const mine = new AbortController();
  state.search = mine;
  ui.error.clear();
  if (!offset) ui.status.textContent = "Searching …";
  setParameters("library", { q: state.q, like: state.like });
  const query = state.like ? { like: state.like } : { q: state.q };
  try {
    const { matches, total } = await searchLibrary({ ...query, model: ui.model.select.value, limit: PAGE, offset }, mine.signal);
    if (!offset) ui.list.replaceChildren();
    ui.list.append(...matches.map((match) => resultItem(match, { play, like, isExample: Boolean(state.like) })));
    const shown = ui.list.children.length;
    ui.more.hidden = shown >= (total ?? shown) || !matches.length;
    ui.status.textContent = title(total ?? shown);
    announce(ui.status.textContent);
  } catch (error) {
    if (error.name === "AbortError") return;
    ui.error.show(error);
    if (!offset) {
      ui.list.replaceChildren();
      ui.status.textContent = "No results";
      ui.more.hidden = true;
    }
  }
}

/** What is shown before the first search: the words that can be searched for. */
function invite() {
  state.search = null;
  setParameters("library", {});
  ui.status.textContent = "What do you want to hear?";
  const chips = state.tags.map((tag) => el("a", { class: "chip", href: `#/library?q=${encodeURIComponent(tag)}`, text: tag }));
  ui.list.replaceChildren(el("li", { class: "reasons" }, chips));
  ui.more.hidden = true;
}

function title(total) {
  if (state.like) return `Tracks like ${state.likeTitle ?? "your song"}`;
  if (!total) return "No track matches these words.";
  return plural(total, "match", "matches");
}

function like({ source, title: name, name: file }) {
  Object.assign(state, { q: "", like: source, likeTitle: name || file });
  ui.words.value = "";
  search(0);
  ui.status.scrollIntoView({ block: "nearest" });
}

function play({ source, title: name, name: file, artist }, item) {
  for (const other of ui.list.children) other.classList.toggle("playing", other === item);
  ui.playing.hidden = false;
  ui.playingTitle.textContent = [name || file, artist].filter(Boolean).join(" – ");
  ui.audio.src = soundAddress(source);
  ui.playingError.clear();
  ui.audio.play().catch((error) => {
    // a track that is chosen while another one loads interrupts it, which is no failure
    if (error.name !== "AbortError") ui.playingError.show(`The browser cannot play ${file ?? name}.`);
  });
}
