/** Models that were evaluated on the same tracks: a table with intervals, accuracy against cost, robustness. */

import { getComparison, getReport } from "./api.js";
import { chart } from "./charts.js";
import { el, errorPlace, labelledSelect, setOptions } from "./dom.js";
import { count, datasetName, metricName, plural, score } from "./format.js";
import { metricColumns } from "./intervals.js";
import { sortableTable } from "./sortable.js";

const METRICS = ["roc_auc", "pr_auc", "average_precision", "mcc", "f1"];
const IN_TABLE = ["roc_auc", "pr_auc", "mcc"];
const COSTS = {
  parameters: "Parameters",
  multiply_adds_per_second: "Multiply-adds per second of audio",
  audio_seconds_per_second: "Seconds of audio per second",
};

/**
 * A part of the Evaluate view. `load()` reads it again and says whether it could; `showReport(id)` goes to the comparison
 * that a report joined.
 */
export function createComparison() {
  const which = labelledSelect("Tracks", [], (id) => load(null, id));
  const metric = labelledSelect("Metric in the plots", [], drawCharts);
  const cost = labelledSelect("Cost", [], drawCharts);
  const condition = labelledSelect("Deformation", [], drawCharts);
  const error = errorPlace();
  const title = el("p", { class: "hint" });
  const table = el("div");
  const notes = el("ul", { class: "notes" });
  const costPlace = el("div");
  const robustnessPlace = el("div");
  const elsewhere = el("details", { class: "more" });
  const charts = el(
    "section",
    { class: "card", "aria-label": "Plots" },
    el("div", { class: "section-head" }, el("h2", { text: "Cost and robustness" })),
    el("div", { class: "fields" }, metric.field, cost.field, condition.field),
    el("div", { class: "charts" }, costPlace, robustnessPlace),
  );
  const node = el(
    "section",
    { class: "card", "aria-label": "All models" },
    el("div", { class: "section-head" }, el("div", {}, el("h2", { text: "All models" }), title), which.field),
    error.node,
    table,
    notes,
    elsewhere,
  );
  let data = null;
  let drawn = [];
  let latest = 0;

  async function load(highlighted, id = which.select.value) {
    error.clear();
    latest += 1;
    const mine = latest;
    try {
      const answer = await getComparison(id || null);
      if (mine !== latest) return true; // another choice was made meanwhile
      data = answer;
    } catch (failure) {
      if (mine === latest) error.show(failure);
      return false;
    }
    setOptions(
      which.select,
      data.comparisons.map((one) => ({ value: one.comparison, label: `${one.name} (${plural(one.models, "report")})` })),
    );
    if (data.comparison) which.select.value = data.comparison;
    which.field.hidden = data.comparisons.length < 2;
    title.textContent = data.tracks
      ? `${datasetName(data.dataset)}, ${plural(data.tracks, "track")} of the part “${data.part}”, with 95 % intervals.`
      : "";
    drawTable(highlighted);
    notes.replaceChildren(...[...data.notes, ...data.problems].map((note) => el("li", { text: note })));
    elsewhere.replaceChildren(
      el("summary", { text: "Scores that others published, on other tracks" }),
      ...data.elsewhere.map(elsewhereTable),
    );
    elsewhere.hidden = !data.elsewhere.length;
    fillChoices();
    drawCharts();
    return true;
  }

  function drawTable(highlighted) {
    if (!data.models.length) {
      table.replaceChildren(el("p", { class: "empty", text: "There are no reports yet." }));
      return;
    }
    const metrics = metricColumns(data.models, IN_TABLE, (row) => row.metrics);
    const columns = [
      { label: "Model", key: ({ model }) => model, cell: modelCell },
      ...metrics,
      { label: "Parameters", number: true, key: (row) => row.parameters, cell: (row) => count(row.parameters) },
      {
        label: "Speed",
        number: true,
        key: (row) => row.audio_seconds_per_second,
        cell: ({ audio_seconds_per_second: speed }) => (speed ? `${count(Math.round(speed))} × real time` : "–"),
      },
    ];
    const prAuc = columns.findIndex(({ label }) => label === metricName("pr_auc"));
    const sorted = { column: Math.max(0, prAuc), down: prAuc > 0 };
    const made = sortableTable("Macro averages over tags", columns, sorted, (row, tr) =>
      tr.classList.toggle("chosen", Boolean(highlighted) && row.report === highlighted),
    );
    made.show(data.models);
    table.replaceChildren(made.node);
  }

  function fillChoices() {
    const has = (name) => data.models.some(({ metrics }) => Number.isFinite(metrics[name]?.value));
    setOptions(metric.select, METRICS.filter(has).map((name) => ({ value: name, label: metricName(name) })));
    const costs = Object.keys(COSTS).filter((name) => data.cost.some((row) => row.cost === name));
    setOptions(cost.select, costs.map((name) => ({ value: name, label: COSTS[name] })));
    const conditions = new Map(data.robustness.map((row) => [row.condition, row.title]));
    setOptions(condition.select, [...conditions].map(([value, label]) => ({ value, label })));
    cost.field.hidden = !costs.length;
    condition.field.hidden = !conditions.size;
    charts.hidden = !costs.length && !conditions.size;
  }

  function drawCharts() {
    drawn.forEach((one) => one.destroy());
    const made = [costChart(data, metric.select.value, cost.select.value)];
    made.push(robustnessChart(data, metric.select.value, condition.select.value));
    costPlace.replaceChildren(...(made[0] ? [made[0].node] : []));
    robustnessPlace.replaceChildren(...(made[1] ? [made[1].node] : []));
    drawn = made.filter(Boolean);
  }

  /** Shows the comparison that a new report belongs to, with its row marked. */
  async function showReport(report) {
    await load(report);
    if (!data || data.models.some((row) => row.report === report)) return;
    const about = await getReport(report).catch(error.show);
    if (!about) return;
    const same = (one) => ["dataset", "split", "part", "tracks"].every((key) => one[key] === about[key]);
    const joined = data.comparisons.find(same);
    if (joined) await load(report, joined.comparison);
  }

  return { node, charts, load, showReport };
}

