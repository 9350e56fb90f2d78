/** Data: files dropped here become datasets. */

import { api, textOf, upload } from "./api.js";
import { empty, field, h, num, numTitle, replace, rowTitle, table, toast } from "./dom.js";
import { ago, bytes, number, plural } from "./format.js";
import { files, nameOf, optionsForm } from "./reading.js";
import { format, go } from "./route.js";

/** @type {import("./main.js").View} */
export async function show(place, _route, signal) {
  const list = h("div.card");
  const uploads = h("div.stack", { "aria-live": "polite" });
  const chooser = h("input", { type: "file", multiple: true, class: "sr-only", tabindex: -1, "aria-label": "Files" });
  const drop = h("div.drop", h("strong", "Drop a table here"), h("p.muted", "CSV, TSV, JSON or NDJSON, also as gzip. Separator, decimal mark, types and missing values are detected, and you see how."),
    h("button", { class: "primary", onclick: () => chooser.click() }, "Choose a file"), chooser);
  replace(place, h("h1", "Data"), drop, uploads, list);

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
    const percent = h("span.nums.muted", "0 %");
    const card = h("div.card", h("div.row.between", h("strong", file.name), h("span.muted", bytes(file.size)), percent), h("span.progress.big", { role: "progressbar", "aria-label": `Upload of ${file.name}` }, bar));
    uploads.append(card);
    try {
      const dataset = await upload(file, { name, options: settings.options }, (fraction) => {
        bar.style.width = `${fraction * 100}%`;
        percent.textContent = fraction < 1 ? `${Math.floor(fraction * 100)} %` : "is being read";
      });
      files.set(dataset.name, file);
      card.remove();
      if (signal.aborted) return toast(`${dataset.name} is there`);
      if (uploads.children.length === 0) go(["data", dataset.name]);
      else void draw();
    } catch (error) {
      if (signal.aborted) return toast(`${file.name} was not taken: ${textOf(error)}`, "error");
      const form = optionsForm(null);
      const other = h("input", { value: name, pattern: "[A-Za-z0-9][A-Za-z0-9_.\\-]{0,63}", required: true });
      replace(card, h("div.row.between", h("strong", `${file.name} was not taken`), h("button.quiet.small", { onclick: () => card.remove() }, "Dismiss")),
        h("p.problem.lines", { role: "alert" }, textOf(error)),
        h("form.stack", { onsubmit: (event) => {
          event.preventDefault();
          card.remove();
          void send(file, { name: other.value, options: form.value() });
        } }, field("Name", other), form.element, h("div", h("button.primary", { type: "submit" }, "Try again"))));
    }
  }

  let draws = 0;
  async function draw() {
    const own = (draws += 1);
    const datasets = await api.datasets();
    if (signal.aborted || own !== draws) return;
    if (datasets.length === 0) {
      replace(list, empty("No data yet", h("p", "Drop a file above: one row per example, one column per feature, one column to predict.")));
      return;
    }
    const titles = ["Name", numTitle("Rows"), numTitle("Columns"), numTitle("Size"), "Format", "Warnings", "Added", h("th", h("span.sr-only", "Actions"))];
    replace(list, table("Datasets", titles, datasets.map((dataset) => h("tr", rowTitle(h("a", { href: format(["data", dataset.name]) }, dataset.name)), num(number(dataset.rows)), num(number(dataset.columns.length)), num(bytes(dataset.bytes)), h("td", dataset.format),
      h("td", dataset.warnings?.length ? plural(dataset.warnings.length, "warning") : "none"), h("td", ago(dataset.created_at)), h("td", h("a", { href: format(["start"], { dataset: dataset.name }) }, "Train"))))));
  }
  await draw();
}
