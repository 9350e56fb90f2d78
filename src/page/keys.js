/** Keys of the whole page. None while someone types. */

import { h } from "./dom.js";
import { go } from "./route.js";

const HELP = [
  ["1 – 4", "Jobs, Data, Models, Start a training"],
  ["/", "Filter"],
  ["j, k or ↓, ↑", "Next and previous row of a table"],
  ["Space", "Select a job for comparison"],
  ["Enter", "Open"],
  ["c", "Compare the selected jobs"],
  ["←, →, Home, End", "In a chart: read the values"],
  ["+, −, Esc", "In a chart: zoom in, out, show everything"],
  ["?", "These keys"],
];

export function isTyping(event) {
  const target = event.target;
  return target instanceof HTMLElement && (target.matches("textarea, select, input:not([type=checkbox]):not([type=radio]):not([type=range])") || target.isContentEditable);
}

function help() {
  const earlier = document.querySelector("dialog.keys");
  earlier?.remove();
  const dialog = h("dialog.keys", { "aria-label": "Keys" }, h("h2", "Keys"),
    h("table", h("tbody", HELP.map(([keys, what]) => h("tr", h("th", { scope: "row" }, keys.split(/(, | or | – )/).map((part) => (/^(, | or | – )$/.test(part) ? part : h("kbd", part)))), h("td", what))))),
    h("form", { method: "dialog" }, h("button.primary", { type: "submit" }, "Close")));
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
}

export function bindKeys() {
  const views = ["jobs", "data", "models", "start"];
  addEventListener("keydown", (event) => {
    if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if (event.key === "?") help();
    else if (event.key === "/") {
      const filter = /** @type {HTMLElement | null} */ (document.querySelector("input[type=search]"));
      if (!filter) return;
      event.preventDefault();
      filter.focus();
    } else if (/^[1-4]$/.test(event.key)) go([views[Number(event.key) - 1]]);
  });
}

/** Arrow keys, j and k move between the rows of a table.
 * @param {HTMLElement} table @param {AbortSignal} signal @param {(row: HTMLElement, key: string) => boolean} act */
export function bindRows(table, signal, act) {
  addEventListener("keydown", (event) => {
    if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const focused = document.activeElement;
    // Buttons, links outside the table and charts keep their keys.
    const isInside = focused instanceof HTMLElement && table.contains(focused);
    if (!isInside && focused !== document.body && focused?.id !== "main") return;
    const rows = /** @type {HTMLElement[]} */ ([...table.querySelectorAll("tbody tr")]);
    const at = rows.findIndex((row) => row.classList.contains("current"));
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    if (step !== undefined && rows.length > 0) {
      event.preventDefault();
      const next = Math.min(rows.length - 1, Math.max(0, at < 0 ? 0 : at + step));
      for (const row of rows) row.classList.toggle("current", row === rows[next]);
      /** @type {HTMLElement | null} */ (rows[next].querySelector("a"))?.focus();
      rows[next].scrollIntoView({ block: "nearest" });
    } else if (at >= 0 && act(rows[at], event.key)) event.preventDefault();
  }, { signal });
}
