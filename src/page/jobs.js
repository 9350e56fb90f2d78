/** The jobs as this page knows them: a list from the API, kept up to date by the event stream. */

import { api, storedKey } from "./api.js";
import { follow } from "./events.js";

/** @typedef {any} Job */

/** @type {Map<string, Job>} */
const known = new Map();
/** When a job was last heard of in the stream. @type {Map<string, number>} */
const heard = new Map();
/** @type {Set<(ids: Set<string>) => void>} */
const watchers = new Set();
/** @type {Set<(state: {live: boolean, since: number}) => void>} */
const connectionWatchers = new Set();
/** @type {Set<(job: string, data: any) => void>} */
const progressWatchers = new Set();
/** @type {Set<string>} */
let changed = new Set();
let scheduled = false;
let connection = { live: false, since: Date.now() };
/** @type {Promise<void> | null} */
let loaded = null;

/** @param {string} id */
function mark(id) {
  changed.add(id);
  if (scheduled) return;
  scheduled = true;
  // At most ten times a second, also where epochs take a millisecond.
  setTimeout(() => {
    scheduled = false;
    const ids = changed;
    changed = new Set();
    for (const watcher of watchers) watcher(ids);
  }, 100);
}

/** @param {boolean} live */
function setConnection(live) {
  connection = { live, since: Date.now() };
  for (const watcher of connectionWatchers) watcher(connection);
}

/** Requests for the list, and the last of them that was answered: an answer that comes behind it is older. */
let [asked, answered] = [0, 0];

/** Reads the list again; what the stream said meanwhile is newer. */
async function refresh() {
  const began = Date.now();
  const own = (asked += 1);
  const jobs = await api.jobs();
  if (own < answered) return;
  answered = own;
  for (const job of jobs) {
    if ((heard.get(job.id) ?? 0) < began) put(job);
  }
}

/** @param {Job} job */
function put(job) {
  const earlier = known.get(job.id);
  known.set(job.id, { ...earlier, ...job, step: job.status === "running" ? earlier?.step : null });
  mark(job.id);
}

function receive(message) {
  if (message.kind === "lost") setConnection(false);
  else if (message.kind === "open") {
    setConnection(true);
    // Jobs that ended while nobody listened are in no event.
    loaded = refresh();
    loaded.catch(() => {});
  } else if (message.event.type === "job") {
    heard.set(message.event.data.id, Date.now());
    put({ ...message.event.data, step: null });
  } else if (message.event.type === "progress") {
    const job = known.get(message.event.job);
    if (job) {
      const { data } = message.event;
      known.set(job.id, { ...job, step: data, progress: { ...job.progress, fraction: data.fraction ?? job.progress.fraction } });
      mark(job.id);
    }
    for (const watcher of progressWatchers) watcher(message.event.job, message.event.data);
  }
}

/** Connects to the stream, once. */
export function start() {
  if (typeof SharedWorker === "function") {
    try {
      const worker = new SharedWorker(new URL("./events.js", import.meta.url), { type: "module", name: "epoca" });
      worker.port.addEventListener("message", (event) => receive(event.data));
      worker.port.start();
      const here = () => worker.port.postMessage({ key: storedKey() });
      here();
      setInterval(here, 10000);
      addEventListener("pageshow", here);
      worker.addEventListener("error", () => follow(receive).setKey(storedKey()), { once: true });
      return;
    } catch {
      // A browser without module workers follows the stream itself.
    }
  }
  follow(receive).setKey(storedKey());
}

/** Resolves once the list is there. */
export async function ready() {
  loaded ??= refresh();
  await loaded;
}

export const all = () => [...known.values()].sort((a, b) => (a.id < b.id ? 1 : -1));

/** @param {string} id */
export const get = (id) => known.get(id);

/**
 * Adds the answer of a request. What the stream told since the request began is newer, apart from what only requests change.
 * @param {Job} job @param {number} began when the request began
 */
export function add(job, began) {
  const earlier = known.get(job.id);
  const isOlder = earlier && (heard.get(job.id) ?? 0) >= began;
  put(isOlder ? { ...job, ...earlier, labels: job.labels, note: job.note } : job);
}

/** Calls `watcher` with the ids of changed jobs; returns what ends it. @param {(ids: Set<string>) => void} watcher */
export function watch(watcher) {
  watchers.add(watcher);
  return () => void watchers.delete(watcher);
}

/** @param {(state: {live: boolean, since: number}) => void} watcher */
export function watchConnection(watcher) {
  connectionWatchers.add(watcher);
  watcher(connection);
  return () => void connectionWatchers.delete(watcher);
}

export const hasEnded = (job) => ["succeeded", "failed", "cancelled"].includes(job.status);

/** The metric by which a job is judged, its last and its best value. @param {Job} job */
export function headline(job) {
  const monitored = job.training?.early_stopping?.monitor;
  const metrics = job.metrics ?? {};
  const names = Object.keys(metrics);
  const name = (monitored in metrics && monitored) || names.find((it) => it === "val_loss") || names.find((it) => it === "loss");
  const score = names.filter((it) => !it.endsWith("loss")).sort((a, b) => Number(b.startsWith("val_")) - Number(a.startsWith("val_")))[0];
  return {
    name: name ?? null,
    last: name ? metrics[name] : null,
    best: name ? (job.best?.[name] ?? null) : null,
    score: score ?? null,
    scoreLast: score ? metrics[score] : null,
    scoreBest: score ? (job.best?.[score] ?? null) : null,
  };
}
