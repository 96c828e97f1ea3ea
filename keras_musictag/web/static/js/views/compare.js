/** The same song through two or more models, on one time axis, and the tags about which they agree or differ. */

import { agreement, widestMoment } from "../agreement.js";
import { getModels, getSource } from "../api.js";
import { announce, el, errorPlace } from "../dom.js";
import { clock, count, datasetName, duration, plural, score } from "../format.js";
import { GROUP_NAMES } from "../groups.js";
import { createProgress } from "../progress.js";
import { setParameters } from "../router.js";
import { legend } from "../legend.js";
import { orderTags } from "../order.js";
import { createSongPicker } from "../songpicker.js";
import { sortableTable } from "../sortable.js";
import { createStage } from "../stage.js";
import { spread } from "../spread.js";
import { symbol } from "../symbols.js";
import { runTagJob } from "../tagrun.js";

const ROWS = 8; // of each model's taggram

const state = { source: null, models: [], chosen: [], panels: [], song: 0 };
let ui;

export const compareView = {
  title: "Compare",

  create(root) {
    ui = {
      picker: createSongPicker(open),
      checks: el("div", { class: "checks" }),
      error: errorPlace(),
      stage: createStage(),
      title: el("h2", { class: "song-title", text: " " }),
      scale: legend(),
      table: el("div"),
    };
    ui.stage.player.onError((sentence) => ui.error.show(sentence));
    root.append(
      el(
        "div",
        { class: "view-head" },
        el("h1", { tabindex: -1, text: "Compare models" }),
        el("p", { class: "hint", text: "One song, several models: what each of them hears, and where they disagree." }),
      ),
      el(
        "div",
        { class: "choices" },
        ui.picker.node,
        el("fieldset", { class: "plain" }, el("legend", { text: "Models" }), ui.checks),
      ),
      el(
        "section",
        { class: "card", "aria-label": "Song" },
        el("div", { class: "section-head" }, ui.title, ui.scale.node),
        ui.error.node,
        ui.stage.node,
      ),
      el("section", { class: "card", "aria-label": "Agreement" }, el("h2", { text: "Where they agree, and where not" }), ui.table),
    );
  },

  async show(_, parameters) {
    try {
      if (!state.models.length) {
        const [{ models, default: first }, demo] = await Promise.all([getModels(), ui.picker.load()]);
        state.models = models;
        state.source = parameters.get("source") ?? demo;
        const asked = (parameters.get("models") ?? "").split(",").filter((name) => models.some((m) => m.name === name));
        state.chosen = asked.length ? asked : twoModels(models, first);
        ui.checks.replaceChildren(...models.map(check));
        await open(state.source);
      } else if (parameters.get("source") && parameters.get("source") !== state.source) {
        await open(parameters.get("source"));
      }
      writeAddress();
    } catch (error) {
      ui.error.show(error);
    }
  },

  hide: () => ui.stage.player.pause(),
};

/** The default model and, if there is one, a model of the same kind that was trained on other data. */
function twoModels(models, first) {
  const one = models.find(({ name }) => name === first) ?? models[0];
  const others = models.filter(({ name }) => name !== one.name);
  const other = others.find((m) => m.dataset !== one.dataset && m.architecture === one.architecture) ?? others[0];
  return [one, other].filter(Boolean).map(({ name }) => name);
}

function check(model) {
  const input = el("input", { type: "checkbox", value: model.name, on: { change: choose } });
  input.checked = state.chosen.includes(model.name);
  const facts = `${datasetName(model.dataset)}, ${plural(model.tags.length, "tag")}`;
  return el("label", { class: "check" }, input, el("span", {}, model.name, el("small", { text: facts })));
}

function choose() {
  const boxes = [...ui.checks.querySelectorAll("input")];
  state.chosen = boxes.filter((box) => box.checked).map((box) => box.value);
  ui.error.clear();
  writeAddress();
  run();
}

function writeAddress() {
  setParameters("compare", { source: state.source, models: state.chosen.join(",") });
}

async function open(source) {
  state.source = source;
  state.song += 1;
  const mine = state.song;
  ui.error.clear();
  ui.picker.select(source);
  ui.title.textContent = " ";
  dropPanels(() => true);
  writeAddress();
  run();
  const isOpen = () => mine === state.song;
  const describe = getSource(source).then(({ name, seconds }) => {
    if (isOpen()) ui.title.textContent = `${name}, ${clock(seconds)}`;
  });
  try {
    await Promise.all([describe, ui.stage.player.load(source)]);
    if (isOpen()) draw();
  } catch (error) {
    if (isOpen()) ui.error.show(error);
  }
}

function dropPanels(which) {
  state.panels.filter(which).forEach((panel) => {
    panel.job.drop();
    panel.heatmap.remove();
  });
  state.panels = state.panels.filter((panel) => !which(panel));
}

