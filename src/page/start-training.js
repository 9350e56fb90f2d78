/** The settings of a training that most people change; everything else as JSON. */

import { field, h } from "./dom.js";

const OPTIMIZERS = ["adam", "adamw", "sgd", "rmsprop", "nadam", "adagrad", "lion"];

/** @param {any} earlier the training settings of another job, as resolved @param {() => void} changed */
export function trainingPart(earlier, changed) {
  const number = (value, more = {}) => h("input", { type: "number", value: value ?? "", ...more });
  const optimizer = earlier?.optimizer;
  const kind = typeof optimizer === "string" ? optimizer : optimizer?.type;
  const rate = typeof optimizer === "object" && typeof optimizer?.learning_rate === "number" ? optimizer.learning_rate : null;
  const stopping = earlier?.early_stopping;
  const epochs = number(earlier?.epochs ?? 50, { min: 1 });
  const batch = number(typeof earlier?.batch_size === "number" ? earlier.batch_size : 32, { min: 1 });
  const optimizerSelect = h("select", { value: kind ?? "adam" }, [...new Set([...(kind ? [kind] : []), ...OPTIMIZERS])].map((name) => h("option", { value: name }, name)));
  const learningRate = number(rate, { step: "any", min: 0, placeholder: "its default" });
  const validation = number(earlier?.validation_split ?? 0.2, { step: 0.05, min: 0, max: 0.95 });
  const patience = number(stopping?.patience ?? (earlier ? null : 10), { min: 0, placeholder: "none" });
  const seed = number(earlier?.seed, { min: 0, placeholder: "by chance" });
  const more = h("textarea.code", { rows: 5, spellcheck: false, placeholder: '{"metrics": ["accuracy"], "class_weight": "balanced"}' });
  if (earlier) more.value = JSON.stringify(rest(earlier), null, 2);

  for (const control of [epochs, batch, optimizerSelect, learningRate, validation, patience, seed, more]) control.addEventListener("input", changed);

  const numberOf = (input) => (input.value.trim() === "" ? null : Number(input.value));
  const element = h("div.stack", h("div.fields",
    field("Epochs", epochs, { pointer: "/training/epochs" }), field("Batch size", batch, { pointer: "/training/batch_size" }),
    field("Optimizer", optimizerSelect, { pointer: "/training/optimizer" }), field("Learning rate", learningRate, { pointer: "/training/optimizer/learning_rate" }),
    field("Validation share", validation, { pointer: "/training/validation_split", hint: "0 to validate on nothing" }), field("Early stopping patience", patience, { pointer: "/training/early_stopping", hint: "epochs without improvement; keeps the best weights" }),
    field("Seed", seed, { pointer: "/training/seed", hint: "the same seed gives the same model" })),
  h("details", { open: earlier !== null && more.value.length > 2 }, h("summary", "More settings as JSON"), field("Training settings", more, { pointer: "/training", hint: "any field of `training` in the API" })));

  return {
    element,
    /** Models that are no networks have no epochs. */
    withoutEpochs: () => Object.fromEntries([["validation_split", numberOf(validation)], ["seed", numberOf(seed)]].filter(([, value]) => value !== null)),
    value: () => {
      /** @type {Record<string, any>} */
      let settings = {};
      try {
        settings = more.value.trim() ? JSON.parse(more.value) : {};
      } catch {
        // Not JSON yet: the dry run says so at the field.
        return more.value;
      }
      if (settings === null || typeof settings !== "object" || Array.isArray(settings)) return settings;
      const share = numberOf(validation);
      const monitor = share ? "val_loss" : "loss";
      const own = {
        epochs: numberOf(epochs), batch_size: numberOf(batch), validation_split: share, seed: numberOf(seed),
        optimizer: numberOf(learningRate) === null ? optimizerSelect.value : { ...(settings.optimizer?.type === optimizerSelect.value ? settings.optimizer : {}), type: optimizerSelect.value, learning_rate: numberOf(learningRate) },
        early_stopping: numberOf(patience) === null ? null : { ...(stopping ?? { monitor, restore_best_weights: true }), ...(settings.early_stopping ?? {}), patience: numberOf(patience) },
      };
      return { ...settings, ...Object.fromEntries(Object.entries(own).filter(([, value]) => value !== null)) };
    },
  };
}

/** What the form has no field for. Losses and metrics that followed from the target follow again. @param {any} training */
function rest(training) {
  const fields = ["epochs", "batch_size", "validation_split", "seed", "early_stopping", "loss", "metrics"];
  const optimizer = typeof training.optimizer === "object" && Object.keys(training.optimizer).length > 2 ? { optimizer: training.optimizer } : {};
  const others = Object.entries(training).filter(([name, value]) => !fields.includes(name) && name !== "optimizer" && value !== null);
  return { ...Object.fromEntries(others), ...optimizer };
}
