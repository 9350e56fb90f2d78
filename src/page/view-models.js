/** Models: what there is, and what came of it. */

import { api } from "./api.js";
import { empty, h, num, numTitle, replace, rowTitle, table } from "./dom.js";
import { ago, number } from "./format.js";
import { format } from "./route.js";

/** @type {import("./main.js").View} */
export async function show(place, _route, signal) {
  const models = await api.models();
  if (signal.aborted) return;
  if (models.length === 0) {
    replace(place, h("h1", "Models"), empty("No model yet", h("p", "A model comes with its first training."), h("a.button.primary", { href: "#/start" }, "Start a training")));
    return;
  }
  const body = h("tbody");
  const search = h("input", { type: "search", class: "filter", placeholder: "Filter by name ( / )", "aria-label": "Filter the models" });
  const draw = () => replace(body, models.filter((model) => model.name.toLowerCase().includes(search.value.trim().toLowerCase())).map((model) => h("tr",
    rowTitle(h("a", { href: format(["models", model.name]) }, model.name)), num(model.latest_version ? number(model.latest_version) : "none yet"),
    h("td", kind(model.definition)), num(number(model.summary?.parameters)), h("td", ago(model.created_at)))));
  search.addEventListener("input", draw);
  replace(place, h("h1", "Models"), h("div.row", search), h("div.card", table("Models", ["Name", numTitle("Latest version"), "Kind", numTitle("Parameters"), "Created"], [body])));
  draw();
}

function kind(definition) {
  if (!definition?.layers) return String(definition?.type ?? "model").replaceAll("_", " ");
  const types = definition.layers.map((layer) => layer.type);
  const told = [...new Set(types)].slice(0, 4).join(", ");
  return `${types.length} layers: ${told}${new Set(types).size > 4 ? " …" : ""}`;
}