/** Starts a job for each chosen model that has none yet, and drops those that are no longer chosen. */
function run() {
  dropPanels(({ model }) => !state.chosen.includes(model.name));
  for (const name of state.chosen) {
    if (!state.panels.some(({ model }) => model.name === name)) state.panels.push(startPanel(name));
  }
  compareAll();
}

function startPanel(name) {
  const model = state.models.find((one) => one.name === name);
  const panel = { model, taggram: null, done: null };
  panel.progress = createProgress(`Tagging by ${name}`, () => panel.job.cancel());
  panel.error = errorPlace();
  const facts = [datasetName(model.dataset), `${count(model.parameters)} parameters`].join(" · ");
  const heading = el(
    "div",
    { class: "heat-heading" },
    el("h3", { text: name }),
    el("span", { class: "hint", text: facts }),
    panel.progress.node,
    panel.error.node,
  );
  panel.heatmap = ui.stage.addHeatmap((tag) => ui.stage.playMoment(panel.taggram, tag), heading);
  panel.progress.show(null, "starts …");
  panel.job = runTagJob(
    { source: state.source, model: name },
    {
      start(taggram) {
        panel.taggram = taggram;
        draw();
      },
      chunks: draw,
      progress: ({ done, total }) => panel.progress.show(total ? done / total : null, `${clock(done)} tagged`),
      done(taggram, data) {
        panel.done = data;
        panel.progress.end(`took ${duration(data.elapsed_seconds)}`);
        draw();
        compareAll();
      },
      failed(error) {
        panel.progress.end("");
        panel.error.show(error);
      },
      cancelled: () => panel.progress.end("Cancelled."),
    },
  );
  return panel;
}

/** Draws all taggrams: they share one colour scale, which may have grown. */
function draw() {
  const panels = state.panels.filter(({ taggram }) => taggram);
  const top = Math.max(0.1, ...panels.map(({ taggram }) => taggram.top()));
  for (const { taggram, heatmap } of panels) {
    const seconds = ui.stage.player.seconds() || taggram.seconds || taggram.reached;
    heatmap.show(taggram, orderTags(taggram, "score", ROWS), seconds, top);
  }
  ui.scale.show(top, panels.some(({ taggram }) => taggram.thresholds.some(Number.isFinite)));
}

function compareAll() {
  const done = state.panels.filter((panel) => panel.done);
  if (state.chosen.length < 2) return showEmpty("Choose at least two models to compare them.");
  if (done.length < 2) return showEmpty("The table appears when two models have finished.");
  const taggrams = done.map(({ taggram }) => taggram);
  const { shared, alone } = agreement(taggrams);
  if (!shared.length) return showEmpty("These models have no tag in common.");
  const table = sortableTable(
    `${plural(shared.length, "tag")} in common, scores of the whole song`,
    columns(taggrams, shared),
    { column: 3, down: true },
  );
  table.node.classList.add("tall");
  table.show(shared);
  const key = el("ul", { class: "key" }, taggrams.map(({ model }, index) => el("li", {}, symbol(index), model)));
  ui.table.replaceChildren(key, table.node, aloneList(alone));
  announce(`${plural(shared.length, "tag")} in common.`);
}

function showEmpty(sentence) {
  ui.table.replaceChildren(el("p", { class: "empty", text: sentence }));
}

function columns(taggrams, shared) {
  const play = (row) => {
    const { time } = widestMoment(row, taggrams);
    ui.stage.player.clearMark();
    ui.stage.player.seek(time);
    ui.stage.player.play();
  };
  const top = Math.max(0.1, ...shared.flatMap(({ scores }) => scores.map((value) => value ?? 0)));
  return [
    {
      label: "Tag",
      key: ({ tag }) => tag,
      cell: (row) =>
        el("button", {
          type: "button",
          class: "link",
          text: row.tag,
          title: "Play where they differ most",
          on: { click: () => play(row) },
        }),
    },
    { label: "Group", key: ({ group }) => GROUP_NAMES[group] },
    { label: "Scores", key: ({ scores }) => Math.max(...scores.map((value) => value ?? 0)), number: true, cell: (row) => spread(row, taggrams, top) },
    { label: "Difference", key: ({ difference }) => difference, number: true, cell: ({ difference }) => score(difference) },
    ...(shared.some(({ verdict }) => verdict)
      ? [{ label: "Verdict", key: ({ verdict }) => verdict, cell: ({ verdict }) => verdict ?? "–" }]
      : []),
  ];
}

function aloneList(alone) {
  const some = alone.filter(({ tags }) => tags.length);
  if (!some.length) return null;
  return el(
    "details",
    { class: "more" },
    el("summary", { text: "Tags that only one of them has" }),
    some.map(({ model, tags }) => el("p", { class: "hint" }, el("strong", { text: model }), `: ${tags.join(", ")}`)),
  );
}