function modelCell({ model, report, source }) {
  const origin = { published: "published", folder: "in your folders", job: "evaluated here" }[source];
  const name = report ? el("a", { href: `#/evaluate/${encodeURIComponent(report)}`, text: model }) : model;
  return el("span", {}, name, el("span", { class: "sub", text: origin ?? "" }));
}

function costChart(data, metric, cost) {
  const rows = data.cost.filter((row) => row.metric === metric && row.cost === cost);
  if (!rows.length) return null;
  const series = rows.map((row) => ({ name: row.model, points: [costPoint(row)] }));
  return chart({
    title: `${metricName(metric)} against ${COSTS[cost].toLowerCase()}`,
    xLabel: COSTS[cost],
    yLabel: metricName(metric),
    logX: true,
    lines: false,
    series,
  });
}

function costPoint({ amount, value, low, high, metric, cost }) {
  const text = `${metricName(metric)} ${score(value, 3)} (${score(low, 3)} – ${score(high, 3)}), ${COSTS[cost].toLowerCase()} ${count(amount)}`;
  return { x: amount, y: value, low, high, text };
}

function robustnessChart(data, metric, condition) {
  const rows = data.robustness.filter((row) => row.condition === condition && row.metric === metric);
  if (!rows.length) return null;
  const positions = [...new Set(rows.map(({ position }) => position))].sort((a, b) => a - b);
  const names = positions.map((position) => rows.find((row) => row.position === position).level);
  const models = [...new Set(rows.map(({ model }) => model))];
  const series = models.map((model, index) => ({
    name: model,
    points: rows
      .filter((row) => row.model === model)
      .sort((a, b) => a.position - b.position)
      .map(({ position, level, value, low, high }) => ({
        x: positions.indexOf(position) + 0.04 * (index - (models.length - 1) / 2), // side by side, not on each other
        y: value,
        low,
        high,
        text: `${metricName(metric)} ${score(value, 3)} (${score(low, 3)} – ${score(high, 3)}) at ${level}`,
      })),
  }));
  return chart({
    title: `Robustness: ${metricName(metric)}`,
    xLabel: rows[0].title,
    yLabel: metricName(metric),
    xNames: names,
    lines: true,
    series,
  });
}

function elsewhereTable({ dataset, title, header, rows, notes }) {
  return el(
    "section",
    { class: "elsewhere" },
    el("h3", { text: `${datasetName(dataset)}: ${title.replace("Reported elsewhere: ", "")}` }),
    el(
      "div",
      { class: "table-scroll", role: "region", tabindex: 0, "aria-label": `${title}, ${datasetName(dataset)}` },
      el(
        "table",
        {},
        el("thead", {}, el("tr", {}, header.map((text) => el("th", { scope: "col", text })))),
        el("tbody", {}, rows.map((row) => el("tr", {}, row.map((text) => el("td", { text }))))),
      ),
    ),
    notes.length ? el("ul", { class: "notes" }, notes.map((text) => el("li", { text }))) : null,
  );
}
