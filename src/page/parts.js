/** Parts that several views show. */

import { textOf } from "./api.js";
import { h, svg, toast } from "./dom.js";
import { duration, number, unitOf } from "./format.js";
import { hasEnded } from "./jobs.js";
import { go } from "./route.js";

const STATUS = { queued: "Queued", running: "Running", paused: "Paused", succeeded: "Succeeded", failed: "Failed", cancelled: "Cancelled" };

/** A word with a mark of its own shape: not by colour alone. @param {string} name */
export const status = (name) => h("span.status", h("span", { class: `dot ${name}`, "aria-hidden": "true" }), STATUS[/** @type {keyof typeof STATUS} */ (name)] ?? name);

/** The colour of a job. @param {string} colour */
export const swatch = (colour) => h("span.swatch.box", { style: { "--colour": colour }, "aria-hidden": "true" });

/** @param {any} job @param {boolean} [big] */
export function progressBar(job, big = false) {
  const fraction = job.status === "succeeded" ? 1 : Math.min(1, Math.max(0, job.progress.fraction ?? 0));
  const percent = Math.round(fraction * 100);
  return h("span", { class: `progress ${job.status}${big ? " big" : ""}`, role: "progressbar", "aria-label": `Progress of ${job.model}`, "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": percent }, h("span", { style: { width: `${fraction * 100}%` } }));
}

export function progressText(job) {
  const { eta_seconds: eta } = job.progress;
  if (job.status === "queued") return "waits for a worker";
  const done = doneText(job);
  if (hasEnded(job)) return [done, job.timing?.training_seconds ? `in ${duration(job.timing.training_seconds)}` : ""].filter(Boolean).join(" ");
  return [done, eta !== null && eta !== undefined ? `${duration(eta)} left` : ""].filter(Boolean).join(", ");
}

/** How many epochs, trees or rounds are done; empty where the fit of a model counts none. @param {any} job */
function doneText(job) {
  const { epoch, epochs } = job.progress;
  const units = `${unitOf(job)}s`;
  const { step, steps } = job.step ?? {};
  if (units === "iterations") return steps ? `${number(step)} of ${number(steps)} ${units}` : "";
  if (steps) return `${unitOf(job)} ${epoch + 1} of ${epochs}, step ${step}/${steps}`;
  return `${number(epoch)} of ${number(epochs)} ${units}`;
}

/** A small curve. @param {ArrayLike<number>} values @param {string} colour @param {string} label */
export function sparkline(values, colour, label) {
  const finite = Array.from(values).map((value, index) => ({ value, index })).filter(({ value }) => Number.isFinite(value));
  if (finite.length < 2) return h("span.spark");
  const [low, high] = [Math.min(...finite.map(({ value }) => value)), Math.max(...finite.map(({ value }) => value))];
  const last = values.length - 1;
  const points = finite.map(({ value, index }) => `${(2 + (index / last) * 106).toFixed(1)},${(high === low ? 14 : 25 - ((value - low) / (high - low)) * 22).toFixed(1)}`);
  return svg("svg", { class: "spark", viewBox: "0 0 110 28", role: "img", "aria-label": label }, svg("polyline", { points: points.join(" "), fill: "none", stroke: colour, "stroke-width": 1.75, "stroke-linejoin": "round" }));
}

/** Facts in a row. @param {[string, any][]} entries */
export const facts = (entries) => h("dl.facts", entries.map(([name, value]) => h("div", h("dt", name), h("dd", value))));

/** Nested settings as paths: `optimizer.learning_rate`. @param {any} value @param {string} [path] @returns {[string, any][]} */
export function flatten(value, path = "") {
  if (value === null || typeof value !== "object" || (Array.isArray(value) && value.every((it) => it === null || typeof it !== "object"))) return [[path, value]];
  const entries = Object.entries(value);
  if (entries.length === 0) return path ? [[path, Array.isArray(value) ? "none" : "{}"]] : [];
  return entries.flatMap(([name, inner]) => flatten(inner, path ? `${path}.${name}` : name));
}

/** @param {any} value @returns {string} */
export function settingText(value) {
  if (Array.isArray(value)) return value.map(settingText).join(", ");
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (value === null || value === undefined) return "–";
  return typeof value === "number" ? number(value) : String(value);
}

/** @param {[string, any][]} entries */
export const pairs = (entries) => h("dl.pairs", entries.flatMap(([name, value]) => [h("dt", name), h("dd", settingText(value))]));

/** @param {{code?: string, detail: string, columns?: string[]}[]} warnings */
export const warningList = (warnings) => warnings.map((warning) => h("div.note.warn", h("strong", (warning.code ?? "warning").replaceAll("_", " ")), h("p", warning.detail, warning.columns?.length ? ` (${warning.columns.join(", ")})` : "")));

/** Asks before something is lost. @param {string} question @param {string} yes @returns {Promise<boolean>} */
export function confirmed(question, yes) {
  return new Promise((resolve) => {
    const dialog = h("dialog", { "aria-label": question }, h("p", question), h("form", { method: "dialog", class: "row", style: { "margin-top": "16px", "justify-content": "flex-end" } },
      h("button", { type: "submit", value: "no", autofocus: true }, "Keep"), h("button.danger", { type: "submit", value: "yes" }, yes)));
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** A button that deletes what a view is about, and goes to the list. @param {string} question @param {() => Promise<any>} call @param {string} list */
export const deleteButton = (question, call, list) => h("button.danger", { onclick: async () => {
  if (!(await confirmed(question, "Delete"))) return;
  const address = location.hash;
  try {
    await call();
    if (location.hash === address) go([list]);
  } catch (error) {
    toast(textOf(error), "error");
  }
} }, "Delete");
