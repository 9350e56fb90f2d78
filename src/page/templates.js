/** Sensible models for a table, as a start. */

/** @param {any} target a column @param {string} task empty where it follows from the target */
export function lastLayer(target, task) {
  const levels = target?.values?.length ?? target?.distinct ?? 0;
  const isNumber = target?.type === "number";
  if (!target || task === "regression" || (isNumber && levels !== 2 && task !== "classification")) return { type: "dense", units: 1 };
  if (levels <= 2) return { type: "dense", units: 1, activation: "sigmoid" };
  return { type: "dense", units: levels, activation: "softmax" };
}

/** Few whole numbers from 0 or 1 on are probably classes. @param {any} column */
export function guessTask(column) {
  const values = (column?.values ?? []).map((it) => (it !== null && typeof it === "object" ? it.value : it));
  const areClasses = column?.type === "number" && values.length > 2 && values.length <= 20 && values.every(Number.isInteger) && column.min >= 0 && column.min <= 1 && column.max - column.min + 1 === values.length;
  return areClasses ? "classification" : "";
}

/** The number of inputs after encoding; an estimate, since the service decides. @param {any[]} columns */
const width = (columns) => columns.reduce((sum, column) => sum + (column.type === "number" || column.type === "boolean" ? 1 : Math.max(1, column.values?.length ?? 1)), 0);

/** @typedef {{id: string, title: string, text: string, make: (columns: any[], target: any, rows: number, task: string) => any}} Template */

/** @type {Template[]} */
export const TEMPLATES = [
  {
    id: "mlp", title: "Neural network", text: "Two dense layers that fit the table: a good first try",
    make: (columns, target, rows, task) => {
      const units = rows < 300 ? 16 : rows < 5000 ? 32 : 64;
      return { layers: [{ type: "dense", units, activation: "relu" }, ...(rows < 5000 ? [] : [{ type: "dropout", rate: 0.1 }]), { type: "dense", units: units / 2, activation: "relu" }, lastLayer(target, task)] };
    },
  },
  { id: "linear", title: "Linear model", text: "One layer: fast, and what others must beat", make: (columns, target, rows, task) => ({ layers: [lastLayer(target, task)] }) },
  {
    id: "boosting", title: "Boosted trees", text: "Often best on tables of mixed columns",
    make: () => ({ type: "gradient_boosting", max_iter: 200, learning_rate: 0.05 }),
  },
  { id: "forest", title: "Random forest", text: "Hard to get wrong", make: () => ({ type: "random_forest", n_estimators: 200 }) },
  {
    id: "cnn", title: "Convolutional", text: "For columns that are neighbours: pixels, spectra, sensors",
    make: (columns, target, rows, task) => {
      const size = width(columns);
      const side = Math.sqrt(size);
      if (size >= 36 && Number.isInteger(side)) return { layers: [{ type: "reshape", target_shape: [side, side, 1] }, { type: "conv2d", filters: 16, kernel_size: 3, padding: "same", activation: "relu" }, { type: "max_pooling2d", pool_size: 2 }, { type: "conv2d", filters: 32, kernel_size: 3, padding: "same", activation: "relu" }, { type: "global_average_pooling2d" }, lastLayer(target, task)] };
      return { layers: [{ type: "reshape", target_shape: [size, 1] }, { type: "conv1d", filters: 16, kernel_size: Math.min(3, size), padding: "same", activation: "relu" }, { type: "global_average_pooling1d" }, lastLayer(target, task)] };
    },
  },
  {
    id: "lstm", title: "LSTM", text: "For columns that are steps in time",
    make: (columns, target, rows, task) => ({ layers: [{ type: "reshape", target_shape: [width(columns), 1] }, { type: "lstm", units: 32 }, lastLayer(target, task)] }),
  },
];

/** The column that is probably the target: a usual name, or the last one. @param {any[]} columns */
export function guessTarget(columns) {
  const usual = columns.find((column) => /^(target|label|class|y|species|outcome|churn|survived)$/i.test(column.name));
  return (usual ?? columns[columns.length - 1])?.name ?? "";
}
