/** Starts the page: theme, session, views. */

import { startRouter } from "./router.js";
import { startSession } from "./session.js";
import { startTheme } from "./theme.js";
import { compareView } from "./views/compare.js";
import { evaluateView } from "./views/evaluate.js";
import { libraryView } from "./views/library.js";
import { tagView } from "./views/tag.js";

startTheme(document.getElementById("theme"));
const main = document.getElementById("main");
await startSession(main);
startRouter(main, { tag: tagView, compare: compareView, evaluate: evaluateView, library: libraryView });
