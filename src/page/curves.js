/** The history of some jobs, kept up to date, and read in finer buckets where someone zooms in. */

import { api } from "./api.js";
import "./chart.js";
import { h } from "./dom.js";
import * as jobs from "./jobs.js";
import { appended, fromAnswer, lastEpoch } from "./series.js";

const POINTS = 1000;
const PAUSE = 300;

/** @typedef {import("./series.js").History} History */

export class Curves {
  /** @type {Map<string, {history: History, attempt: number, isReading: boolean, again: boolean}>} */ #jobs = new Map();
  /** @type {Map<string, History>} */ #detail = new Map();
  /** @type {[number, number] | null} */ #range = null;
  #later = 0;

  /** @param {string[]} ids @param {() => void} changed @param {AbortSignal} signal */
  constructor(ids, changed, signal) {
    this.ids = ids;
    this.changed = changed;
    this.signal = signal;
  }

  async start() {
    await Promise.all(this.ids.map((id) => this.#read(id, true)));
    if (this.signal.aborted) return;
    this.signal.addEventListener("abort", jobs.watch((ids) => this.ids.filter((id) => ids.has(id)).forEach((id) => void this.#read(id, false))));
  }

  /** What is drawn: within a zoomed range in finer buckets. @param {string} id @returns {History | null} */
  of(id) {
    const whole = this.#jobs.get(id)?.history ?? null;
    const detail = this.#detail.get(id);
    return whole && detail ? spliced(whole, detail) : whole;
  }

  /** @param {string} id */
  whole(id) {
    return this.#jobs.get(id)?.history ?? null;
  }

  /** Reads a range of epochs in finer buckets. @param {[number, number] | null} range */
  zoom(range) {
    this.#range = range;
    clearTimeout(this.#later);
    if (range === null) {
      this.#detail.clear();
      this.changed();
      return;
    }
    this.#later = window.setTimeout(async () => {
      const coarse = this.ids.filter((id) => (this.#jobs.get(id)?.history.bucket ?? 1) > 1);
      await Promise.all(coarse.map(async (id) => {
        const detail = await api.history(id, { points: POINTS, from: Math.max(0, Math.floor(range[0])), to: Math.ceil(range[1]) }).catch(() => null);
        if (detail && this.#range === range) this.#detail.set(id, fromAnswer(detail));
      }));
      if (coarse.length > 0 && !this.signal.aborted) this.changed();
    }, 120);
  }

  /** Reads what is new: everything at first, and where another attempt began. @param {string} id @param {boolean} isFirst */
  async #read(id, isFirst) {
    const earlier = this.#jobs.get(id);
    if (earlier?.isReading) {
      earlier.again = true;
      return;
    }
    const job = jobs.get(id);
    const known = earlier ? lastEpoch(earlier.history) : 0;
    const attempt = job?.attempt ?? 0;
    const isOther = !earlier || attempt !== earlier.attempt || (job && job.progress.epoch < known) || earlier.history.epoch.length > 2.5 * POINTS;
    if (!isFirst && !isOther && job && job.progress.epoch <= known) return this.changed();
    if (earlier) earlier.isReading = true;
    try {
      const query = isOther ? { points: POINTS } : { points: 10000, from: known + 1 };
      const part = fromAnswer(await api.history(id, query));
      if (this.signal.aborted) return;
      const history = isOther || !earlier ? part : appended(earlier.history, part);
      // Finer buckets of an earlier attempt are of other epochs.
      if (earlier && attempt !== earlier.attempt) this.#detail.delete(id);
      const again = earlier?.again ?? false;
      this.#jobs.set(id, { history, attempt, isReading: false, again: false });
      this.changed();
      if (again) setTimeout(() => void this.#read(id, false), PAUSE);
    } catch (error) {
      if (earlier) earlier.isReading = false;
      if (isFirst) throw error;
      // What is missing is read with the next change, or when the service is back.
    }
  }
}

/** `whole` with `detail` in place of the entries that it covers. @param {History} whole @param {History} detail @returns {History} */
function spliced(whole, detail) {
  if (detail.epoch.length === 0) return whole;
  const [first, last] = [detail.epoch[0], lastEpoch(detail)];
  const before = whole.epoch.findIndex((epoch) => epoch >= first);
  const head = before < 0 ? whole.epoch.length : before;
  const behind = whole.epoch.findIndex((epoch) => epoch > last);
  const tail = behind < 0 ? whole.epoch.length : behind;
  const join = (list, middle) => [...list.slice(0, head), ...middle, ...list.slice(tail)];
  /** @type {History["metrics"]} */
  const metrics = {};
  for (const [name, column] of Object.entries(whole.metrics)) {
    const inner = detail.metrics[name];
    const none = detail.epoch.map(() => NaN);
    metrics[name] = { last: join(column.last, inner?.last ?? none), min: join(column.min, inner?.min ?? none), max: join(column.max, inner?.max ?? none) };
  }
  return { bucket: whole.bucket, epoch: join(whole.epoch, detail.epoch), at: join(whole.at, detail.at), metrics };
}

/** What the toolbar of a view says, and the address keeps. @typedef {{x: "epoch" | "time", xLog: boolean, yLog: boolean, smoothing: number}} Tools */

/** The x values of a job: epochs, or seconds since its first epoch began. @param {History} history @param {any} job @param {Tools["x"]} axis */
export function xOf(history, job, axis) {
  if (axis === "epoch") return history.epoch;
  const seconds = history.metrics.seconds?.last[0];
  const began = history.at.length > 0 ? history.at[0] - (Number.isFinite(seconds) ? seconds : 0) : Date.parse(job?.started_at ?? "") / 1000;
  return history.at.map((at) => Math.max(0, at - began));
}

/** Whether a band of minimum and maximum says more than the line. @param {History} history */
export const hasBand = (history) => history.bucket > 1;

/** Where the best epoch of a job is in its history; -1 where that is not known. @param {History} history @param {any} job */
export const bestIn = (history, job) => (job.best_epoch ? history.epoch.findIndex((epoch) => epoch >= job.best_epoch) : -1);

/** The charts of a view, by title. */
export class Charts {
  /** @type {Map<string, import("./chart.js").EpocaChart>} */ #shown = new Map();
  element = h("div.grid");

  /** @param {Curves} curves @param {Tools} tools @param {(title: string) => string} [address] where the service has a chart as SVG */
  constructor(curves, tools, address) {
    this.curves = curves;
    this.tools = tools;
    this.address = address;
  }

  /** The chart with this title, made when it is first asked for. @param {string} title */
  of(title) {
    const known = this.#shown.get(title);
    if (known) return known;
    const chart = /** @type {import("./chart.js").EpocaChart} */ (document.createElement("epoca-chart"));
    chart.heading = title;
    chart.href = this.address?.(title) ?? "";
    chart.addEventListener("zoom", (event) => this.tools.x === "epoch" && this.curves.zoom(/** @type {CustomEvent} */ (event).detail));
    this.#shown.set(title, chart);
    this.element.append(chart);
    return chart;
  }

  /** Removes the other charts. @param {string[]} titles */
  keep(titles) {
    for (const [title, chart] of this.#shown) {
      if (titles.includes(title)) continue;
      chart.remove();
      this.#shown.delete(title);
    }
  }
}
