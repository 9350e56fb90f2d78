/** A model beside its baselines, best first. */

import { h } from "./dom.js";
import { bytes, duration, number } from "./format.js";

/** @param {any} board */
export function leaderboard({ metric, part, rows, entries, skipped, sentence }) {
  const head = ["Model", metric.replaceAll("_", " "), "95% interval", "Fit", "Predict", "Size"];
  return h("section", { class: "card", "aria-label": "Baselines" }, h("h2", {}, "Baselines"), h("p", {}, `${sentence[0].toUpperCase()}${sentence.slice(1)}.`),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Leaderboard" }, h("table", {},
      h("caption", { class: "sr-only" }, `Models fitted on the same training rows, measured on ${rows} ${part} rows`),
      h("thead", {}, h("tr", {}, head.map((name, at) => h("th", { scope: "col", class: at ? "num" : undefined }, name)))),
      h("tbody", {}, entries.map((it) => h("tr", { "aria-current": it.is_job ? "true" : undefined }, h("th", { scope: "row" }, it.is_job ? h("strong", {}, `${it.model} (this job)`) : it.model),
        [number(it.value), `${number(it.low)} to ${number(it.high)}`, duration(it.fit_seconds), duration(it.predict_seconds), bytes(it.bytes)].map((text) => h("td", { class: "num" }, text))))))),
    skipped.map((it) => h("p", { class: "sub" }, `${it.model} is left out: ${it.reason}`)));
}
