/** The shell: the address decides which view is shown. */

import { h, replace, setText, toast } from "./dom.js";
import { textOf } from "./api.js";
import { parse, go } from "./route.js";
import { get, hasEnded, headline, start, watch, watchConnection } from "./jobs.js";
import { ago, number } from "./format.js";
import { bindKeys } from "./keys.js";

/** Each view is a module that is loaded when it is first shown. @type {Record<string, () => Promise<{show: View}>>} */
const VIEWS = {
  jobs: () => import("./view-jobs.js"),
  job: () => import("./view-job.js"),
  compare: () => import("./view-compare.js"),
  data: () => import("./view-data.js"),
  dataset: () => import("./view-dataset.js"),
  start: () => import("./view-start.js"),
  models: () => import("./view-models.js"),
  model: () => import("./view-model.js"),
};

/** @typedef {(place: HTMLElement, route: import("./route.js").Route, signal: AbortSignal) => void | Promise<void>} View */

const main = /** @type {HTMLElement} */ (document.getElementById("main"));
/** @type {AbortController | null} */
let current = null;
let shown = "";

/** The view of a route: `#/jobs/ID` is a job. @param {import("./route.js").Route} route */
function viewOf({ view, path }) {
  const single = { jobs: "job", data: "dataset", models: "model" };
  if (path.length > 0 && view in single) return single[/** @type {keyof typeof single} */ (view)];
  return view;
}

async function render() {
  const route = parse(location.hash);
  const name = viewOf(route);
  const load = VIEWS[name];
  if (!load) return go(["jobs"]);
  current?.abort();
  current = new AbortController();
  const { signal } = current;
  // A question belongs to the view that asked it.
  for (const dialog of /** @type {NodeListOf<HTMLDialogElement>} */ (document.querySelectorAll("dialog:not(.key)"))) dialog.close();
  const place = h("div.contents");
  for (const link of document.querySelectorAll(".bar nav a")) {
    const isCurrent = link.getAttribute("data-view") === route.view || (route.view === "compare" && link.getAttribute("data-view") === "jobs");
    if (isCurrent) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const isFirst = shown === "";
  shown = location.hash;
  try {
    const { show } = await load();
    if (signal.aborted) return;
    replace(main, place);
    scrollTo(0, 0);
    // A reader hears that the view changed; at the first view the focus stays with the browser.
    if (!isFirst) main.focus({ preventScroll: true });
    await show(place, route, signal);
  } catch (error) {
    if (!signal.aborted) replace(main, h("div.note.bad", { role: "alert" }, h("strong", "This cannot be shown"), h("p", textOf(error)), h("p", h("a", { href: "#/jobs" }, "Back to the jobs"))));
  }
  if (signal.aborted) return;
  const heading = main.querySelector("h1")?.textContent;
  document.title = heading ? `${heading} – epoca` : "epoca";
}

const connection = /** @type {HTMLElement} */ (document.getElementById("connection"));
let state = { live: false, since: Date.now() };
function showConnection() {
  const waited = Date.now() - state.since;
  // A page that has just been opened is not stale.
  const isStale = !state.live && waited > 1500;
  connection.classList.toggle("stale", isStale);
  setText(connection, isStale ? `Not live since ${ago(new Date(state.since).toISOString()).replace(" ago", "")}` : "Live");
}
watchConnection((next) => {
  state = next;
  showConnection();
});
setInterval(showConnection, 1000);

/** Jobs that ran while this page was open: their end is told in every view. @type {Set<string>} */
const running = new Set();
watch((ids) => {
  for (const id of ids) {
    const job = get(id);
    if (!hasEnded(job)) running.add(id);
    else if (running.delete(id) && job.status !== "cancelled") {
      const { name, best } = headline(job);
      if (job.status === "failed") toast(`${job.model} failed: ${job.error?.detail ?? ""}`, "error");
      else toast(`${job.model} is trained${name && best !== null ? `: best ${name} ${number(best)}` : ""}`);
    }
  }
});

addEventListener("hashchange", () => void render());
bindKeys();
start();
void render();
