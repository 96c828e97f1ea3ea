/** Evaluation reports: all models compared, one report in detail, and a form that starts a new evaluation. */

import { createComparison } from "../comparison.js";
import { el } from "../dom.js";
import { createEvaluation } from "../evaluation.js";
import { reportPage } from "../report.js";

let ui;
let loaded = false;

export const evaluateView = {
  title: "Evaluate",

  create(root) {
    const comparison = createComparison();
    const evaluation = createEvaluation((report) => comparison.showReport(report));
    const overview = el(
      "div",
      { class: "view" },
      el(
        "div",
        { class: "view-head" },
        el("h1", { tabindex: -1, text: "Evaluate models" }),
        el("p", {
          class: "hint",
          text: "How well each model finds the tags of tracks that it has not been trained on, and what it costs.",
        }),
      ),
      comparison.node,
      evaluation.node,
      comparison.charts,
    );
    const detail = el("div", { class: "view", hidden: true });
    ui = { comparison, evaluation, overview, detail };
    root.append(overview, detail);
  },

  async show([report]) {
    ui.overview.hidden = Boolean(report);
    ui.detail.hidden = !report;
    if (report) await showReport(report);
    else if (!loaded) {
      loaded = true;
      [loaded] = await Promise.all([ui.comparison.load(null), ui.evaluation.load()]);
    }
  },
};

let latest = null;

async function showReport(report) {
  latest = report;
  ui.detail.replaceChildren(el("h1", { tabindex: -1, text: "Report" }), el("p", { class: "hint", text: "Loading …" }));
  try {
    const content = await reportPage(report);
    if (latest !== report) return;
    ui.detail.replaceChildren(...content);
  } catch (error) {
    if (latest !== report) return;
    const back = el("p", {}, el("a", { href: "#/evaluate", text: "← All models" }));
    ui.detail.replaceChildren(back, el("h1", { tabindex: -1, text: "Report" }), el("p", { class: "error", role: "alert", text: error.message }));
  }
  ui.detail.querySelector("h1").focus({ preventScroll: true });
}
