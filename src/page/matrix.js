/** A confusion matrix: a number in each cell, one hue, by counts or by share of the true label. */

import { card, h, replace, scrolled } from "./dom.js";
import { number } from "./format.js";
import { settingText } from "./parts.js";

/** @param {{labels: any[], counts: number[][], rows: string}} matrix */
export function confusionMatrix(matrix) {
  let byShare = false;
  const place = scrolled("Counts by true and predicted label");
  const toggle = h("button.small", { "aria-pressed": "false" }, "Share of each true label");
  toggle.addEventListener("click", () => {
    byShare = !byShare;
    toggle.setAttribute("aria-pressed", String(byShare));
    drawTable();
  });
  const largest = Math.max(1, ...matrix.counts.flat());
  function drawTable() {
    replace(place, h("table.matrix",
      h("caption.sr-only", `Rows are true labels, columns predictions, counted over the ${matrix.rows} rows`),
      h("thead", h("tr", h("th", "true \\ predicted"), matrix.labels.map((label) => h("th", { scope: "col" }, settingText(label))))),
      h("tbody", matrix.counts.map((row, at) => {
        const sum = row.reduce((total, count) => total + count, 0);
        return h("tr", h("th", { scope: "row", class: "truth" }, settingText(matrix.labels[at])), row.map((count) => {
          const share = sum > 0 ? count / sum : 0;
          const weight = byShare ? share : count / largest;
          return h("td", { style: { background: `color-mix(in srgb, var(--accent) ${Math.round(weight * 100)}%, var(--bg))`, color: weight > 0.5 ? "var(--accent-text)" : "var(--text)" } }, byShare ? `${Math.round(share * 100)} %` : number(count));
        }));
      }))));
  }
  drawTable();
  return card("Confusion matrix", toggle, place, h("p.sub", `Counted over the ${matrix.rows} rows, with the weights that were kept.`));
}
