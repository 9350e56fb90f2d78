/** A model as a picture: names, shapes and parameters on the layers; long runs can be folded. */

import { card, h, num, numTitle, replace, rowTitle, svg, table } from "./dom.js";
import { number } from "./format.js";
import { folded, layout, nodesOf } from "./graph-layout.js";
import { at } from "./palette.js";

/** @param {string} type */
function tone(type) {
  if (type === "input") return 7;
  if (/conv|pool/.test(type)) return 2;
  if (/lstm|gru|rnn|bidirectional/.test(type)) return 3;
  if (/attention|transformer|embedding/.test(type)) return 6;
  if (/norm|dropout|noise/.test(type)) return 5;
  if (/dense/.test(type)) return 0;
  return 4;
}

/** @param {string} text @param {number} max */
const cut = (text, max) => (text.length > max ? `${text.slice(0, max - 1)}…` : text);

export function graph(definition, layers) {
  const nodes = nodesOf(definition, layers);
  /** @type {Set<string>} */
  const open = new Set();
  const place = h("div.graph", { tabindex: "0", role: "region", "aria-label": "Graph of the model" });
  const unfold = h("button.small", "Unfold everything");
  unfold.addEventListener("click", () => {
    const isFolded = open.size === 0;
    open.clear();
    if (isFolded) nodes.forEach((node) => open.add(node.id));
    unfold.textContent = isFolded ? "Fold" : "Unfold everything";
    drawGraph();
  });
  function drawGraph() {
    const { nodes: placed, width, height } = layout(folded(nodes, open));
    const by = new Map(placed.map((node) => [node.id, node]));
    const edges = placed.flatMap((node) => node.inputs.flatMap((input) => {
      const from = by.get(input);
      if (!from) return [];
      const [x1, y1, x2, y2] = [from.x + from.width / 2, from.y + from.height, node.x + node.width / 2, node.y];
      const bend = Math.max(16, (y2 - y1) / 2);
      return svg("path", { d: `M${x1} ${y1} C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}` });
    }));
    const boxes = placed.map((node) => {
      const group = svg("g", { class: `node${node.folded ? " fold" : ""}`, transform: `translate(${node.x} ${node.y})`, style: { "--kind": at(tone(node.type)) } },
        svg("title", {}, `${node.id} (${node.type}) ${node.shape}, ${number(node.parameters)} parameters`),
        svg("rect", { width: node.width, height: node.height, rx: 8 }), svg("rect", { class: "bar", width: 5, height: node.height - 16, x: 6, y: 8, rx: 2.5, stroke: "none", style: { fill: "var(--kind)", stroke: "none" } }),
        svg("text", { x: 20, y: 21, "font-weight": 600 }, cut(node.folded ? node.type : node.id, 26)), svg("text", { class: "minor", x: 20, y: 40 }, cut([node.folded ? "unfold" : node.type, node.shape, node.parameters ? `${number(node.parameters)} par.` : ""].filter(Boolean).join(" · "), 36)));
      if (node.folded) group.addEventListener("click", () => {
        open.add(node.id);
        drawGraph();
      });
      return group;
    });
    replace(place, svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${nodes.length - 1} layers, from the input to the output; the same in the table below` }, edges, boxes));
  }
  drawGraph();
  const rows = nodes.map((node) => h("tr", rowTitle(node.id), h("td", node.type), h("td", node.inputs.join(", ")), h("td", node.shape), num(number(node.parameters))));
  return card("Layers", nodes.length > 14 && unfold, place, h("details", h("summary", "The layers as a table"), table("Layers as a table", ["Layer", "Type", "Inputs", "Output", numTitle("Parameters")], rows)));
}
