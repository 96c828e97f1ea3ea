/** Chooses a model, with a word about each. */

import { el, labelledSelect, setOptions } from "./dom.js";
import { count, datasetName, plural } from "./format.js";

/** @param {(name: string) => void} onModel */
export function createModelChooser(onModel) {
  const { field, select } = labelledSelect("Model", [], (name) => {
    describe();
    onModel(name);
  });
  const about = el("p", { class: "about" });
  let models = [];

  function describe() {
    const model = models.find(({ name }) => name === select.value);
    about.replaceChildren(...(model ? aboutModel(model) : []));
  }

  return {
    node: el("div", { class: "model-chooser" }, field, about),
    fill(list, chosen) {
      models = list;
      setOptions(
        select,
        list.map(({ name }) => ({ value: name, label: name })),
      );
      if (list.some(({ name }) => name === chosen)) select.value = chosen;
      describe();
    },
    get value() {
      return select.value;
    },
    set value(name) {
      if (models.some((model) => model.name === name)) select.value = name;
      describe();
    },
  };
}

/** What is said of a model: its summary, then facts. */
export function aboutModel(model) {
  const facts = [
    model.summary.includes(" tags") ? null : plural(model.tags.length, "tag"),
    datasetName(model.dataset),
    `${count(model.parameters)} parameters`,
    `licence ${model.licence}`,
  ];
  if (model.thresholds === "estimated") facts.push("thresholds estimated");
  if (!model.thresholds) facts.push("no thresholds");
  return [
    el("span", { class: "summary", text: model.summary }),
    el("span", { class: "facts", text: facts.filter(Boolean).join(" · ") }),
  ];
}
