/** Sensible models for a table, as a start. */

/** @typedef {{name: string, columns: string[], layer: any}} Head an output of a network, with the columns that it predicts */

const levelsOf = (column) => (column?.values ?? []).map((it) => (it !== null && typeof it === "object" ? it.value : it));

/** @param {any} target a column @param {string} task empty where it follows from the target */
export function lastLayer(target, task) {
  const levels = target?.values?.length ?? target?.distinct ?? 0;
  const isNumber = target?.type === "number";
  if (!target || task === "regression" || (isNumber && levels !== 2 && task !== "classification")) return { type: "dense", units: 1 };
  if (levels <= 2) return { type: "dense", units: 1, activation: "sigmoid" };
  return { type: "dense", units: levels, activation: "softmax" };
}

/** Yes or no: one label of several. @param {any} column */
const isLabel = (column) => column.type === "boolean" || (column.type === "number" && levelsOf(column).length === 2 && levelsOf(column).every((value) => value === 0 || value === 1));

/** Few whole numbers from 0 or 1 on are probably classes. @param {any} column */
function areClasses(column) {
  const values = levelsOf(column);
  return column?.type === "number" && values.length > 2 && values.length <= 20 && values.every(Number.isInteger) && column.min >= 0 && column.min <= 1 && column.max - column.min + 1 === values.length;
}

/** The task that the service would not guess by itself; empty where it would. @param {any[]} targets columns */
export function guessTask(targets) {
  if (targets.length < 2) return areClasses(targets[0]) ? "classification" : "";
  const areAll = targets.every((column) => isLabel(column) || areClasses(column) || column.type !== "number");
  return areAll && targets.some((column) => isLabel(column) || column.type === "number") ? "classification" : "";
}

/** How a network ends: labels share an output, and so do numbers; of several targets, each other one has its own.
 * @param {any[]} targets columns @param {string} task @returns {Head[]} */
export function heads(targets, task) {
  const taken = new Set(["features", "shared"]);
  const together = (name, columns, layer) => {
    // Names of layers are without slashes, and a colon counts calls.
    const plain = name.replace(/[/:\p{C}]/gu, "_");
    let own = plain;
    for (let index = 2; taken.has(own); index += 1) own = `${plain}_${index}`;
    taken.add(own);
    return { name: own, columns: columns.map((column) => column.name), layer };
  };
  const alone = (column) => together(column?.name ?? "output", column ? [column] : [], lastLayer(column, task));
  if (targets.length < 2) return [alone(targets[0])];
  const units = targets.length;
  if (task !== "regression" && targets.every(isLabel)) return [together("labels", targets, { type: "dense", units, activation: "sigmoid" })];
  const numbers = targets.filter((column) => task === "regression" || (column.type === "number" && task === ""));
  const others = targets.filter((column) => !numbers.includes(column));
  const first = numbers.length > 1 ? [together("numbers", numbers, { type: "dense", units: numbers.length })] : numbers.map(alone);
  return [...first, ...others.map(alone)];
}

/** A sequence of layers, or a graph where there are several outputs. @param {any[]} layers @param {Head[]} ends */
function network(layers, ends) {
  if (ends.length === 1) return { layers: [...layers, ends[0].layer] };
  const last = layers.length - 1;
  const shared = layers.map((layer, index) => ({ ...layer, ...(index === last ? { name: "shared" } : {}), ...(index === 0 ? { inputs: ["features"] } : {}) }));
  const outputs = ends.map(({ name, layer }) => ({ name, ...layer, inputs: [last < 0 ? "features" : "shared"] }));
  return { inputs: ["features"], layers: [...shared, ...outputs], outputs: ends.map(({ name }) => name) };
}

/** The number of inputs after encoding; an estimate, since the service decides. @param {any[]} columns */
const width = (columns) => columns.reduce((sum, column) => sum + (column.type === "number" || column.type === "boolean" ? 1 : Math.max(1, column.values?.length ?? 1)), 0);

/** @typedef {{id: string, title: string, text: string, isSingle?: boolean, make: (columns: any[], targets: any[], rows: number, task: string) => any}} Template `isSingle`: for one target only */

/** @type {Template[]} */
export const TEMPLATES = [
  {
    id: "mlp", title: "Neural network", text: "Two dense layers that fit the table: a good first try",
    make: (columns, targets, rows, task) => {
      const units = rows < 300 ? 16 : rows < 5000 ? 32 : 64;
      return network([{ type: "dense", units, activation: "relu" }, ...(rows < 5000 ? [] : [{ type: "dropout", rate: 0.1 }]), { type: "dense", units: units / 2, activation: "relu" }], heads(targets, task));
    },
  },
  { id: "linear", title: "Linear model", text: "One layer: fast, and what others must beat", make: (columns, targets, rows, task) => network([], heads(targets, task)) },
  {
    id: "boosting", title: "Boosted trees", text: "Often best on tables of mixed columns", isSingle: true,
    make: () => ({ type: "gradient_boosting", max_iter: 200, learning_rate: 0.05 }),
  },
  { id: "forest", title: "Random forest", text: "Hard to get wrong", isSingle: true, make: () => ({ type: "random_forest", n_estimators: 200 }) },
  {
    id: "cnn", title: "Convolutional", text: "For columns that are neighbours: pixels, spectra, sensors",
    make: (columns, targets, rows, task) => {
      const size = width(columns);
      const side = Math.sqrt(size);
      if (size >= 36 && Number.isInteger(side)) return network([{ type: "reshape", target_shape: [side, side, 1] }, { type: "conv2d", filters: 16, kernel_size: 3, padding: "same", activation: "relu" }, { type: "max_pooling2d", pool_size: 2 }, { type: "conv2d", filters: 32, kernel_size: 3, padding: "same", activation: "relu" }, { type: "global_average_pooling2d" }], heads(targets, task));
      return network([{ type: "reshape", target_shape: [size, 1] }, { type: "conv1d", filters: 16, kernel_size: Math.min(3, size), padding: "same", activation: "relu" }, { type: "global_average_pooling1d" }], heads(targets, task));
    },
  },
  {
    id: "lstm", title: "LSTM", text: "For columns that are steps in time",
    make: (columns, targets, rows, task) => network([{ type: "reshape", target_shape: [width(columns), 1] }, { type: "lstm", units: 32 }], heads(targets, task)),
  },
];

/** The column that is probably the target: a usual name, or the last one. @param {any[]} columns */
export function guessTarget(columns) {
  const usual = columns.find((column) => /^(target|label|class|y|species|outcome|churn|survived)$/i.test(column.name));
  return (usual ?? columns[columns.length - 1])?.name ?? "";
}
