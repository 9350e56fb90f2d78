/** Try a version: a form made from its columns, the answer as values change, and the same call to copy. */

import { api, textOf, url } from "./api.js";
import { card, copyButton, h, replace, uid } from "./dom.js";
import { number } from "./format.js";
import { facts, settingText } from "./parts.js";

/** Columns with an input of their own. */
const MAX_INPUTS = 48;

/** @param {any} version @param {any} dataset null where it was deleted @param {AbortSignal} signal */
export function predictPart(version, dataset, signal) {
  const columns = version.signature.inputs;
  const known = new Map((dataset?.columns ?? []).map((column) => [column.name, column]));
  /** @type {Record<string, any>} */
  const instance = {};
  const answer = h("div", { "aria-live": "polite", class: "stack" });
  const inputs = h("div.predict");
  const code = h("pre", { tabindex: "0" });
  let language = "curl";
  let timer = 0;
  let running = new AbortController();
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    running.abort();
  });

  const changed = () => {
    clearTimeout(timer);
    timer = window.setTimeout(ask, 120);
    drawCode();
  };

  async function ask() {
    running.abort();
    const own = (running = new AbortController());
    try {
      const result = await api.predict(version.model, version.version, [instance], own.signal);
      if (!own.signal.aborted) showAnswer(result);
    } catch (error) {
      if (!own.signal.aborted) replace(answer, h("p.problem.lines", { role: "alert" }, textOf(error)));
    }
  }

  function showAnswer(result) {
    const [prediction] = result.predictions;
    const { outputs, task } = version.signature;
    const parts = isByOutput(task) ? Object.entries(prediction).map(([output, part]) => ({ output, part, task: task[output], columns: outputs.filter((it) => it.output === output) })) : [{ output: null, part: prediction, task, columns: outputs }];
    replace(answer, parts.flatMap(({ output, part, task: own, columns: of }) => {
      const targets = of.map((it) => it.name);
      return [output !== null && output !== targets.join() ? h("h3", output) : null, onePrediction(part, targets, own)];
    }), (result.warnings ?? []).map((warning) => h("div.note.warn", warning.detail)));
  }

  drawInputs();
  drawCode();
  void ask();

  function drawInputs() {
    // The others get their first values, too.
    const made = columns.map((column) => inputOf(column, known.get(column.name), instance, changed));
    replace(inputs, made.slice(0, MAX_INPUTS), columns.length > MAX_INPUTS ? h("p.hint", `The other ${number(columns.length - MAX_INPUTS)} columns have the value of the row that was taken, or their mean.`) : null);
  }

  async function anyRow() {
    const page = await api.rows(version.dataset, 100).catch(() => null);
    if (!page || page.data.length === 0 || signal.aborted) return;
    const row = page.data[Math.floor(Math.random() * page.data.length)];
    for (const column of columns) instance[column.name] = row[column.name];
    drawInputs();
    changed();
  }

  function drawCode() {
    const address = url(`v1/models/${encodeURIComponent(version.model)}/versions/${version.version}:predict`).href;
    code.textContent = snippet(language, address, { instances: [instance] });
  }
  const tabs = ["curl", "Python", "JavaScript"].map((name) => {
    const button = h("button.chip", { "aria-pressed": String(name === language) }, name);
    button.addEventListener("click", () => {
      language = name;
      tabs.forEach((tab) => tab.setAttribute("aria-pressed", String(tab === button)));
      drawCode();
    });
    return button;
  });
  return h("div.two",
    card("Try a prediction", dataset && h("button.small", { onclick: anyRow }, "Take a row of the data"), h("div.scroll", { tabindex: "-1" }, inputs)),
    h("div.stack", card("Answer", null, answer),
      card("The same call", copyButton(() => code.textContent ?? ""), h("div.tabs", { role: "group", "aria-label": "Language" }, tabs), code)));
}

/** A model with several outputs has a task for each. @param {any} task */
const isByOutput = (task) => task !== null && typeof task === "object";

/** @param {[string, any][]} shares each of them 0 to 1 */
const bars = (shares) => h("div.bars", shares.map(([name, share]) => h("div", h("span", name), h("span.track", { "aria-hidden": "true" }, h("i", { style: { width: `${100 * Number(share)}%` } })), h("span.nums", `${(100 * Number(share)).toFixed(1)} %`))));

