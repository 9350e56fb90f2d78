/** How a file is read: what was detected, and the options that correct it. */

import { field, h } from "./dom.js";

const TYPES = ["", "number", "category", "boolean", "datetime", "text", "ignored"];

/** What was detected, as text. @param {any} read @returns {[string, string][]} */
export function detected(read) {
  const visible = (value) => (value === "\t" ? "tab" : value === " " ? "space" : Array.isArray(value) ? value.map((it) => (it === "" ? "empty" : it)).join(", ") : typeof value === "boolean" ? (value ? "yes" : "no") : String(value));
  return Object.entries(read ?? {}).filter(([, value]) => value !== null && value !== undefined && !(Array.isArray(value) && value.length === 0)).map(([name, value]) => [name.replaceAll("_", " "), visible(value)]);
}

/** A form of the options of an upload; what is left on "detect" is detected.
 * @param {any} dataset what was read before, null for a new file
 * @returns {{element: HTMLElement, value: () => Record<string, any>}} */
export function optionsForm(dataset) {
  const select = (choices) => h("select", h("option", { value: "" }, "detect"), choices.map(([value, label]) => h("option", { value }, label)));
  const separator = select([[",", "comma"], [";", "semicolon"], ["\t", "tab"], ["|", "bar |"], [" ", "space"]]);
  const decimal = select([[".", "point"], [",", "comma"]]);
  const thousands = select([[",", "comma"], [".", "point"], [" ", "space"], ["'", "apostrophe"]]);
  const header = select([["true", "first row has the names"], ["false", "no header"]]);
  const skip = h("input", { type: "number", min: 0, placeholder: "detect" });
  const missing = h("input", { placeholder: "detect, e.g. NA, -999" });
  const comment = h("input", { placeholder: "none, e.g. #", maxlength: 1 });
  const types = (dataset?.columns ?? []).map((column) => ({ name: column.name, select: h("select", { "aria-label": `Type of ${column.name}` }, TYPES.map((type) => h("option", { value: type }, type || `detect (${column.type})`))) }));
  const element = h("div.stack", h("div.fields",
    field("Separator", separator), field("Decimal mark", decimal), field("Thousands", thousands), field("Header", header), field("Rows to skip", skip), field("Missing values", missing, { hint: "with commas between them" }), field("Comment", comment)),
  types.length > 0 && types.length <= 200 ? h("details", h("summary", "Types of the columns"), h("div.fields", { style: { "margin-top": "10px" } }, types.map((it) => field(it.name, it.select)))) : null);
  const value = () => {
    /** @type {Record<string, any>} */
    const options = {};
    if (separator.value) options.separator = separator.value;
    if (decimal.value) options.decimal = decimal.value;
    if (thousands.value) options.thousands = thousands.value;
    if (header.value) options.header = header.value === "true";
    if (skip.value) options.skip_rows = Number(skip.value);
    if (comment.value) options.comment = comment.value;
    if (missing.value.trim()) options.missing = missing.value.split(",").map((token) => token.trim());
    const chosen = types.filter((it) => it.select.value).map((it) => [it.name, it.select.value]);
    if (chosen.length > 0) options.types = Object.fromEntries(chosen);
    return options;
  };
  return { element, value };
}

/** A name for a dataset from the name of its file. @param {string} file */
export function nameOf(file) {
  const stem = file.replace(/\.(gz|zst)$/i, "").replace(/\.[A-Za-z0-9]{1,8}$/, "");
  const name = stem.normalize("NFKD").replace(/[^A-Za-z0-9_.-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "").slice(0, 64);
  return name || "data";
}

/** Files of this page that can be read again with other options. @type {Map<string, File>} */
export const files = new Map();
