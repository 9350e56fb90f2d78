/** The data of a training: a dataset, its targets and its features. */

import { field, h, replace } from "./dom.js";
import { plural } from "./format.js";
import { setQuery } from "./route.js";
import { guessTarget, guessTask, heads } from "./templates.js";

/** The columns of a target: one name, several, or those of each output. @param {any} target @returns {string[]} */
const columnsOf = (target) => (target !== null && typeof target === "object" ? Object.values(target).flatMap(columnsOf) : target ? [target] : []);

/** The words of the API for a task that a job shows as resolved; empty where outputs have one each. @param {any} task */
const asked = (task) => (typeof task !== "string" ? "" : task.endsWith("classification") ? "classification" : "regression");

/**
 * @param {{datasets: any[], wanted: string, from: any, changed: () => void}} context `from` is an earlier job; `changed` is called when
 * the columns are others
 */
export function dataPart({ datasets, wanted, from, changed }) {
  let dataset = datasets.find((it) => it.name === wanted) ?? datasets[0];
  /** In the order of the outputs. @type {string[]} */
  let targets = [];
  /** Columns that are no features. @type {Set<string>} */
  const left = new Set();

  const datasetSelect = h("select", { value: dataset.name }, datasets.map((it) => h("option", { value: it.name }, `${it.name} (${plural(it.rows, "row")}, ${plural(it.columns.length, "column")})`)));
  const targetSelect = h("select");
  const classes = h("option", { value: "classification" });
  const numbers = h("option", { value: "regression" });
  const taskSelect = h("select", h("option", { value: "" }, "as the target says"), classes, numbers);
  const moreBox = h("div.columns", { role: "group", "aria-label": "More targets" });
  const moreText = h("summary");
  const more = h("details", moreText, h("p.hint", "A model can predict several columns at once."), moreBox);
  const featureBox = h("div.columns", { role: "group", "aria-label": "Features" });
  const featureText = h("summary");

  const isFrom = () => from?.dataset === dataset.name;
  const column = (name) => dataset.columns.find((it) => it.name === name);
  const chosen = () => targets.map(column);
  const features = () => dataset.columns.filter(({ name, type }) => !targets.includes(name) && !left.has(name) && type !== "ignored");

  /** @param {(name: string) => boolean} isChecked @param {(name: string, on: boolean) => void} toggled */
  const boxes = (columns, isChecked, toggled) => columns.map(({ name, type }) => {
    const box = h("input", { type: "checkbox", checked: isChecked(name) });
    box.addEventListener("change", () => {
      toggled(name, box.checked);
      drawTexts();
      changed();
    });
    return h("label.check", { "data-column": name }, box, `${name} (${type})`);
  });

  function drawTexts() {
    const [, ...others] = targets;
    moreText.textContent = `More targets: ${others.length === 0 ? "none" : others.length > 4 ? others.length : others.join(", ")}`;
    featureText.textContent = `Features: ${features().length} of ${dataset.columns.length - targets.length}`;
    classes.textContent = others.length > 0 ? "a class each" : "one of several classes";
    numbers.textContent = others.length > 0 ? "a number each" : "a number";
    // Problems of a target are shown at its box.
    for (const label of /** @type {NodeListOf<HTMLElement>} */ (moreBox.querySelectorAll("label"))) {
      const place = targets.indexOf(label.dataset.column ?? "");
      if (place > 0) label.dataset.pointer = `/target/${place}`;
      else delete label.dataset.pointer;
    }
  }

  function drawFeatures() {
    replace(featureBox, boxes(dataset.columns.filter(({ name }) => !targets.includes(name)), (name) => !left.has(name), (name, on) => (on ? left.delete(name) : left.add(name))));
  }

  function drawMore() {
    replace(moreBox, boxes(dataset.columns.filter(({ name }) => name !== targets[0]), (name) => targets.includes(name), (name, on) => {
      targets = on ? [...targets, name] : targets.filter((it) => it !== name);
      taskSelect.value = guessTask(chosen());
      drawFeatures();
    }));
  }

  function drawColumns() {
    const known = isFrom() ? columnsOf(from.target).filter(column) : [];
    targets = known.length > 0 ? known : [guessTarget(dataset.columns)];
    left.clear();
    if (isFrom()) dataset.columns.forEach(({ name }) => !targets.includes(name) && !from.features.includes(name) && left.add(name));
    replace(targetSelect, dataset.columns.map(({ name, type }) => h("option", { value: name, selected: name === targets[0] }, `${name} (${type})`)));
    const guessed = guessTask(chosen());
    const earlier = isFrom() ? asked(from.task) : "";
    taskSelect.value = guessed && earlier ? earlier : guessed;
    more.hidden = dataset.columns.length < 3;
    more.open = targets.length > 1;
    drawMore();
    drawFeatures();
    drawTexts();
  }

  datasetSelect.addEventListener("change", () => {
    dataset = datasets.find((it) => it.name === datasetSelect.value);
    setQuery({ dataset: dataset.name });
    drawColumns();
    changed();
  });
  targetSelect.addEventListener("change", () => {
    const [, ...others] = targets;
    targets = [targetSelect.value, ...others.filter((name) => name !== targetSelect.value)];
    left.delete(targetSelect.value);
    taskSelect.value = guessTask(chosen());
    drawMore();
    drawFeatures();
    drawTexts();
    changed();
  });
  taskSelect.addEventListener("change", changed);
  drawColumns();

  /** @param {string} model @param {any} definition of it */
  function target(model, definition) {
    const isSame = isFrom() && model === from.model && columnsOf(from.target).join("\n") === targets.join("\n");
    if (isSame) return from.target;
    const ends = heads(chosen(), taskSelect.value);
    const isGraph = ends.length > 1 && Array.isArray(definition?.outputs) && ends.every(({ name }) => definition.outputs.includes(name));
    if (isGraph) return Object.fromEntries(ends.map(({ name, columns }) => [name, columns.length > 1 ? columns : columns[0]]));
    return targets.length > 1 ? targets : targets[0];
  }

  return {
    element: h("div.stack", h("div.fields", field("Dataset", datasetSelect, { pointer: "/dataset" }), field("Target", targetSelect, { pointer: "/target", hint: "the column to predict" }), field("Predict", taskSelect, { pointer: "/task" })),
      more, h("details", { "data-pointer": "/features" }, featureText, featureBox)),
    dataset: () => dataset,
    targets: chosen,
    features,
    task: () => taskSelect.value,
    /** The fields of a job. @param {string} model @param {any} definition of it */
    value: (model, definition) => ({
      dataset: dataset.name, target: target(model, definition), ...(taskSelect.value ? { task: taskSelect.value } : {}),
      ...(left.size > 0 ? { features: features().map(({ name }) => name) } : {}),
    }),
    /** A pointer into the job's target as a pointer to one of this form's. @param {string} pointer @param {any} sent the target of the job */
    pointerOf: (pointer, sent) => {
      if (!pointer.startsWith("/target/")) return pointer;
      const at = pointer.slice(8).split("/").reduce((value, part) => value?.[part.replaceAll("~1", "/").replaceAll("~0", "~")], sent);
      const place = typeof at === "string" ? targets.indexOf(at) : -1;
      return place > 0 ? `/target/${place}` : "/target";
    },
  };
}
