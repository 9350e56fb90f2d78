/** A job's history as columns that grow: what the API answers, and what comes after it. */

/**
 * @typedef {object} Column
 * @property {number[]} last
 * @property {number[]} min
 * @property {number[]} max
 */

/**
 * @typedef {object} History
 * @property {number} bucket epochs per entry, of the first entries
 * @property {number[]} epoch
 * @property {number[]} at seconds since 1970
 * @property {Record<string, Column>} metrics
 */

const NUMBER = (value) => (value === null ? NaN : value);

/** @param {any} answer of `/v1/jobs/{job}/history` @returns {History} */
export function fromAnswer(answer) {
  /** @type {Record<string, Column>} */
  const metrics = {};
  for (const [name, column] of Object.entries(answer.metrics)) {
    const { last, min, max } = /** @type {any} */ (column);
    metrics[name] = { last: last.map(NUMBER), min: min.map(NUMBER), max: max.map(NUMBER) };
  }
  return { bucket: answer.bucket, epoch: [...answer.epoch], at: answer.at.map((at) => Date.parse(at) / 1000), metrics };
}

/** `history` with `tail` behind it: entries of `history` that `tail` has again are replaced.
 * @param {History} history @param {History} tail @returns {History} */
export function appended(history, tail) {
  if (tail.epoch.length === 0) return history;
  const first = tail.epoch[0];
  let keep = history.epoch.length;
  while (keep > 0 && history.epoch[keep - 1] >= first) keep -= 1;
  const names = new Set([...Object.keys(history.metrics), ...Object.keys(tail.metrics)]);
  /** @type {Record<string, Column>} */
  const metrics = {};
  for (const name of names) {
    metrics[name] = { last: [], min: [], max: [] };
    for (const part of /** @type {const} */ (["last", "min", "max"])) {
      const before = history.metrics[name]?.[part].slice(0, keep) ?? new Array(keep).fill(NaN);
      const after = tail.metrics[name]?.[part] ?? new Array(tail.epoch.length).fill(NaN);
      metrics[name][part] = before.concat(after);
    }
  }
  return {
    bucket: Math.max(history.bucket, tail.bucket),
    epoch: history.epoch.slice(0, keep).concat(tail.epoch),
    at: history.at.slice(0, keep).concat(tail.at),
    metrics,
  };
}

/** The last epoch; 0 before the first. @param {History} history */
export const lastEpoch = (history) => history.epoch[history.epoch.length - 1] ?? 0;

/** Whether small values of this metric are good; null where that is not known. @param {string} name */
export function isLowBetter(name) {
  if (/accuracy|auc|precision|recall|f1|f_?beta|r2|kappa|corrcoef|iou|cosine|explained/.test(name)) return false;
  if (/loss|error|mse|mae|rmse|msle|mape|crossentropy|hinge|divergence|poisson|seconds/.test(name)) return true;
  return null;
}

/** What describes the run itself. */
export const RUN = ["learning_rate", "samples_per_second", "seconds"];

/** Metrics by chart: `loss` with `val_loss`, one chart for each other metric; what describes the run itself comes last.
 * @param {Iterable<string>} names @returns {{title: string, names: string[]}[]} */
export function charts(names) {
  const run = RUN;
  /** @type {Map<string, string[]>} */
  const groups = new Map();
  for (const name of names) {
    const base = name.replace(/^val_/, "");
    groups.set(base, [...(groups.get(base) ?? []), name]);
  }
  const rank = (base) => (base === "loss" ? -1 : run.includes(base) ? 10 + run.indexOf(base) : 0);
  return [...groups].sort(([a], [b]) => rank(a) - rank(b)).map(([title, members]) => ({ title, names: members.sort((a, b) => a.length - b.length) }));
}
