/** Small helpers to build elements. The page never writes HTML from strings, so a file's name cannot become markup. */

/**
 * Makes an element.
 * @param {string} name
 * @param {Object<string, *>} [properties] `class`, `text`, `on` (listeners by event) and attributes; null leaves one out.
 * @param {...(Node|string|null)} children
 * @returns {HTMLElement}
 */
export function el(name, properties = {}, ...children) {
  return fill(document.createElement(name), properties, children);
}

/** The same for SVG. */
export function svg(name, properties = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), properties, children);
}

function fill(node, properties, children) {
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else if (key === "text") node.textContent = value;
    else if (key === "class") node.setAttribute("class", value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

let ids = 0;

/** An id that no other element of the page has. */
export function newId(prefix) {
  ids += 1;
  return `${prefix}-${ids}`;
}

/** Says something to screen readers without showing it. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}

/** A `<select>` with a label above it. `options` are {value, label}, and `disabled` for what only shows a state. */
export function labelledSelect(label, options, onChange) {
  const id = newId("select");
  const select = el("select", { id, on: { change: () => onChange?.(select.value) } });
  setOptions(select, options);
  return { field: el("div", { class: "field" }, el("label", { for: id, text: label }), select), select };
}

/** Replaces the options of a select, and keeps the chosen one if it is still there. */
export function setOptions(select, options) {
  const chosen = select.value;
  select.replaceChildren(...options.map(({ value, label, disabled }) => el("option", { value, disabled, text: label })));
  if (options.some(({ value }) => value === chosen)) select.value = chosen;
}

/**
 * A few choices of which one holds, as radio buttons that look like one control.
 * @returns {HTMLFieldSetElement}
 */
export function segmented(legend, choices, chosen, onChange) {
  const name = newId("choice");
  const buttons = choices.map(({ value, label }) => {
    const id = newId("radio");
    const input = el("input", { type: "radio", id, name, value, on: { change: () => onChange(value) } });
    input.checked = value === chosen;
    return [input, el("label", { for: id, text: label })];
  });
  return el("fieldset", { class: "segmented" }, el("legend", { text: legend }), el("div", {}, buttons.flat()));
}

/** A place for one error sentence, next to the thing it is about; empty most of the time. */
export function errorPlace() {
  const node = el("p", { class: "error", role: "alert" });
  return {
    node,
    show(error) {
      node.textContent = error.message ?? String(error);
    },
    clear() {
      node.textContent = "";
    },
  };
}
