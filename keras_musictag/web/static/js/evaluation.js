/** Starts an evaluation of a model on prepared records, and follows it. */

import { getJob, getRecords, startJob } from "./api.js";
import { el, errorPlace, labelledSelect, setOptions } from "./dom.js";
import { followJob } from "./events.js";
import { datasetName, plural } from "./format.js";
import { createProgress } from "./progress.js";

const KEY = "evaluation"; // in the session's storage: the job that runs, so that a page loaded again finds it

/** @param {(report: string) => void} onReport called when a new report is there */
export function createEvaluation(onReport) {
  const recordsChoice = labelledSelect("Records", [], fillModels);
  const model = labelledSelect("Model", []);
  const part = labelledSelect("Part", []);
  const start = el("button", { type: "submit", class: "primary", text: "Evaluate" });
  const error = errorPlace();
  const progress = createProgress("Evaluation", () => follower?.cancel().catch((failure) => error.show(failure)));
  const form = el(
    "form",
    { class: "fields", on: { submit } },
    recordsChoice.field,
    model.field,
    part.field,
    el("div", {}, start),
  );
  const problems = el("ul", { class: "notes" });
  const none = el("p", {
    class: "empty",
    text: "No records were given. Start the server with --records FOLDER to evaluate models from here.",
    hidden: true,
  });
  const node = el(
    "section",
    { class: "card", "aria-label": "New evaluation" },
    el("div", { class: "section-head" }, el("h2", { text: "New evaluation" }), progress.node),
    none,
    form,
    problems,
    error.node,
  );
  let records = [];
  let follower = null;

  const chosen = () => records.find((one) => one.records === recordsChoice.select.value);

  function fillModels() {
    const one = chosen();
    setOptions(model.select, (one?.models ?? []).map((name) => ({ value: name, label: name })));
    setOptions(
      part.select,
      Object.entries(one?.parts ?? {}).map(([name, tracks]) => ({ value: name, label: `${name} (${plural(tracks, "track")})` })),
    );
    if (one && "test" in one.parts) part.select.value = "test";
    start.disabled = !one?.models.length || Boolean(follower);
    error.clear();
    if (one && !one.models.length) {
      error.show(new Error(`No model that is served has the ${one.tags} tags of these records.`));
    }
  }

  async function submit(event) {
    event.preventDefault();
    error.clear();
    start.disabled = true;
    const name = model.select.value;
    progress.show(null, `${name} starts …`);
    try {
      const { job } = await startJob({
        kind: "evaluate",
        model: name,
        records: recordsChoice.select.value,
        part: part.select.value,
      });
      remember({ job, name });
      follow(job, name);
    } catch (failure) {
      end("");
      error.show(failure);
    }
  }

  function follow(job, name) {
    follower = followJob(job, {
      progress: ({ done, total }) => progress.show(total ? done / total : null, `${done} of ${total ?? "?"} tracks`),
      done({ report }) {
        end(`${name} is evaluated. Its report is in the table.`);
        onReport(report);
      },
      failed({ error: sentence }) {
        end("");
        error.show(new Error(sentence));
      },
      cancelled: () => end("Cancelled."),
    });
  }

  /** Follows an evaluation that runs since before the page was loaded. */
  async function resume() {
    const { job, name } = remembered();
    if (!job) return;
    const state = await getJob(job).then((found) => found.state, () => null);
    if (state !== "queued" && state !== "running") return remember(null);
    start.disabled = true;
    progress.show(null, `${name} is being evaluated …`);
    follow(job, name);
  }

  function end(sentence) {
    follower = null;
    remember(null);
    start.disabled = false;
    progress.end(sentence);
  }

  return {
    node,
    async load() {
      try {
        records = await getRecords();
      } catch (failure) {
        error.show(failure);
        return;
      }
      const damaged = records.filter((one) => one.error);
      problems.replaceChildren(...damaged.map((one) => el("li", { text: `${one.name}: ${one.error}` })));
      records = records.filter((one) => !one.error);
      setOptions(
        recordsChoice.select,
        records.map((one) => ({ value: one.records, label: `${one.name} (${datasetName(one.dataset)})` })),
      );
      none.hidden = records.length + damaged.length > 0;
      form.hidden = !records.length;
      fillModels();
      await resume();
    },
  };
}

function remember(job) {
  try {
    if (job) sessionStorage.setItem(KEY, JSON.stringify(job));
    else sessionStorage.removeItem(KEY);
  } catch {
    // without storage, a page that is loaded again does not show the evaluation, which continues
  }
}

function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}
