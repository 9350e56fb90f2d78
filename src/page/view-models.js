/** Models: what there is, and what came of it. */

import { api } from "./api.js";
import { empty, h, replace } from "./dom.js";
import { ago, number } from "./format.js";
import { format } from "./route.js";

/** @type {import("./main.js").View} */
export async function show(place, _route, signal) {
  const models = await api.models();
  if (signal.aborted) return;
  if (models.length === 0) {
    replace(place, h("h1", {}, "Models"), empty("No model yet", h("p", {}, "A model comes with its first training."), h("a", { class: "button primary", href: "#/start" }, "Start a training")));
    return;
  }
  const body = h("tbody");
  const search = h("input", { type: "search", class: "filter", placeholder: "Filter by name ( / )", "aria-label": "Filter the models" });
  const draw = () => replace(body, models.filter((model) => model.name.toLowerCase().includes(search.value.trim().toLowerCase())).map((model) => h("tr", {},
    h("th", { scope: "row" }, h("a", { href: format(["models", model.name]) }, model.name)), h("td", { class: "num" }, model.latest_version ? number(model.latest_version) : "none yet"),
    h("td", {}, kind(model.definition)), h("td", { class: "num" }, number(model.summary?.parameters)), h("td", {}, ago(model.created_at)))));
  search.addEventListener("input", draw);
  replace(place, h("h1", {}, "Models"), h("div", { class: "row" }, search), h("div", { class: "card" }, h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Models" }, h("table", {}, h("caption", { class: "sr-only" }, "Models"),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Name"), h("th", { scope: "col", class: "num" }, "Latest version"), h("th", { scope: "col" }, "Kind"), h("th", { scope: "col", class: "num" }, "Parameters"), h("th", { scope: "col" }, "Created"))), body))));
  draw();
}

/** @param {any} definition */
function kind(definition) {
  if (!definition?.layers) return String(definition?.type ?? "model").replaceAll("_", " ");
  const types = definition.layers.map((layer) => layer.type);
  const told = [...new Set(types)].slice(0, 4).join(", ");
  return `${types.length} layers: ${told}${new Set(types).size > 4 ? " …" : ""}`;
}
