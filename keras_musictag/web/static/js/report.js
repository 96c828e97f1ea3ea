/** One evaluation report: its metrics with intervals, and every tag. */

import { getReport } from "./api.js";
import { el } from "./dom.js";
import { count, datasetName, duration, metricName, plural, score } from "./format.js";
import { GROUP_NAMES, pageGroup } from "./groups.js";
import { intervalCell, metricColumns, sharedAxis } from "./intervals.js";
import { sortableTable } from "./sortable.js";

const METRICS = ["roc_auc", "pr_auc", "average_precision", "mcc", "f1"];

/** Builds the page of a report. */
export async function reportPage(id) {
  const report = await getReport(id);
  if (report.error) throw new Error(`${report.name}: ${report.error}`);
  return [
    el(
      "div",
      { class: "view-head" },
      el("p", {}, el("a", { href: "#/evaluate", text: "← All models" })),
      el("h1", { tabindex: -1, text: report.name }),
      el("p", { class: "hint", text: facts(report) }),
    ),
    el("section", { class: "card", "aria-label": "Metrics" }, el("h2", { text: "Metrics" }), groupTable(report)),
    el("section", { class: "card", "aria-label": "Tags" }, el("h2", { text: "Every tag" }), tagTable(report)),
  ];
}

function facts(report) {
  return [
    datasetName(report.dataset),
    `${plural(report.tracks, "track")} of the part “${report.part}”`,
    report.architecture,
    Number.isFinite(report.parameters) && `${count(report.parameters)} parameters`,
    Number.isFinite(report.seconds_per_track) && `${duration(report.seconds_per_track)} per track`,
    report.precision,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** Averages over tags, by level (track or chunk) and by subset of the tracks. */
function groupTable(report) {
  const columns = [
    {
      label: "Scores of",
      // tracks before chunks, all before some
      key: ({ level, subset }) => [level !== "track", subset !== "all", subset].map((part) => String(part)).join(),
      cell: ({ level, subset, tracks }) =>
        el("span", {}, `${level}s, ${subset}`, el("span", { class: "sub", text: plural(tracks, "track") })),
    },
    ...metricColumns(report.groups, METRICS, (row) => row.metrics),
  ];
  const table = sortableTable("Macro averages over tags, with 95 % intervals", columns, { column: 0, down: false });
  table.show(report.groups);
  return table.node;
}

function tagTable(report) {
  const metric = (name) => {
    const axis = sharedAxis(report.per_tag.map((row) => row[name]));
    return {
      label: metricName(name),
      number: true,
      key: (row) => row[name]?.value ?? null,
      cell: (row) => intervalCell(row[name], axis),
    };
  };
  const columns = [
    { label: "Tag", key: ({ tag }) => tag },
    { label: "Group", key: ({ group }) => GROUP_NAMES[pageGroup(group)] },
    { label: "Tracks with it", number: true, key: ({ positives }) => positives },
    ...["roc_auc", "pr_auc", "f1"].map(metric),
    { label: "Threshold", number: true, key: ({ threshold }) => threshold, cell: ({ threshold }) => score(threshold) },
  ];
  const table = sortableTable(`${plural(report.per_tag.length, "tag")}, tracks`, columns, { column: 4, down: true });
  table.show(report.per_tag);
  return table.node;
}
