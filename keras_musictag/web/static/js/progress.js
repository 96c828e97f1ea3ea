/** The line that says how far a job is, with a button to cancel it. It keeps its height when nothing runs. */

import { announce, el } from "./dom.js";

/** @param {string} label what is worked on, for screen readers */
export function createProgress(label, onCancel) {
  const bar = el("progress", { max: 1, "aria-label": label });
  const text = el("span", { class: "progress-text" });
  const cancel = el("button", { type: "button", class: "small", text: "Cancel", on: { click: onCancel } });
  const node = el("div", { class: "progress-line" }, bar, text, cancel);
  const running = (on) => {
    bar.hidden = !on;
    cancel.hidden = !on;
    node.classList.toggle("running", on);
  };
  running(false);
  return {
    node,
    /** @param {number|null} share from 0 to 1; null if it is not known */
    show(share, sentence) {
      running(true);
      if (share === null || !Number.isFinite(share)) bar.removeAttribute("value");
      else bar.value = share;
      text.textContent = sentence;
    },
    /** Ends with a sentence, which is also said to screen readers. */
    end(sentence) {
      running(false);
      text.textContent = sentence;
      if (sentence) announce(sentence);
    },
  };
}
