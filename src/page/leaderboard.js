/** A model beside its baselines, best first. */

import { card, h, num, numTitle, rowTitle, table } from "./dom.js";
import { bytes, duration, number } from "./format.js";

export function leaderboard({ metric, part, rows, entries, skipped, sentence }) {
  const titles = ["Model", ...[metric.replaceAll("_", " "), "95% interval", "Fit", "Predict", "Size"].map((title) => numTitle(title))];
  const lines = entries.map((it) => h("tr", { "aria-current": it.is_job ? "true" : undefined }, rowTitle(it.is_job ? h("strong", `${it.model} (this job)`) : it.model),
    [number(it.value), `${number(it.low)} to ${number(it.high)}`, duration(it.fit_seconds), duration(it.predict_seconds), bytes(it.bytes)].map((text) => num(text))));
  return card("Baselines", null, h("p", `${sentence[0].toUpperCase()}${sentence.slice(1)}.`),
    lines.length ? table(`Models fitted on the same training rows, measured on ${rows} ${part} rows`, titles, lines) : null,
    skipped.map((it) => h("p.sub", `${it.model} is left out: ${it.reason}`)));
}
