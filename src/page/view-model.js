/** A model: its versions, its layers, a prediction to try. */

import { api, save, storedKey, textOf, url } from "./api.js";
import { copyButton, empty, h, num, numTitle, replace, rowTitle, table, toast } from "./dom.js";
import { ago, bytes, number, shortId } from "./format.js";
import { graph } from "./graph.js";
import { leaderboard } from "./leaderboard.js";
import { confusionMatrix } from "./matrix.js";
import { deleteButton, facts, warningList } from "./parts.js";
import { predictPart } from "./predict.js";
import { format, setQuery } from "./route.js";

/** @param {string} model @param {number} version */
function weights(model, version) {
  const path = `v1/models/${encodeURIComponent(model)}/versions/${version}/weights`;
  const name = `${model}-v${version}.safetensors`;
  const link = h("a", { href: url(path).href, download: name }, "Weights");
  link.addEventListener("click", (event) => {
    if (!storedKey()) return;
    event.preventDefault();
    save(path, name).catch((error) => toast(textOf(error), "error"));
  });
  return link;
}

/** @type {import("./main.js").View} */
export async function show(place, route, signal) {
  const name = route.path[0];
  const [model, versions] = await Promise.all([api.model(name), api.versions(name)]);
  if (signal.aborted) return;
  const remove = deleteButton(`Delete ${model.name} with its ${versions.length} versions? This cannot be undone.`, () => api.deleteModel(model.name), "models");
  const detail = h("div.stack");
  const body = h("tbody");
  /** The version that was asked for last. */
  let picked = null;
  replace(place, h("div.row.between", h("div", h("h1", model.name), h("p.muted", `created ${ago(model.created_at)}`)), h("div.row", h("a.button", { href: format(["start"], versions[0] ? { from: versions[0].job } : {}) }, "Train again with changes"), remove)),
    warningList(model.warnings ?? []),
    versions.length === 0 ? empty("No version yet", h("p", "A version appears when a training of this model has succeeded."), h("a.button.primary", { href: "#/start" }, "Start a training")) : versionsCard(),
    detail,
    model.definition?.layers ? graph(model.definition, model.summary?.layers ?? versions[0]?.summary?.layers ?? []) : null,
    h("section.card", { "aria-label": "Definition" }, h("details", h("summary", "Definition as JSON"), copyButton(() => JSON.stringify(model.definition, null, 2)), h("pre.low", { tabindex: "0" }, JSON.stringify(model.definition, null, 2)))));

  function versionsCard() {
    const metrics = [...new Set(versions.flatMap((version) => Object.keys(version.metrics ?? {})))].slice(0, 6);
    replace(body, versions.map((version) => h("tr", { "data-version": version.version }, rowTitle(h("button.quiet.small", { onclick: () => void pick(version) }, `Version ${version.version}`)), metrics.map((metric) => num(number(version.metrics?.[metric]))), h("td", h("a", { href: format(["data", version.dataset]) }, version.dataset)), h("td", h("a", { href: format(["jobs", version.job]) }, `…${shortId(version.job)}`)), num(bytes(version.bytes)), h("td", ago(version.created_at)),
      h("td", weights(model.name, version.version)))));
    const versionsTable = table("Versions", ["Version", ...metrics.map((metric) => numTitle(metric)), "Data", "Job", numTitle("Size"), "Created", "Download"], [body]);
    versionsTable.classList.add("low");
    return h("div.card", h("h2", "Versions"), versionsTable);
  }

  async function pick(version) {
    picked = version;
    setQuery({ version: version.version });
    for (const row of body.children) {
      const isCurrent = row.getAttribute("data-version") === String(version.version);
      row.toggleAttribute("data-current", isCurrent);
      row.querySelector("button")?.setAttribute("aria-pressed", String(isCurrent));
    }
    const dataset = await api.dataset(version.dataset).catch(() => null);
    if (signal.aborted || picked !== version) return;
    replace(detail, facts([["Version", number(version.version)], ["Trained on", version.dataset], ["Parameters", number(version.summary?.parameters)], ["Size", bytes(version.bytes)], ["SHA-256", h("code", { title: version.sha256 }, `${version.sha256.slice(0, 12)}…`)]]), predictPart(version, dataset, signal), version.leaderboard ? leaderboard(version.leaderboard) : null, version.confusion_matrix ? confusionMatrix(version.confusion_matrix) : null);
  }
  const wanted = versions.find((version) => String(version.version) === route.query.version) ?? versions[0];
  if (wanted) await pick(wanted);
}
