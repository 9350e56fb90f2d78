/** Start a training: dataset, target, model, settings, checked by a dry run while someone types. */

import { api, Problem, textOf } from "./api.js";
import { card, copyButton, empty, field, h, num, numTitle, replace, rowTitle, table, toast } from "./dom.js";
import { bytes, duration, names, number, plural } from "./format.js";
import * as jobs from "./jobs.js";
import { facts, warningList } from "./parts.js";
import { dataPart } from "./start-data.js";
import { modelPart } from "./start-model.js";
import { trainingPart } from "./start-training.js";
import { placeProblems } from "./start-problems.js";
import { go } from "./route.js";

/** One word, or one for each output. @param {any} value a task or a loss */
function words(value) {
  const isOne = value === null || typeof value !== "object" || typeof value.type === "string";
  const text = isOne ? String(value?.type ?? value) : names(Object.fromEntries(Object.entries(value).map(([output, it]) => [output, it?.type ?? it])));
  return text.replaceAll("_", " ");
}

/** @type {import("./main.js").View} */
export async function show(place, route, signal) {
  const [datasets, models] = await Promise.all([api.datasets(), api.models()]);
  if (signal.aborted) return;
  if (datasets.length === 0) {
    replace(place, h("h1", "Start a training"), empty("There is no data yet", h("p", "A training needs a table: drop one first."), h("a.button.primary", { href: "#/data" }, "Add data")));
    return;
  }
  const from = route.query.from ? await api.job(route.query.from).catch(() => null) : null;
  if (signal.aborted) return;
  const plan = h("div.stack", { "aria-live": "polite" });
  const submit = h("button.primary", { type: "submit" }, "Start the training");
  const other = h("div.problem.lines", { role: "alert" });
  const note = h("input", { placeholder: "optional", maxlength: 10000 });
  const data = dataPart({ datasets, wanted: from?.dataset ?? route.query.dataset, from, changed: () => {
    model.columnsChanged();
    check();
  } });
  const model = modelPart({ models, from, data, changed: () => check() });
  const training = trainingPart(from?.training ?? null, () => check());

  /** The request as the form has it; `definition` for the dry run of a model that does not exist yet. */
  function request() {
    const { name, definition, problem } = model.value();
    const what = definition ?? models.find((it) => it.name === name)?.definition;
    const job = {
      model: name, ...data.value(name, what),
      training: what?.type && !what.layers ? training.withoutEpochs() : training.value(),
      ...(note.value.trim() ? { note: note.value.trim() } : {}),
    };
    return { job, definition, problem };
  }

  let timer = 0;
  let running = new AbortController();
  let isSending = false;
  signal.addEventListener("abort", stop);

  /** The answer to what the form said before is not shown any more. */
  function stop() {
    clearTimeout(timer);
    running.abort();
  }

  function check() {
    stop();
    const own = (running = new AbortController());
    timer = window.setTimeout(async () => {
      const { job, definition, problem } = request();
      if (problem) return showProblems([problem], job);
      try {
        const answer = await api.plan(definition === null ? job : { ...job, definition }, own.signal);
        if (own.signal.aborted) return;
        showProblems([], job);
        showPlan(answer);
      } catch (error) {
        if (!own.signal.aborted) showProblems(problemsOf(error), job);
      }
    }, 250);
  }

  /** @param {unknown} error @returns {{pointer: string, detail: string}[]} */
  const problemsOf = (error) => (error instanceof Problem && error.errors.length > 0 ? error.errors : [{ pointer: "", detail: textOf(error) }]);

  /** @param {{pointer: string, detail: string}[]} problems @param {any} job what was sent */
  function showProblems(problems, job) {
    const rest = placeProblems(form, problems.map((it) => ({ ...it, pointer: data.pointerOf(it.pointer, job.target) })));
    other.textContent = rest.map(({ pointer, detail }) => (pointer ? `${pointer}: ${detail}` : detail)).join("\n");
    submit.disabled = isSending || problems.length > 0;
    if (problems.length > 0) replace(plan, h("div.note.bad", h("strong", plural(problems.length, "problem")), h("p", "The form says where. The check runs again with each change.")));
  }

  function showPlan(answer) {
    const { summary, layers } = answer;
    const memory = summary?.memory;
    /** @type {[string, any][]} */
    const ofNetwork = answer.training.loss ? [["Loss", words(answer.training.loss)], ["Parameters", number(summary?.parameters)]] : [];
    replace(plan, h("div.note.good", h("strong", "Ready to start"), h("p", `${plural(answer.features.length, "feature")}, ${data.targets().length > 1 ? `${data.targets().length} targets, ` : ""}${plural(data.dataset().rows, "row")}${answer.training.epochs ? `, ${plural(answer.training.epochs, "epoch")}` : ""}.`)),
      facts([["Task", words(answer.task)], ...ofNetwork, ["Memory, at most", bytes(memory?.peak_bytes)], ...(answer.seconds_per_epoch ? [/** @type {[string, any]} */ (["An epoch takes about", duration(answer.seconds_per_epoch)])] : [])]),
      warningList(answer.warnings ?? []),
      layers?.length ? table("Layers", ["Layer", "Output", numTitle("Parameters")], layers.map((layer) => h("tr", rowTitle(layer.name, h("div.sub", layer.type)), h("td.nums", `[${layer.output_shape.join(", ")}]`), num(number(layer.parameters))))) : null,
      h("details", h("summary", "The request"), h("pre", { tabindex: "0" }, JSON.stringify(request().job, null, 2)), copyButton(() => JSON.stringify(request().job, null, 2))));
  }

  const form = h("form.two", { novalidate: true, onsubmit: async (event) => {
    event.preventDefault();
    if (isSending) return;
    stop();
    const { job, definition, problem } = request();
    if (problem) return showProblems([problem], job);
    [isSending, submit.disabled] = [true, true];
    const began = Date.now();
    let isNew = false;
    try {
      if (definition !== null) await api.createModel({ name: job.model, definition });
      isNew = definition !== null;
      const created = await api.createJob(job);
      jobs.add(created, began);
      toast(`The training of ${job.model} is in the queue`);
      if (!signal.aborted) go(["jobs", created.id]);
    } catch (error) {
      isSending = false;
      // A model without a job would be in the way of the next try.
      if (isNew && error instanceof Problem && error.status >= 400) await api.deleteModel(job.model).catch(() => {});
      showProblems(problemsOf(error).map((it) => ({ ...it, pointer: it.pointer === "/name" ? "/model" : it.pointer })), job);
      submit.disabled = false;
    }
  } },
  h("div.stack",
    card("1. Data", null, data.element),
    card("2. Model", null, model.element),
    card("3. Training", null, training.element, field("Note", note, { pointer: "/note" }))),
  h("div.stack.beside", card("4. Check and start", null, other, plan, submit)));
  replace(place, h("div", h("h1", from ? `Train ${from.model} again` : "Start a training"), from ? h("p.muted", "With the settings of an earlier job: change what you like.") : null), form);

  model.columnsChanged();
  check();
}
