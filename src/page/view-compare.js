/** Compare: curves over each other, what differs in the settings, the results in a table. The address holds all of it. */

import { api } from "./api.js";
import { bySeed, differences } from "./compare.js";
import { Charts, Curves, bestIn, hasBand, xOf } from "./curves.js";
import { empty, h, num, numTitle, replace, rowTitle, table } from "./dom.js";
import { number, plural, shortId } from "./format.js";
import * as jobs from "./jobs.js";
import { at, distinct } from "./palette.js";
import { settingText, status, swatch } from "./parts.js";
import { format, setQuery } from "./route.js";
import { RUN, charts, isLowBetter } from "./series.js";
import { smooth, meanBand } from "./smooth.js";
import { toolbar, toolsOf } from "./toolbar.js";

/** @type {import("./main.js").View} */
export async function show(place, route, signal) {
  const ids = (route.query.jobs ?? "").split(",").filter(Boolean).slice(0, 20);
  if (ids.length === 0) {
    await jobs.ready();
    replace(place, h("h1", "Compare"), empty("Nothing to compare yet", h("p", "Select two or more jobs in the table of jobs, then Compare."), h("a.button.primary", { href: "#/jobs" }, "To the jobs")));
    return;
  }
  const began = Date.now();
  const list = await Promise.all(ids.map((id) => api.job(id)));
  if (signal.aborted) return;
  list.forEach((job) => jobs.add(job, began));
  const tools = toolsOf(route.query);
  const colours = distinct(ids);
  let together = route.query.mean === "1";
  let highlight = /** @type {string | null} */ (null);
  let only = route.query.metric ?? "";

  const groups = bySeed(list);
  const hasSeeds = groups.some((group) => group.length > 1);
  const metricSelect = h("select", { "aria-label": "Metric" });
  metricSelect.addEventListener("change", () => {
    only = metricSelect.value;
    setQuery({ metric: only });
    drawCurves();
  });
  const mean = h("input", { type: "checkbox", checked: together });
  mean.addEventListener("change", () => {
    together = mean.checked;
    setQuery({ mean: together ? "1" : null });
    drawCurves();
  });
  const bar = toolbar(tools, () => drawCurves());
  bar.append(h("label", "Metric", metricSelect), ...(hasSeeds ? [h("label", mean, "Mean over seeds, with a band of one standard deviation")] : []));
  const curves = new Curves(ids, () => drawCurves(), signal);
  const grid = new Charts(curves, tools);
  const results = h("div.card");
  const settings = h("div.card");
  const names = h("div.chips");
  replace(place, h("div.row.between", h("h1", `Compare ${plural(ids.length, "job")}`), h("a", { href: format(["jobs"], { selected: ids.join(",") }) }, "Change the selection")), names, bar, grid.element, settings, results);

  const nameOf = (job) => (list.filter((it) => it.model === job.model).length === 1 ? job.model : `${job.model} …${shortId(job.id)}`);
  const colourOf = (id) => at(colours.get(id) ?? 0);
  /** @type {Map<string, HTMLElement>} */
  const statuses = new Map();
  const statusOf = (id) => {
    const shown = status(jobs.get(id).status);
    statuses.get(id)?.replaceWith(shown);
    statuses.set(id, shown);
    return shown;
  };
  replace(names, list.map((job) => {
    const chip = h("span.chip.plain", swatch(colourOf(job.id)), h("a", { href: format(["jobs", job.id]) }, nameOf(job)), statusOf(job.id),
      ids.length > 1 ? h("button.quiet.small", { "aria-label": `Leave out ${nameOf(job)}`, onclick: () => (location.hash = format(["compare"], { ...route.query, jobs: ids.filter((id) => id !== job.id).join(",") })) }, "×") : null);
    chip.addEventListener("pointerenter", () => light(job.id));
    chip.addEventListener("pointerleave", () => light(null));
    return chip;
  }));

  grid.element.addEventListener("highlight", (event) => light(/** @type {CustomEvent} */ (event).detail));

  /** @param {string | null} key */
  function light(key) {
    const id = key?.split(" ")[0] ?? null;
    if (id === highlight) return;
    highlight = id;
    drawCurves();
  }

  /** @param {any[]} group @param {string} name @returns {import("./chart.js").Series | null} */
  function meanOf(group, name) {
    const parts = group.flatMap((job) => {
      const history = curves.of(job.id);
      const column = history?.metrics[name];
      return history && column ? [{ x: xOf(history, job, tools.x), y: smooth(column.last, 0) }] : [];
    });
    if (parts.length === 0) return null;
    const band = meanBand(parts);
    return { key: `${group[0].id} ${name}`, name: `${group[0].model}, ${plural(group.length, "seed")}${name.startsWith("val_") ? ", validation" : ""}`, colour: colourOf(group[0].id), dashed: name.startsWith("val_"), x: band.x, y: band.mean, low: band.low, high: band.high };
  }

  /** @param {any} job @param {string} name @returns {import("./chart.js").Series | null} */
  function seriesOf(job, name) {
    const history = curves.of(job.id);
    const column = history?.metrics[name];
    if (!history || !column) return null;
    const x = xOf(history, job, tools.x);
    const best = bestIn(history, jobs.get(job.id) ?? job);
    return { key: `${job.id} ${name}`, name: `${nameOf(job)}${name.startsWith("val_") ? ", validation" : ""}`, colour: colourOf(job.id), dashed: name.startsWith("val_"), x, y: column.last, low: hasBand(history) ? column.min : null, high: hasBand(history) ? column.max : null, best: best >= 0 && /loss|val_/.test(name) ? x[best] : null };
  }

  function drawCurves() {
    if (signal.aborted) return;
    const every = new Set(ids.flatMap((id) => Object.keys(curves.whole(id)?.metrics ?? {})));
    const all = charts(every);
    const wanted = all.filter(({ title }) => (only ? title === only : !RUN.includes(title)));
    if (metricSelect.options.length !== all.length + 1) replace(metricSelect, h("option", { value: "" }, "All of learning"), all.map(({ title }) => h("option", { value: title, selected: title === only }, title)));
    grid.keep(wanted.map(({ title }) => title));
    for (const { title, names: members } of wanted) {
      const series = together && hasSeeds ? groups.flatMap((group) => members.map((name) => meanOf(group, name))) : list.flatMap((job) => members.map((name) => seriesOf(job, name)));
      const drawn = /** @type {import("./chart.js").Series[]} */ (series.filter(Boolean));
      grid.of(title).show(drawn, { ...tools, highlight: highlight ? (drawn.find((it) => it.key.startsWith(highlight ?? ""))?.key ?? null) : null });
    }
    drawResults();
  }

  let lastResults = "";
  function drawResults() {
    const live = list.map((job) => ({ ...job, ...(jobs.get(job.id) ?? {}) }));
    const metrics = [...new Set(live.flatMap((job) => Object.keys(job.metrics ?? {})))];
    const key = JSON.stringify(live.map((job) => [job.status, job.metrics, job.best]));
    if (key === lastResults || metrics.length === 0) return;
    lastResults = key;
    const rows = metrics.map((name) => {
      const values = live.map((job) => job.best?.[name] ?? job.metrics?.[name] ?? null);
      const low = isLowBetter(name.replace(/^val_/, ""));
      const finite = values.filter((value) => typeof value === "number");
      const best = low === null || finite.length < 2 ? null : low ? Math.min(...finite) : Math.max(...finite);
      return h("tr", rowTitle(name), values.map((value) => h("td", { class: `num${value !== null && value === best ? " best-cell" : ""}` }, number(value), value !== null && value === best ? h("span.sr-only", " (best)") : null)));
    });
    replace(results, h("h2", "Metrics at the best epoch"), table("Metrics at the best epoch", titles("Metric"), [rows,
      more("best epoch", live, (job) => job.best_epoch), more("parameters", list, (job) => job.summary?.parameters), more("training seconds", live, (job) => job.timing?.training_seconds)]));
  }

  /** @param {string} title @param {any[]} of @param {(job: any) => any} value */
  const more = (title, of, value) => h("tr", rowTitle(title), of.map((job) => num(number(value(job)))));
  const titles = (first) => [first, ...list.map((job) => numTitle(swatch(colourOf(job.id)), ` ${nameOf(job)}`))];

  function drawSettings() {
    const rows = differences(list);
    const changed = rows.filter((row) => row.differs);
    const line = (row) => h("tr", { class: row.differs ? "differs" : "" }, rowTitle(row.path), row.values.map((value) => num(settingText(value))));
    const part = (label, lines) => table(label, titles("Setting"), lines.map(line), "diff");
    replace(settings, h("h2", changed.length === 0 ? "The settings are the same" : "Settings that differ"), changed.length > 0 ? part("Settings that differ", changed) : null,
      h("details", h("summary", "Settings that are the same"), part("Settings that are the same", rows.filter((row) => !row.differs))));
  }

  drawSettings();
  signal.addEventListener("abort", jobs.watch((changed) => ids.filter((id) => changed.has(id)).forEach(statusOf)));
  await curves.start();
  drawCurves();
}
