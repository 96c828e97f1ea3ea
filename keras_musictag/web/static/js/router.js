/** Views by the address's fragment: `#/tag?source=demo:demo`. Each view keeps its state while another is shown. */

import { el } from "./dom.js";

/**
 * @typedef {Object} View
 * @property {string} title
 * @property {(root: HTMLElement) => void} create builds the view once
 * @property {(path: string[], parameters: URLSearchParams) => void} show
 * @property {() => void} [hide] stops sound
 */

let current = null; // the name of the view that is shown

/**
 * Writes parameters into the address without a new entry in the history and without showing the view again. A view that
 * was left while it loaded writes nothing: the address is another's by then.
 */
export function setParameters(view, parameters) {
  if (view !== current) return;
  const kept = Object.entries(parameters).filter(([, value]) => value);
  const query = kept.map(([key, value]) => `${key}=${encodeURIComponent(value).replaceAll("%3A", ":")}`).join("&");
  history.replaceState(null, "", `#/${view}${query ? `?${query}` : ""}`);
}

/** @param {Object<string, View>} views the first is the one for an address without a fragment */
export function startRouter(main, views) {
  const sections = {};

  function go(moveFocus) {
    const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
    const [name, ...rest] = path.split("/").map(decodeURIComponent);
    const view = name in views ? name : Object.keys(views)[0];
    if (current && current !== view) views[current].hide?.();
    if (!sections[view]) {
      sections[view] = el("section", { class: `view view-${view}` });
      main.append(sections[view]);
      views[view].create(sections[view]);
    }
    for (const [key, section] of Object.entries(sections)) section.hidden = key !== view;
    for (const link of document.querySelectorAll("nav [data-view]")) {
      if (link.dataset.view === view) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const changed = current !== view;
    current = view;
    document.title = `${views[view].title} · keras_musictag`;
    views[view].show(rest, new URLSearchParams(query ?? ""));
    if (moveFocus && changed) {
      scrollTo(0, 0);
      sections[view].querySelector("h1")?.focus({ preventScroll: true });
    }
  }

  addEventListener("hashchange", () => {
    // the skip link's fragment is no view
    if (location.hash === "#main") return;
    go(true);
  });
  go(false);
}
