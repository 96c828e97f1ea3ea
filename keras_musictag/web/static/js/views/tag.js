/** The first view: a song, its waveform, its taggram and its tags. It opens on the demo clip, already tagged. */

import { getLibrary, getModels, getSource } from "../api.js";
import { announce, el, errorPlace, labelledSelect, segmented } from "../dom.js";
import { clock, duration } from "../format.js";
import { legend } from "../legend.js";
import { createModelChooser } from "../modelchooser.js";
import { orderTags } from "../order.js";
import { createProgress } from "../progress.js";
import { setParameters } from "../router.js";
import { scoreTable } from "../scoretable.js";
import { createSongPicker } from "../songpicker.js";
import { createStage } from "../stage.js";
import { createTagBars } from "../tagbars.js";
import { runTagJob } from "../tagrun.js";

const FEW_TAGS = 16;
const OVERLAPS = [
  { value: "1", label: "One score per chunk" },
  { value: "2", label: "Two (chunks overlap by half)" },
  { value: "4", label: "Four (by three quarters)" },
];
const AGGREGATES = [
  { value: "mean", label: "Mean of its chunks" },
  { value: "median", label: "Median of its chunks" },
  { value: "max", label: "Highest chunk" },
];

const state = { demo: null, opened: null, models: [], model: null, run: null, taggram: null, by: "score", all: false, follow: false };
let ui;
let wantedTag = null; // from the library: a tag to jump to once its moment is known

export const tagView = {
  title: "Tag",

  create(root) {
    const stage = createStage();
    const heatmap = stage.addHeatmap(playTag);
    const table = scoreTable(() => ({ taggram: state.taggram, order: order() }));
    ui = {
      stage,
      heatmap,
      table,
      picker: createSongPicker(open),
      models: createModelChooser(run),
      bars: createTagBars(playTag),
      title: el("h2", { class: "song-title", text: " " }),
      facts: el("p", { class: "song-facts", text: " " }),
      progress: createProgress("Tagging", () => state.run?.cancel()),
      error: errorPlace(),
      legend: legend(),
      compare: el("a", { text: "Compare models on this song" }),
      similar: el("a", { text: "Similar songs in the library", hidden: true }),
      notes: el("ul", { class: "notes" }),
      more: el("button", { type: "button", class: "small", text: "Show all tags", on: { click: toggleAll } }),
      overlap: labelledSelect("Scores per chunk length", OVERLAPS, run),
      aggregate: labelledSelect("Score of the whole song", AGGREGATES, run),
    };
    stage.player.onTime(moved);
    stage.player.onError((sentence) => ui.error.show(sentence));
    root.append(...layout());
  },

  async show(_, parameters) {
    const source = parameters.get("source");
    wantedTag = parameters.get("tag");
    try {
      if (!state.models.length) await fillLists(parameters.get("model"));
      else if (parameters.get("model")) ui.models.value = parameters.get("model");
      if (source && source !== state.opened) await open(source);
      else if (!state.opened) await open(state.demo);
      else if (parameters.get("model") && ui.models.value !== state.model) run();
      else playWanted();
      writeAddress();
    } catch (error) {
      ui.error.show(error);
    }
  },

  hide: () => ui.stage.player.pause(),
};

function layout() {
  const orderBy = segmented(
    "Order",
    [
      { value: "score", label: "By score" },
      { value: "group", label: "By group" },
    ],
    state.by,
    (value) => {
      state.by = value;
      draw();
    },
  );
  const follow = segmented(
    "Bars show",
    [
      { value: "song", label: "Whole song" },
      { value: "playhead", label: "At the playhead" },
    ],
    "song",
    (value) => {
      state.follow = value === "playhead";
      updateBars();
    },
  );
  return [
    el("h1", { class: "visually-hidden", tabindex: -1, text: "Tag a song" }),
    el(
      "div",
      { class: "choices" },
      ui.picker.node,
      el(
        "div",
        { class: "model-side" },
        ui.models.node,
        el(
          "details",
          { class: "more" },
          el("summary", { text: "Detail and averaging" }),
          el("div", { class: "fields" }, ui.overlap.field, ui.aggregate.field),
        ),
      ),
    ),
    el(
      "section",
      { class: "card song", "aria-label": "Song" },
      el("div", { class: "song-head" }, el("div", {}, ui.title, ui.facts), ui.progress.node),
      ui.error.node,
      ui.stage.node,
      el("div", { class: "heat-tools" }, ui.legend.node, orderBy, ui.more),
      el("div", { class: "song-foot" }, ui.table.node, ui.compare, ui.similar),
      ui.notes,
    ),
    el(
      "section",
      { class: "card", "aria-label": "Tags" },
      el("div", { class: "section-head" }, el("h2", { text: "Top tags" }), follow),
      el("p", {
        class: "hint",
        text: "A tick marks the score from which a tag counts as present. Choose a tag to play its strongest moment.",
      }),
      ui.bars.node,
    ),
  ];
}

async function fillLists(model) {
  const [{ models, default: first }, demo] = await Promise.all([getModels(), ui.picker.load()]);
  state.models = models;
  state.demo = demo;
  getLibrary().then(
    ({ available }) => (ui.similar.hidden = !available),
    () => {}, // the Library view says what is wrong with it
  );
  ui.models.fill(models, model ?? first);
}

function writeAddress() {
  setParameters("tag", { source: state.opened, model: ui.models.value });
}