/** The answer of one output. @param {any} prediction @param {string[]} columns that it predicts @param {string} task */
function onePrediction(prediction, columns, task) {
  const { label, labels, value, probabilities, probability } = prediction ?? {};
  const isEach = value !== null && typeof value === "object" && !Array.isArray(value);
  // One value for each target: shares of labels, numbers, or the class of each step.
  if (isEach) return h("div.stack", task === "multilabel_classification" ? bars(Object.entries(value)) : facts(Object.entries(value).map(([name, it]) => [name, settingText(it)])));
  if (Array.isArray(labels) && labels.length === columns.length) {
    const share = (index) => (Array.isArray(probabilities?.[index]) ? ` ${number(Math.max(...probabilities[index]))}` : "");
    return h("div.stack", facts(columns.map((name, index) => [name, [settingText(labels[index]), h("span.muted", share(index))]])));
  }
  const head = label !== undefined ? settingText(label) : value !== undefined && !Array.isArray(value) ? settingText(value) : JSON.stringify(prediction);
  const shares = probabilities && !Array.isArray(probabilities) ? Object.entries(probabilities).sort((a, b) => Number(b[1]) - Number(a[1])).slice(0, 12) : [];
  return h("div.stack", h("div", h("p.sub", columns.join(", ")), h("p.answer.nums", head, probability !== undefined ? h("span.muted", ` ${number(probability)}`) : "")),
    shares.length > 0 ? bars(shares) : null);
}

/** @param {any} column of the signature @param {any} seen the column of the dataset @param {Record<string, any>} instance @param {() => void} changed */
function inputOf(column, seen, instance, changed) {
  const id = uid("input");
  const label = h("label", { for: id }, column.name);
  const levels = column.levels ?? seen?.values?.map((it) => (it !== null && typeof it === "object" ? it.value : it));
  if (column.type !== "number" && levels?.length > 0 && levels.length <= 200) {
    instance[column.name] ??= levels[0];
    const select = h("select", { id, value: String(levels.findIndex((level) => level === instance[column.name])) }, levels.map((level, index) => h("option", { value: String(index) }, settingText(level))));
    select.addEventListener("change", () => {
      instance[column.name] = levels[Number(select.value)];
      changed();
    });
    return h("div.input", label, select);
  }
  if (column.type === "number") {
    const middle = seen?.quantiles?.["0.5"] ?? seen?.mean ?? 0;
    instance[column.name] ??= Number(Number(middle).toPrecision(4));
    const exact = h("input", { id, type: "number", step: "any", value: String(instance[column.name]) });
    const hasRange = typeof seen?.min === "number" && typeof seen?.max === "number" && seen.max > seen.min;
    const step = hasRange ? 10 ** Math.floor(Math.log10((seen.max - seen.min) / 100)) : 1;
    const slider = hasRange ? h("input", { type: "range", min: seen.min, max: seen.max, step: Number.isInteger(seen.min) && Number.isInteger(seen.max) && seen.distinct <= seen.max - seen.min + 1 && seen.max - seen.min >= 1 && step < 1 && seen.distinct < 30 ? 1 : step, value: String(instance[column.name]), "aria-label": `${column.name}, slider` }) : h("span");
    slider.addEventListener("input", () => {
      exact.value = String(Number(Number(/** @type {HTMLInputElement} */ (slider).value).toPrecision(6)));
      instance[column.name] = Number(exact.value);
      changed();
    });
    exact.addEventListener("input", () => {
      instance[column.name] = exact.value === "" ? null : Number(exact.value);
      if (hasRange) /** @type {HTMLInputElement} */ (slider).value = exact.value;
      changed();
    });
    return h("div.input", label, slider, exact);
  }
  const text = h("input", { id, type: "text", value: instance[column.name] ?? "" });
  instance[column.name] ??= "";
  text.addEventListener("input", () => {
    instance[column.name] = text.value;
    changed();
  });
  return h("div.input", label, text);
}

/** @param {string} language @param {string} address @param {any} body */
export function snippet(language, address, body) {
  const json = JSON.stringify(body, null, 2);
  if (language === "Python") return `import json, urllib.request\n\nbody = json.loads(${pythonText(json)})\nrequest = urllib.request.Request(\n    ${JSON.stringify(address)},\n    json.dumps(body).encode(),\n    {"Content-Type": "application/json"},\n)\nprint(json.load(urllib.request.urlopen(request))["predictions"])`;
  if (language === "JavaScript") return `const response = await fetch(${JSON.stringify(address)}, {\n  method: "POST",\n  headers: {"content-type": "application/json"},\n  body: JSON.stringify(${json}),\n});\nconsole.log((await response.json()).predictions);`;
  return `curl '${address.replaceAll("'", "%27")}' \\\n  -H 'Content-Type: application/json' \\\n  -d '${JSON.stringify(body).replaceAll("'", "'\\''")}'`;
}

/** @param {string} text */
const pythonText = (text) => `r"""${text.replaceAll('"""', '\\u0022\\u0022\\u0022')}"""`;
