/** The model of a training: a template for the table, a definition in JSON, Keras's JSON, or one that exists. */

import { api, Problem } from "./api.js";
import { field, h, replace } from "./dom.js";
import { TEMPLATES } from "./templates.js";

/** Template ids that the service knows, asked once. @type {Map<string, boolean>} */
const known = new Map();

/**
 * @param {{models: any[], from: any, data: {dataset: () => any, targets: () => any[], features: () => any[], task: () => string}, changed: () => void}} context
 */
export function modelPart({ models, from, data, changed }) {
  let choice = from ? "existing" : "mlp";
  let isEdited = false;
  const name = h("input", { maxlength: 64, autocomplete: "off", spellcheck: false });
  let isNamed = false;
  const text = h("textarea.code", { rows: 12, spellcheck: false });
  const existing = h("select", { value: from?.model }, models.map((model) => h("option", { value: model.name }, `${model.name}${model.latest_version ? ` (version ${model.latest_version})` : ""}`)));
  const choices = h("div.choices", { role: "radiogroup", "aria-label": "Kind of model" });
  const nameField = field("Name", name, { pointer: "/model", hint: "letters, digits and _ . -" });
  const textField = field("Definition", text, { pointer: "/definition" });
  const existingField = field("Model", existing, { pointer: "/model" });
  const reset = h("button.small", { hidden: true }, "Back to the template");
  const editor = h("details", h("summary", "Definition as JSON"), h("div.stack", textField, h("div", reset)));

  /** @type {{id: string, title: string, text: string, isSingle?: boolean}[]} */
  const listed = [
    ...TEMPLATES, { id: "json", title: "Own definition", text: "Layers as JSON, or Keras's model.to_json()" },
    ...(models.length > 0 ? [{ id: "existing", title: "A model that exists", text: "Makes its next version" }] : []),
  ];
  const kinds = listed.map(({ id, title, text: what, isSingle }) => {
    const input = h("input", { type: "radio", name: "model-kind", value: id, checked: id === choice });
    input.addEventListener("change", () => {
      choice = id;
      isEdited = false;
      fill();
      changed();
    });
    const hint = h("small", what);
    return { id, what, isSingle, input, hint, element: h("label.choice", input, h("strong", title), hint) };
  });
  replace(choices, kinds.map(({ element }) => element));

  /** What does not fit stays in its place, so that the focus does. */
  function drawKinds() {
    for (const { id, what, isSingle, input, hint, element } of kinds) {
      element.hidden = known.get(id) === false;
      const isUnfit = Boolean(isSingle) && data.targets().length > 1;
      input.disabled = isUnfit && id !== choice;
      hint.textContent = isUnfit ? "Only for one target" : what;
    }
  }

  /** @param {import("./templates.js").Template} template */
  const made = ({ make }) => make(data.features(), data.targets(), data.dataset().rows, data.task());

  function fill() {
    const template = TEMPLATES.find(({ id }) => id === choice);
    nameField.hidden = choice === "existing";
    existingField.hidden = choice !== "existing";
    editor.hidden = choice === "existing";
    reset.hidden = !isEdited || !template;
    editor.open = choice === "json" || editor.open;
    if (!isNamed) name.value = freeName(`${data.dataset().name}-${template?.id ?? "model"}`);
    if (template && !isEdited) text.value = JSON.stringify(made(template), null, 2);
    else if (choice === "json" && text.value.trim() === "") text.value = JSON.stringify(made(TEMPLATES[0]), null, 2);
  }

  /** @param {string} wanted */
  function freeName(wanted) {
    const base = wanted.slice(0, 58);
    const taken = new Set(models.map((model) => model.name));
    if (!taken.has(base)) return base;
    for (let index = 2; ; index += 1) if (!taken.has(`${base}-${index}`)) return `${base}-${index}`;
  }

  name.addEventListener("input", () => {
    isNamed = name.value !== "";
    changed();
  });
  text.addEventListener("input", () => {
    isEdited = true;
    reset.hidden = choice === "json";
    changed();
  });
  reset.addEventListener("click", () => {
    isEdited = false;
    fill();
    changed();
  });
  existing.addEventListener("change", changed);

  /** Asks once which of the models that are no networks the service has. */
  async function ask() {
    const open = TEMPLATES.filter(({ id }) => ["boosting", "forest"].includes(id) && !known.has(id));
    if (open.length === 0) return;
    await Promise.all(open.map(async (template) => {
      const { id } = template;
      const job = { model: "probe", dataset: data.dataset().name, target: data.targets()[0]?.name, definition: made(template) };
      try {
        await api.plan(job, new AbortController().signal);
        known.set(id, true);
      } catch (error) {
        known.set(id, !(error instanceof Problem && error.errors.some(({ pointer }) => pointer.startsWith("/definition"))));
      }
    }));
    drawKinds();
  }

  return {
    element: h("div.stack", choices, nameField, existingField, editor),
    columnsChanged: () => {
      drawKinds();
      fill();
      void ask();
    },
    /** @returns {{name: string, definition: any, problem: {pointer: string, detail: string} | null}} */
    value: () => {
      if (choice === "existing") return { name: existing.value, definition: null, problem: null };
      try {
        return { name: name.value, definition: JSON.parse(text.value), problem: null };
      } catch (error) {
        return { name: name.value, definition: null, problem: { pointer: "/definition", detail: `This is not JSON yet: ${error instanceof Error ? error.message : error}` } };
      }
    },
  };
}
