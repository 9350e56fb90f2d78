/** What a person who watches would notice in the curves. */

import { unitOf } from "./format.js";

/** @typedef {{kind: string, epoch: number | null, text: string}} Finding */

/**
 * @param {import("./series.js").History} history
 * @param {any} job
 * @returns {Finding[]}
 */
export function diagnose(history, job) {
  /** @type {Finding[]} */
  const findings = [];
  const loss = history.metrics.loss?.last ?? [];
  const validation = history.metrics.val_loss?.last ?? [];
  const epochs = history.epoch;
  const unit = unitOf(job);
  const lost = loss.findIndex((value) => !Number.isFinite(value));
  if (lost >= 0) findings.push({ kind: "not_finite", epoch: epochs[lost], text: `The loss is not finite from ${unit} ${epochs[lost]} on. Try a smaller learning rate, or look for extreme values in the data.` });
  if (job?.error?.code === "diverged") findings.push({ kind: "diverged", epoch: null, text: job.error.detail });
  const overfit = overfitting(epochs, loss, validation, unit);
  if (overfit) findings.push(overfit);
  const flat = nothingLearned(epochs, loss, unit);
  if (flat) findings.push(flat);
  return findings;
}

/** The validation loss has its minimum, then rises for long while the training loss falls.
 * @param {number[]} epochs @param {number[]} loss @param {number[]} validation @param {string} unit @returns {Finding | null} */
function overfitting(epochs, loss, validation, unit) {
  if (validation.length < 8) return null;
  let best = 0;
  for (let index = 1; index < validation.length; index += 1) if (validation[index] < validation[best]) best = index;
  const last = validation.length - 1;
  const since = last - best;
  if (since < Math.max(5, validation.length * 0.1)) return null;
  const recent = mean(validation.slice(-Math.max(3, Math.floor(since / 3))));
  const rises = recent > validation[best] + 0.03 * Math.abs(validation[best]);
  if (!rises || !(loss[last] < loss[best])) return null;
  const remedy = unit === "epoch" ? "dropout, fewer units" : "smaller trees, a smaller learning rate";
  return {
    kind: "overfitting",
    epoch: epochs[best],
    text: `Overfitting begins after ${unit} ${epochs[best]}: from there the validation loss rises while the training loss falls. Early stopping would keep ${unit} ${epochs[best]}; ${remedy} or more data may go further.`,
  };
}

/** The loss is where it began. @param {number[]} epochs @param {number[]} loss @param {string} unit @returns {Finding | null} */
function nothingLearned(epochs, loss, unit) {
  const finite = loss.filter(Number.isFinite);
  if (epochs[epochs.length - 1] < 10 || finite.length < 5) return null;
  const best = Math.min(...finite);
  if (finite[0] - best > 0.01 * Math.abs(finite[0])) return null;
  return { kind: "nothing_learned", epoch: null, text: `Nothing was learned so far: the loss is within 1 % of that of the first ${unit}. Try a larger learning rate, another scale of the columns, or check the target.` };
}

/** @param {number[]} values */
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