/** Opens a song: its waveform, then its tags. */
async function open(source) {
  state.opened = source;
  clearTags();
  ui.picker.select(source);
  ui.compare.href = `#/compare?source=${encodeURIComponent(source)}`;
  ui.similar.href = `#/library?like=${encodeURIComponent(source)}`;
  ui.title.textContent = " ";
  ui.facts.textContent = " ";
  writeAddress();
  run();
  const isOpen = () => state.opened === source;
  const describe = getSource(source).then((about) => {
    if (!isOpen()) return;
    ui.title.textContent = about.name;
    ui.facts.textContent = songFacts(about);
  });
  try {
    await Promise.all([describe, ui.stage.player.load(source)]);
    if (!isOpen()) return;
    draw();
    playWanted();
  } catch (error) {
    if (isOpen()) ui.error.show(error);
  }
}

function songFacts({ seconds, sample_rate: rate, channels }) {
  const sides = { 1: "mono", 2: "stereo" }[channels] ?? (channels && `${channels} channels`);
  return [clock(seconds), rate && `${(rate / 1000).toLocaleString("en")} kHz`, sides]
    .filter(Boolean)
    .join(" · ");
}

/** Tags the open song with the chosen model. */
function run() {
  state.run?.drop();
  ui.error.clear();
  ui.notes.replaceChildren();
  writeAddress();
  const model = state.models.find(({ name }) => name === ui.models.value);
  if (!model || !state.opened) return;
  state.model = model.name;
  const parts = Number(ui.overlap.select.value);
  const request = { source: state.opened, model: model.name, aggregate: ui.aggregate.select.value };
  if (parts > 1) request.hop_seconds = model.chunk_seconds / parts;
  ui.progress.show(null, `${model.name} starts …`);
  let isFirst = true;
  state.run = runTagJob(request, {
    start(taggram) {
      isFirst = true;
      state.taggram = taggram;
      ui.bars.arrange(taggram);
      draw();
      updateBars();
    },
    chunks(taggram) {
      // the first scores choose the bars, which then keep their places until all are known
      if (isFirst) ui.bars.arrange(taggram);
      isFirst = false;
      draw();
      updateBars();
    },
    progress({ done, total }) {
      ui.progress.show(total ? done / total : null, `${clock(done)}${total ? ` of ${clock(total)}` : ""} tagged`);
    },
    done(taggram, data) {
      arrangeBars();
      draw();
      ui.progress.end(`Tagged by ${taggram.model} in ${duration(data.elapsed_seconds)}`);
      ui.notes.replaceChildren(...(data.notes ?? []).map((note) => el("li", { text: note })));
      ui.table.refresh();
      playWanted();
    },
    failed(error) {
      keepOwnTags(model);
      ui.progress.end("");
      ui.error.show(error);
    },
    cancelled() {
      keepOwnTags(model);
      ui.progress.end(state.taggram ? "Cancelled. What was tagged before is shown." : "Cancelled.");
    },
  });
}

/** Ends the run and shows no tags. */
function clearTags() {
  state.run?.drop();
  state.taggram = null;
  ui.error.clear();
  ui.notes.replaceChildren();
  ui.heatmap.clear();
  ui.bars.clear();
  ui.table.refresh();
}

/** After a run that did not finish: what it found stays; tags of another model would be taken for this one's. */
function keepOwnTags(model) {
  if (state.taggram?.model !== model.name) clearTags();
  else arrangeBars();
}

/** Chooses the bars again, by all that is known. */
function arrangeBars() {
  ui.bars.arrange(state.taggram);
  updateBars();
}

function order() {
  return state.taggram ? orderTags(state.taggram, state.by, state.all ? Infinity : FEW_TAGS) : [];
}

function songSeconds() {
  return ui.stage.player.seconds() || state.taggram?.seconds || state.taggram?.reached || 0;
}

function draw() {
  if (!state.taggram) return;
  const top = state.taggram.top();
  ui.heatmap.show(state.taggram, order(), songSeconds(), top);
  ui.legend.show(top, state.taggram.thresholds.some(Number.isFinite));
  const hidden = state.taggram.tags.length - FEW_TAGS;
  ui.more.hidden = hidden <= 0;
  ui.more.textContent = state.all ? `Show the top ${FEW_TAGS}` : `Show all ${state.taggram.tags.length} tags`;
}

function toggleAll() {
  state.all = !state.all;
  draw();
  ui.table.refresh();
}

let shownChunk = -1;

function moved(time) {
  if (!state.follow || !state.taggram) return;
  const chunk = state.taggram.chunkAt(time);
  if (chunk !== shownChunk) updateBars();
}

function updateBars() {
  if (!state.taggram) return;
  const time = ui.stage.player.time();
  shownChunk = state.taggram.chunkAt(time);
  ui.bars.update(state.follow ? state.taggram.at(time) : state.taggram.whole());
}

function playTag(tag) {
  const moment = ui.stage.playMoment(state.taggram, tag);
  if (moment) announce(`${state.taggram.tags[tag]}: strongest at ${clock(moment.start)}.`);
}

/** Plays the moment of a tag for which a link has asked, once the scores and the sound are there. */
function playWanted() {
  if (!state.taggram?.song || !ui.stage.player.isReady()) return;
  const tag = wantedTag === null ? -1 : state.taggram.tags.indexOf(wantedTag);
  wantedTag = null;
  if (tag >= 0) playTag(tag);
}
