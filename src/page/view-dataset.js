/** A dataset: how it was read and how to correct that, its columns, its rows. */

import { api, textOf, upload } from "./api.js";
import { card, h, num, numTitle, replace, rowTitle, table, toast } from "./dom.js";
import { ago, bytes, number, plural } from "./format.js";
import { deleteButton, facts, pairs } from "./parts.js";
import { detected, files, optionsForm } from "./reading.js";
import { format } from "./route.js";

/** A table of more columns is slow, and nobody reads it. */
const MAX_COLUMNS = 60;

/** @type {import("./main.js").View} */
export async function show(place, route, signal) {
  const dataset = await api.dataset(route.path[0]);
  if (signal.aborted) return;
  const remove = deleteButton(`Delete the dataset ${dataset.name}? Trained models stay.`, () => api.deleteDataset(dataset.name), "data");
  const rows = h("div.card");
  replace(place,
    h("div.row.between", h("div", h("h1", dataset.name), h("p.muted", `added ${ago(dataset.created_at)}`)), h("div.row", h("a.button.primary", { href: format(["start"], { dataset: dataset.name }) }, "Train on it"), remove)),
    h("div.card", facts([["Rows", number(dataset.rows)], ["Columns", number(dataset.columns.length)], ["Size", bytes(dataset.bytes)], ["Format", dataset.format], ["Warnings", number(dataset.warnings?.length ?? 0)]])),
    (dataset.warnings ?? []).map((warning) => h("div.note.warn", h("strong", warning.column ? `${warning.column}: ${warning.code.replaceAll("_", " ")}` : warning.code.replaceAll("_", " ")), h("p", warning.detail))),
    columnsTable(dataset), readingCard(dataset), rows);
  await showRows(rows, dataset, signal);
}

function columnsTable(dataset) {
  const titles = ["Name", "Type", "Values", ...["Missing", "Distinct", "Minimum", "Mean", "Maximum", "Deviation"].map((title) => numTitle(title))];
  return h("div.card", h("h2", "Columns"), table("Columns", titles, dataset.columns.map((column) => h("tr", rowTitle(column.name), h("td", column.type, column.reason && h("div.sub", column.reason)), h("td", distribution(column, dataset.rows)),
    num(column.missing ? `${number(column.missing)} (${Math.round((100 * column.missing) / Math.max(1, dataset.rows))} %)` : "0"), num(`${column.distinct_estimated ? "≈ " : ""}${number(column.distinct)}`), [column.min, column.mean, column.max, column.std].map((value) => num(number(value)))))));
}

/** @param {any} column @param {number} rows */
function distribution(column, rows) {
  const counts = column.histogram?.counts;
  if (counts?.length) {
    const largest = Math.max(...counts);
    const { edges } = column.histogram;
    return h("div.histogram", { role: "img", "aria-label": `Histogram of ${column.name}: ${counts.map((count, index) => `${number(edges?.[index])}: ${count}`).join(", ")}` }, counts.map((count, index) => h("span", { style: { height: `${(100 * count) / largest}%` }, title: `${number(edges?.[index])} to ${number(edges?.[index + 1])}: ${count}` })));
  }
  if (!column.values?.length) return "";
  const values = [...column.values].sort((a, b) => (b.count ?? 0) - (a.count ?? 0));
  const shown = values.slice(0, 4);
  return h("div.levels", shown.map((it) => {
    const [value, count] = it !== null && typeof it === "object" ? [it.value, it.count] : [it, null];
    return h("div", { style: { "--share": `${count === null ? 0 : (100 * count) / Math.max(1, rows)}%` } }, h("span", { title: String(value) }, String(value)), h("span.nums", count === null ? "" : number(count)));
  }), values.length > shown.length ? h("small.sub", `and ${values.length - shown.length} more`) : null);
}

/** What was detected, and a way to read the file again. @param {any} dataset */
function readingCard(dataset) {
  const form = optionsForm(dataset);
  const chooser = h("input", { type: "file", "aria-label": "The file again" });
  const known = files.get(dataset.name);
  const again = h("button.primary", { type: "submit" }, "Read it again with these options");
  const problem = h("p.problem", { role: "alert" });
  const submit = async (event) => {
    event.preventDefault();
    const file = known ?? chooser.files?.[0];
    if (!file) {
      problem.textContent = "Choose the file again: the service keeps what it read, and the browser forgot the file.";
      return chooser.focus();
    }
    again.disabled = true;
    problem.textContent = "";
    // Read under another name first, so that the dataset stays where the options are wrong.
    const trial = `${dataset.name.slice(0, 50)}-reread-${Date.now().toString(36)}`.slice(0, 64);
    try {
      await upload(file, { name: trial, options: form.value() }, () => {});
      await api.deleteDataset(trial);
      await api.deleteDataset(dataset.name);
      const read = await upload(file, { name: dataset.name, options: form.value() }, () => {});
      files.set(read.name, file);
      toast(`${read.name} was read again: ${plural(read.rows, "row")}, ${plural(read.columns.length, "column")}`);
      // The view that is shown now may be another one.
      if (problem.isConnected) dispatchEvent(new HashChangeEvent("hashchange"));
    } catch (error) {
      problem.textContent = textOf(error);
      void api.deleteDataset(trial).catch(() => {});
      again.disabled = false;
    }
  };
  return card("How it was read", null, pairs(detected(dataset.read)),
    h("details", h("summary", "Correct it"), h("form.stack", { onsubmit: submit }, form.element, known ? h("p.hint", `${known.name} is read again.`) : h("label", "The file: ", chooser), problem, h("div", again))));
}

/** @param {HTMLElement} place @param {any} dataset @param {AbortSignal} signal */
async function showRows(place, dataset, signal) {
  const body = h("tbody");
  const all = dataset.columns.map((column) => column.name);
  const names = all.slice(0, MAX_COLUMNS);
  const count = h("p.sub", { role: "status" });
  const more = h("button", { hidden: true }, "More rows");
  let next = /** @type {string | null} */ (null);
  let shown = 0;
  const read = async () => {
    // Twice the same rows, if it could be pressed again before they are there.
    more.disabled = true;
    const page = await api.rows(dataset.name, 100, next).finally(() => (more.disabled = false));
    if (signal.aborted) return;
    for (const row of page.data) body.append(h("tr", h("th.num", { scope: "row" }, number(++shown)), names.map((name) => h("td", cell(row[name])))));
    next = page.next;
    more.hidden = next === null;
    count.textContent = `${number(shown)} of ${plural(dataset.rows, "row")}${names.length < all.length ? `, the first ${names.length} of ${plural(all.length, "column")}` : ""}`;
  };
  more.addEventListener("click", () => read().catch((error) => toast(textOf(error), "error")));
  replace(place, h("div.row.between", h("h2", "Rows"), count), table("Rows", [numTitle("Row"), ...names], [body], "rows"), more);
  await read();
}

function cell(value) {
  if (value === null || value === undefined || value === "") return h("span.muted", "missing");
  return typeof value === "object" ? JSON.stringify(value).slice(0, 60) : String(value);
}

