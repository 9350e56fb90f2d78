/** Data: files dropped here become datasets. */

import { api, textOf, upload } from "./api.js";
import { empty, field, h, replace } from "./dom.js";
import { ago, bytes, number, plural } from "./format.js";
import { files, nameOf, optionsForm } from "./reading.js";
import { format, go } from "./route.js";

/** @type {import("./main.js").View} */
export async function show(place, _route, signal) {
  const list = h("div", { class: "card" });
  const uploads = h("div", { style: { display: "grid", gap: "12px" }, "aria-live": "polite" });
  const chooser = h("input", { type: "file", multiple: true, class: "sr-only", tabindex: -1, "aria-label": "Files" });
  const drop = h("div", { class: "drop" }, h("strong", {}, "Drop a table here"), h("p", { class: "muted" }, "CSV, TSV, JSON or NDJSON, also as gzip. Separator, decimal mark, types and missing values are detected, and you see how."),
    h("button", { type: "button", class: "primary", onclick: () => chooser.click() }, "Choose a file"), chooser);
  replace(place, h("h1", {}, "Data"), drop, uploads, list);

  chooser.addEventListener("change", () => {
    for (const file of chooser.files ?? []) void send(file);
    chooser.value = "";
  });
  const over = (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    drop.classList.toggle("over", event.type === "dragover" || event.type === "dragenter");
  };
  // A file that misses the box is not opened by the browser instead.
  for (const type of ["dragenter", "dragover", "dragleave"]) addEventListener(type, /** @type {EventListener} */ (over), { signal });
  addEventListener("drop", (event) => {
    over(event);
    for (const file of event.dataTransfer?.files ?? []) void send(file);
  }, { signal });

  /** @param {File} file @param {{name?: string, options?: any}} [settings] */
  async function send(file, settings = {}) {
    const name = settings.name ?? nameOf(file.name);
    const bar = h("span", { style: { width: "0" } });
    const percent = h("span", { class: "nums muted" }, "0 %");
    const card = h("div", { class: "card" }, h("div", { class: "row between" }, h("strong", {}, file.name), h("span", { class: "muted" }, bytes(file.size)), percent), h("span", { class: "progress big", role: "progressbar", "aria-label": `Upload of ${file.name}` }, bar));
    uploads.append(card);
    try {
      const dataset = await upload(file, { name, options: settings.options }, (fraction) => {
        bar.style.width = `${fraction * 100}%`;
        percent.textContent = fraction < 1 ? `${Math.floor(fraction * 100)} %` : "is being read";
      });
      files.set(dataset.name, file);
      card.remove();
      if (signal.aborted) return;
      if (uploads.children.length === 0) go(["data", dataset.name]);
      else void draw();
    } catch (error) {
      const form = optionsForm(null);
      const other = h("input", { value: name, pattern: "[A-Za-z0-9][A-Za-z0-9_.\\-]{0,63}", required: true });
      replace(card, h("div", { class: "row between" }, h("strong", {}, `${file.name} was not taken`), h("button", { class: "quiet small", type: "button", onclick: () => card.remove() }, "Dismiss")),
        h("p", { class: "problem", role: "alert", style: { "white-space": "pre-line" } }, textOf(error)),
        h("form", { style: { display: "grid", gap: "14px" }, onsubmit: (event) => {
          event.preventDefault();
          card.remove();
          void send(file, { name: other.value, options: form.value() });
        } }, field("Name", other), form.element, h("div", {}, h("button", { class: "primary" }, "Try again"))));
    }
  }

  async function draw() {
    const datasets = await api.datasets();
    if (signal.aborted) return;
    if (datasets.length === 0) {
      replace(list, empty("No data yet", h("p", {}, "Drop a file above: one row per example, one column per feature, one column to predict.")));
      return;
    }
    replace(list, h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Datasets" }, h("table", {}, h("caption", { class: "sr-only" }, "Datasets"), h("thead", {}, h("tr", {}, ["Name", "Rows", "Columns", "Size", "Format", "Warnings", "Added"].map((title, index) => h("th", { scope: "col", class: index > 0 && index < 4 ? "num" : "" }, title)), h("th", {}, h("span", { class: "sr-only" }, "Actions")))),
      h("tbody", {}, datasets.map((dataset) => h("tr", {}, h("th", { scope: "row" }, h("a", { href: format(["data", dataset.name]) }, dataset.name)), h("td", { class: "num" }, number(dataset.rows)), h("td", { class: "num" }, number(dataset.columns.length)), h("td", { class: "num" }, bytes(dataset.bytes)), h("td", {}, dataset.format),
        h("td", {}, dataset.warnings?.length ? plural(dataset.warnings.length, "warning") : "none"), h("td", {}, ago(dataset.created_at)), h("td", {}, h("a", { href: format(["start"], { dataset: dataset.name }) }, "Train"))))))));
  }
  await draw();
}
