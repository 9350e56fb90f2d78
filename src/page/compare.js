/** What differs between jobs, and which of them are the same but for their seed. */

import { flatten } from "./parts.js";

/** Settings that say how a result comes about by chance. */
const SEEDS = ["training.seed", "split.seed", "training.shuffle_seed"];

/** What a person chose, as paths. @param {any} job @returns {Map<string, string>} */
export function settingsOf(job) {
  const { model, dataset, target, features, training, split, preprocessing, validation_dataset: validation } = job;
  const scales = (preprocessing?.applied ?? []).map((group) => `${JSON.stringify(group.scale ?? group.encode ?? group.type)}: ${(group.columns ?? []).join(", ")}`).join("; ");
  const entries = flatten({ model, dataset, target, features, validation_dataset: validation ?? null, training, ...(split ? { split } : {}), scales });
  return new Map(entries.map(([path, value]) => [path, JSON.stringify(value)]));
}

/** Rows for a table: those that differ first. @param {any[]} jobs @returns {{path: string, values: any[], differs: boolean}[]} */
export function differences(jobs) {
  const all = jobs.map(settingsOf);
  const paths = [...new Set(all.flatMap((settings) => [...settings.keys()]))];
  const rows = paths.map((path) => {
    const values = all.map((settings) => settings.get(path));
    return { path, values: values.map((text) => (text === undefined ? null : JSON.parse(text))), differs: values.some((text) => text !== values[0]) };
  });
  return [...rows.filter((row) => row.differs), ...rows.filter((row) => !row.differs)];
}

/** Jobs with the same settings but for their seeds. @param {any[]} jobs @returns {any[][]} */
export function bySeed(jobs) {
  /** @type {Map<string, any[]>} */
  const groups = new Map();
  for (const job of jobs) {
    const settings = settingsOf(job);
    SEEDS.forEach((seed) => settings.delete(seed));
    const key = JSON.stringify([...settings].sort());
    groups.set(key, [...(groups.get(key) ?? []), job]);
  }
  return [...groups.values()];
}
