/** Start a training: dataset, target, model, settings, checked by a dry run while someone types. */

import { api, Problem, textOf } from "./api.js";
import { copyButton, empty, field, h, replace, toast } from "./dom.js";
import { bytes, number, plural } from "./format.js";
import * as jobs from "./jobs.js";
import { facts, warningList } from "./parts.js";
import { modelPart } from "./start-model.js";
import { trainingPart } from "./start-training.js";
import { placeProblems } from "./start-problems.js";
import { go, setQuery } from "./route.js";
import { guessTarget, guessTask } from "./templates.js";

/** @param {any} loss */
function lossText(loss) {
  const name = typeof loss === "string" ? loss : loss?.type;
  return typeof name === "string" ? name.replaceAll("_", " ") : "by output";
}

/** @type {import("./main.js").View} */
export async function show(place, route, signal) {
  const [datasets, models] = await Promise.all([api.datasets(), api.models()]);
  if (signal.aborted) return;
  if (datasets.length === 0) {
    replace(place, h("h1", {}, "Start a training"), empty("There is no data yet", h("p", {}, "A training needs a table: drop one first."), h("a", { class: "button primary", href: "#/data" }, "Add data")));
    return;
  }
  const from = route.query.from ? await api.job(route.query.from).catch(() => null) : null;
  const wanted = from?.dataset ?? route.query.dataset;
  let dataset = datasets.find((it) => it.name === wanted) ?? datasets[0];

  const datasetSelect = h("select", { value: dataset.name }, datasets.map((it) => h("option", { value: it.name }, `${it.name} (${plural(it.rows, "row")}, ${plural(it.columns.length, "column")})`)));
  const targetSelect = h("select");
  const taskSelect = h("select", {}, h("option", { value: "" }, "as the target says"), h("option", { value: "classification" }, "one of several classes"), h("option", { value: "regression" }, "a number"));
  const featureBox = h("div", { class: "columns" });
  const featureHint = h("summary", {}, "Features");
  const plan = h("div", { style: { display: "grid", gap: "16px" }, "aria-live": "polite" });
  const submit = h("button", { class: "primary" }, "Start the training");
  const other = h("div", { class: "problem", role: "alert", style: { "white-space": "pre-line" } });
  const note = h("input", { placeholder: "optional", maxlength: 10000 });
  const model = modelPart({ models, from, changed: () => check(), dataset: () => dataset, target: () => targetColumn(), features: () => featureColumns(), task: () => taskSelect.value });
  const training = trainingPart(from?.training ?? null, () => check());

  const targetColumn = () => dataset.columns.find((column) => column.name === targetSelect.value);
  const featureColumns = () => dataset.columns.filter((column) => column.name !== targetSelect.value && !left.has(column.name) && column.type !== "ignored");
  /** @type {Set<string>} */
  const left = new Set();

  function drawColumns() {
    const target = typeof from?.target === "string" && dataset.name === from.dataset ? from.target : guessTarget(dataset.columns);
    left.clear();
    if (from && dataset.name === from.dataset) dataset.columns.forEach((column) => column.name !== target && !from.features.includes(column.name) && left.add(column.name));
    replace(targetSelect, dataset.columns.map((column) => h("option", { value: column.name, selected: column.name === target }, `${column.name} (${column.type})`)));
    taskSelect.value = guessTask(targetColumn());
    drawFeatures();
  }

  function drawFeatures() {
    replace(featureBox, dataset.columns.filter((column) => column.name !== targetSelect.value).map((column) => {
      const box = h("input", { type: "checkbox", checked: !left.has(column.name) });
      box.addEventListener("change", () => {
        if (box.checked) left.delete(column.name);
        else left.add(column.name);
        changedColumns();
      });
      return h("label", { class: "check" }, box, `${column.name} (${column.type})`);
    }));
    featureHint.textContent = `Features: ${featureColumns().length} of ${dataset.columns.length - 1}`;
  }

  function changedColumns() {
    featureHint.textContent = `Features: ${featureColumns().length} of ${dataset.columns.length - 1}`;
    model.columnsChanged();
    check();
  }

  /** The request as the form has it; `definition` for the dry run of a model that does not exist yet. */
  function request() {
    const { name, definition, problem } = model.value();
    const what = definition ?? models.find((it) => it.name === name)?.definition;
    const job = {
      model: name, dataset: dataset.name, target: targetSelect.value, ...(taskSelect.value ? { task: taskSelect.value } : {}),
      ...(left.size > 0 ? { features: featureColumns().map((column) => column.name) } : {}),
      training: what?.type && !what.layers ? training.withoutEpochs() : training.value(),
      ...(note.value.trim() ? { note: note.value.trim() } : {}),
    };
    return { job, definition, problem };
  }

  let timer = 0;
  /** @type {AbortController | null} */
  let running = null;
  function check() {
    clearTimeout(timer);
    timer = window.setTimeout(async () => {
      running?.abort();
      running = new AbortController();
      const { job, definition, problem } = request();
      if (problem) return showProblems([problem]);
      try {
        const answer = await api.plan(definition === null ? job : { ...job, definition }, running.signal);
        if (signal.aborted) return;
        showProblems([]);
        showPlan(answer);
      } catch (error) {
        if (running.signal.aborted || signal.aborted) return;
        const problems = error instanceof Problem && error.errors.length > 0 ? error.errors : [{ pointer: "", detail: textOf(error) }];
        showProblems(problems);
      }
    }, 250);
  }

  /** @param {{pointer: string, detail: string}[]} problems */
  function showProblems(problems) {
    const rest = placeProblems(form, problems);
    other.textContent = rest.map(({ pointer, detail }) => (pointer ? `${pointer}: ${detail}` : detail)).join("\n");
    submit.disabled = problems.length > 0;
    if (problems.length > 0) replace(plan, h("div", { class: "note bad" }, h("strong", {}, plural(problems.length, "problem")), h("p", {}, "The form says where. The check runs again with each change.")));
  }

  /** @param {any} answer */
  function showPlan(answer) {
    const { summary, layers } = answer;
    const memory = summary?.memory;
    /** @type {[string, any][]} */
    const ofNetwork = answer.training.loss ? [["Loss", lossText(answer.training.loss)], ["Parameters", number(summary?.parameters)]] : [];
    replace(plan, h("div", { class: "note good" }, h("strong", {}, "Ready to start"), h("p", {}, `${plural(answer.features.length, "feature")}, ${plural(dataset.rows, "row")}${answer.training.epochs ? `, ${plural(answer.training.epochs, "epoch")}` : ""}.`)),
      facts([["Task", String(typeof answer.task === "string" ? answer.task : JSON.stringify(answer.task)).replaceAll("_", " ")], ...ofNetwork, ["Memory, at most", bytes(memory?.peak_bytes)]]),
      warningList(answer.warnings ?? []),
      layers?.length ? h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Layers" }, h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Layer"), h("th", { scope: "col" }, "Output"), h("th", { scope: "col", class: "num" }, "Parameters"))), h("tbody", {}, layers.map((layer) => h("tr", {}, h("th", { scope: "row" }, layer.name, h("div", { class: "sub" }, layer.type)), h("td", { class: "nums" }, `[${layer.output_shape.join(", ")}]`), h("td", { class: "num" }, number(layer.parameters))))))) : null,
      h("details", {}, h("summary", {}, "The request"), h("pre", { tabindex: "0" }, JSON.stringify(request().job, null, 2)), copyButton(() => JSON.stringify(request().job, null, 2))));
  }

  const form = h("form", { class: "two", novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    submit.disabled = true;
    const { job, definition } = request();
    const began = Date.now();
    try {
      if (definition !== null) await api.createModel({ name: job.model, definition });
      const created = await api.createJob(job);
      jobs.add(created, began);
      toast(`The training of ${job.model} is in the queue`);
      go(["jobs", created.id]);
    } catch (error) {
      showProblems(error instanceof Problem && error.errors.length > 0 ? error.errors.map((it) => ({ ...it, pointer: it.pointer === "/name" ? "/model" : it.pointer })) : [{ pointer: "", detail: textOf(error) }]);
      submit.disabled = false;
    }
  } },
  h("div", { style: { display: "grid", gap: "16px", "min-width": 0 } },
    h("section", { class: "card", "aria-label": "Data" }, h("h2", {}, "1. Data"), h("div", { class: "fields" }, field("Dataset", datasetSelect, { pointer: "/dataset" }), field("Target", targetSelect, { pointer: "/target", hint: "the column to predict" }), field("Predict", taskSelect, { pointer: "/task" })), h("details", { "data-pointer": "/features" }, featureHint, featureBox)),
    h("section", { class: "card", "aria-label": "Model" }, h("h2", {}, "2. Model"), model.element),
    h("section", { class: "card", "aria-label": "Training" }, h("h2", {}, "3. Training"), training.element, field("Note", note, { pointer: "/note" }))),
  h("div", { style: { display: "grid", gap: "16px", position: "sticky", top: "76px", "min-width": 0 } }, h("section", { class: "card", "aria-label": "Check" }, h("h2", {}, "4. Check and start"), other, plan, submit)));
  replace(place, h("div", {}, h("h1", {}, from ? `Train ${from.model} again` : "Start a training"), from ? h("p", { class: "muted" }, "With the settings of an earlier job: change what you like.") : null), form);

  datasetSelect.addEventListener("change", () => {
    dataset = datasets.find((it) => it.name === datasetSelect.value);
    setQuery({ dataset: dataset.name });
    drawColumns();
    model.columnsChanged();
    check();
  });
  targetSelect.addEventListener("change", () => {
    left.delete(targetSelect.value);
    taskSelect.value = guessTask(targetColumn());
    drawFeatures();
    changedColumns();
  });
  taskSelect.addEventListener("change", changedColumns);
  drawColumns();
  model.columnsChanged();
  check();
}
