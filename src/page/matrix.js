/** A confusion matrix: a number in each cell, one hue, by counts or by share of the true label. */

import { h, replace } from "./dom.js";
import { number } from "./format.js";
import { settingText } from "./parts.js";

/** @param {{labels: any[], counts: number[][], rows: string}} matrix */
export function confusionMatrix(matrix) {
  let byShare = false;
  const place = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Confusion matrix" });
  const toggle = h("button", { class: "small", type: "button", "aria-pressed": "false" }, "Share of each true label");
  toggle.addEventListener("click", () => {
    byShare = !byShare;
    toggle.setAttribute("aria-pressed", String(byShare));
    drawTable();
  });
  const largest = Math.max(1, ...matrix.counts.flat());
  function drawTable() {
    replace(place, h("table", { class: "matrix" },
      h("caption", { class: "sr-only" }, `Rows are true labels, columns predictions, counted over the ${matrix.rows} rows`),
      h("thead", {}, h("tr", {}, h("th", {}, "true \\ predicted"), matrix.labels.map((label) => h("th", { scope: "col" }, settingText(label))))),
      h("tbody", {}, matrix.counts.map((row, at) => {
        const sum = row.reduce((total, count) => total + count, 0);
        return h("tr", {}, h("th", { scope: "row", class: "truth" }, settingText(matrix.labels[at])), row.map((count) => {
          const share = sum > 0 ? count / sum : 0;
          const weight = byShare ? share : count / largest;
          return h("td", { style: { background: `color-mix(in srgb, var(--accent) ${Math.round(weight * 100)}%, var(--bg))`, color: weight > 0.5 ? "var(--accent-text)" : "var(--text)" } }, byShare ? `${Math.round(share * 100)} %` : number(count));
        }));
      }))));
  }
  drawTable();
  return h("section", { class: "card" }, h("div", { class: "row between" }, h("h2", {}, "Confusion matrix"), toggle), place, h("p", { class: "sub" }, `Counted over the ${matrix.rows} rows, with the weights that were kept.`));
}
