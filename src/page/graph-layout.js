/** Where the layers of a model are drawn: rows by distance from the inputs, runs of like layers folded. */

/** @typedef {{id: string, type: string, shape: string, parameters: number, inputs: string[], folded?: string[]}} GraphNode */
/** @typedef {GraphNode & {x: number, y: number, width: number, height: number}} Placed */

/** Layers whose names and inputs the definition leaves out follow each other.
 * @param {any} definition @param {{name: string, type: string, output_shape: number[], parameters: number}[]} layers
 * @returns {GraphNode[]} */
export function nodesOf(definition, layers) {
  const sizes = new Map((layers ?? []).map((layer) => [layer.name, layer]));
  const own = definition?.layers ?? [];
  const shape = (list) => (Array.isArray(list) ? `[${list.join(", ")}]` : "");
  /** @type {GraphNode[]} */
  const nodes = (definition?.inputs ?? []).map((input) => {
    const name = typeof input === "string" ? input : input.name;
    return { id: name, type: "input", shape: shape(input.shape), parameters: 0, inputs: [] };
  });
  const isGraph = nodes.length > 0;
  if (!isGraph) nodes.push({ id: "input", type: "input", shape: shape(definition?.input_shape), parameters: 0, inputs: [] });
  own.forEach((layer, index) => {
    const summary = layers?.[index]?.type === layer.type ? layers[index] : sizes.get(layer.name);
    const id = layer.name ?? summary?.name ?? `${layer.type}-${index}`;
    const before = nodes[nodes.length - 1].id;
    const given = layer.inputs === undefined || layer.inputs === null ? null : references(layer.inputs);
    nodes.push({ id, type: layer.type, shape: shape(summary?.output_shape), parameters: summary?.parameters ?? 0, inputs: given ?? [before] });
  });
  return nodes;
}

/** Names in nested lists and objects of inputs. @param {any} inputs @returns {string[]} */
function references(inputs) {
  if (typeof inputs === "string") return [inputs.split("/")[0].split(":")[0]];
  if (Array.isArray(inputs)) return inputs.flatMap(references);
  if (inputs && typeof inputs === "object") return Object.values(inputs).flatMap(references);
  return [];
}

/** Folds runs of at least `least` layers that follow each other without a branch.
 * @param {GraphNode[]} nodes @param {Set<string>} open runs that are shown @param {number} [least] */
export function folded(nodes, open, least = 4) {
  const uses = new Map(nodes.map((node) => [node.id, 0]));
  for (const node of nodes) for (const input of node.inputs) uses.set(input, (uses.get(input) ?? 0) + 1);
  /** @type {GraphNode[]} */
  const result = [];
  /** @type {GraphNode[]} */
  let run = [];
  /** @type {Map<string, string>} */
  const renamed = new Map();
  const close = () => {
    if (run.length >= least && !open.has(run[0].id) && nodes.length > 14) {
      const last = run[run.length - 1];
      renamed.set(last.id, run[0].id);
      result.push({ id: run[0].id, type: `${run.length} layers`, shape: last.shape, parameters: run.reduce((sum, node) => sum + node.parameters, 0), inputs: run[0].inputs, folded: run.map((node) => node.id) });
    } else result.push(...run);
    run = [];
  };
  for (const node of nodes) {
    const before = run[run.length - 1];
    const follows = before && node.inputs.length === 1 && node.inputs[0] === before.id && uses.get(before.id) === 1;
    if (!follows) close();
    if (node.type === "input") result.push(node);
    else run.push(node);
  }
  close();
  return result.map((node) => ({ ...node, inputs: node.inputs.map((input) => renamed.get(input) ?? input) }));
}

const [WIDTH, HEIGHT, GAP_X, GAP_Y] = [210, 52, 28, 34];

/** @param {GraphNode[]} nodes @returns {{nodes: Placed[], width: number, height: number}} */
export function layout(nodes) {
  /** @type {Map<string, number>} */
  const ranks = new Map();
  const known = new Map(nodes.map((node) => [node.id, node]));
  for (const node of nodes) ranks.set(node.id, Math.max(0, ...node.inputs.filter((input) => known.has(input)).map((input) => (ranks.get(input) ?? 0) + 1)));
  /** @type {GraphNode[][]} */
  const rows = [];
  for (const node of nodes) (rows[ranks.get(node.id) ?? 0] ??= []).push(node);
  const widest = Math.max(...rows.map((row) => row?.length ?? 0));
  const width = widest * WIDTH + (widest - 1) * GAP_X + 24;
  /** @type {Map<string, number>} */
  const centres = new Map();
  /** @type {Placed[]} */
  const placed = [];
  rows.forEach((row, rank) => {
    const wish = (node) => {
      const above = node.inputs.flatMap((input) => centres.get(input) ?? []);
      return above.length === 0 ? width / 2 : above.reduce((sum, x) => sum + x, 0) / above.length;
    };
    const ordered = row.map((node) => ({ node, at: wish(node) })).sort((a, b) => a.at - b.at);
    const total = ordered.length * WIDTH + (ordered.length - 1) * GAP_X;
    // One layer stays under its inputs; several share the row around their middle.
    const middle = ordered.reduce((sum, { at }) => sum + at, 0) / ordered.length;
    const start = Math.min(width - 12 - total, Math.max(12, middle - total / 2));
    ordered.forEach(({ node }, index) => {
      const x = start + index * (WIDTH + GAP_X);
      centres.set(node.id, x + WIDTH / 2);
      placed.push({ ...node, x, y: 12 + rank * (HEIGHT + GAP_Y), width: WIDTH, height: HEIGHT });
    });
  });
  return { nodes: placed, width, height: 24 + rows.length * HEIGHT + (rows.length - 1) * GAP_Y };
}
