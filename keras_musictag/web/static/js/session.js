/** The token of a server that is open to a network: from the address (`#token=...`) or typed in, exchanged for a cookie. */

import { ApiError, getModels, openSession } from "./api.js";
import { el, errorPlace, newId } from "./dom.js";

/** Resolves when the server answers, after asking for a token where one is needed. */
export async function startSession(main) {
  // the same address, pasted into an open page, changes only the fragment
  addEventListener("hashchange", () => tokenInAddress() && location.reload());
  const token = tokenInAddress();
  if (token) {
    // out of the address before anything else, so that it stays neither in the history nor on a screenshot
    history.replaceState(null, "", location.pathname + location.search);
    try {
      await openSession(token);
    } catch (error) {
      await askForToken(main, error);
    }
  }
  for (;;) {
    try {
      await getModels();
      return;
    } catch (error) {
      if (error.status === 401) await askForToken(main, null);
      else await offerRetry(main, error);
    }
  }
}

const tokenInAddress = () => new URLSearchParams(location.hash.slice(1)).get("token");

function askForToken(main, error) {
  const id = newId("token");
  const place = errorPlace();
  if (error) place.show(error);
  const input = el("input", { id, type: "password", autocomplete: "off", required: true });
  return new Promise((resolve) => {
    const submit = async (event) => {
      event.preventDefault();
      try {
        await openSession(input.value.trim());
        form.remove();
        resolve();
      } catch (failure) {
        place.show(failure);
      }
    };
    const form = el(
      "form",
      { class: "gate", on: { submit } },
      el("h1", { text: "This server asks for a token" }),
      el("p", { text: "keras-musictag serve printed it when it started, as a part of the page's address." }),
      el("div", { class: "field" }, el("label", { for: id, text: "Token" }), input),
      place.node,
      el("button", { type: "submit", class: "primary", text: "Open" }),
    );
    main.append(form);
    input.focus();
  });
}

function offerRetry(main, error) {
  return new Promise((resolve) => {
    const again = () => {
      notice.remove();
      resolve();
    };
    const notice = el(
      "div",
      { class: "gate", role: "alert" },
      el("h1", { text: error instanceof ApiError ? "The server does not answer" : "Something went wrong" }),
      el("p", { text: error.message }),
      el("button", { type: "button", class: "primary", text: "Try again", on: { click: again } }),
    );
    main.append(notice);
  });
}
