/** Jobs: a live table to filter, sort and compare from. */

import { api } from "./api.js";
import { empty, h, num, onChange, replace, setText } from "./dom.js";
import { ago, clock, duration, names, number, plural } from "./format.js";
import * as jobs from "./jobs.js";
import { bindRows } from "./keys.js";
import { colour } from "./palette.js";
import { progressBar, progressText, sparkline, status, swatch } from "./parts.js";
import { format, go, setQuery } from "./route.js";

const STATUSES = ["running", "paused", "queued", "succeeded", "failed", "cancelled"];

/** @typedef {{title: string, class?: string, value: (job: any) => any}} Column */

/** @type {Record<string, Column>} */
const COLUMNS = {
  status: { title: "Status", value: (job) => STATUSES.indexOf(job.status) },
  model: { title: "Model", value: (job) => job.model },
  data: { title: "Data", class: "hide", value: (job) => job.dataset },
  progress: { title: "Progress", value: (job) => job.progress.fraction },
  loss: { title: "Loss (best)", class: "num", value: (job) => jobs.headline(job).best ?? Infinity },
  score: { title: "Metric (best)", class: "num", value: (job) => -(jobs.headline(job).scoreBest ?? -Infinity) },
  curve: { title: "Curve", value: () => 0 },
  created: { title: "Started", class: "hide", value: (job) => -Date.parse(job.created_at) },
};

/** @type {import("./main.js").View} */
export async function show(place, route, signal) {
  let { q = "", status: only = "", sort = "created" } = route.query;
  const selected = new Set((route.query.selected ?? "").split(",").filter(Boolean));
  /** @type {Map<string, {values: number[], until: number}>} */
  const curves = new Map();

  const search = h("input", { type: "search", class: "filter", placeholder: "Filter by model, data, label, note ( / )", "aria-label": "Filter the jobs", value: q });
  const chips = h("div.chips", { role: "group", "aria-label": "Status" });
  const count = h("p.muted", { role: "status" });
  const body = h("tbody");
  const head = h("tr");
  const table = h("table.jobs", h("caption.sr-only", "Jobs"), h("thead", head), body);
  const card = h("div.card", { style: { "overflow-x": "auto" } }, table);
  const selection = h("div.selection", { role: "region", "aria-label": "Selected jobs", hidden: true });
  replace(place, h("div.row.between", h("h1", "Jobs"), count), h("div.row", search, chips), card, selection);

  const matches = (job) => {
    if (only && job.status !== only) return false;
    const text = [job.model, job.dataset, names(job.target), job.note ?? "", job.id, ...Object.entries(job.labels ?? {}).map((pair) => pair.join("="))].join(" ").toLowerCase();
    return q.toLowerCase().split(/\s+/).every((word) => text.includes(word));
  };

  const chipOf = new Map(STATUSES.map((name) => {
    const total = h("span");
    const button = h("button.chip", { onclick: () => {
      only = only === name ? "" : name;
      setQuery({ status: only });
      draw();
    } }, status(name), total);
    return [name, { button, total }];
  }));
  replace(chips, [...chipOf.values()].map(({ button }) => button));

  function drawChips() {
    const all = jobs.all();
    for (const [name, { button, total }] of chipOf) {
      const jobsOfIt = all.filter((job) => job.status === name).length;
      button.hidden = only !== name && jobsOfIt === 0;
      button.setAttribute("aria-pressed", String(only === name));
      setText(total, String(jobsOfIt));
    }
  }

  const titleOf = new Map(Object.entries(COLUMNS).map(([name, column]) => [name, h("th", { scope: "col", class: column.class }, name === "curve" ? column.title : h("button", { onclick: () => {
    sort = sort === name ? `-${name}` : name;
    setQuery({ sort: sort === "created" ? null : sort });
    draw();
  } }, column.title))]));
  replace(head, h("th", h("span.sr-only", "Select")), [...titleOf.values()]);

  function drawHead() {
    for (const [name, cell] of titleOf) {
      if (sort.replace("-", "") === name) cell.setAttribute("aria-sort", sort.startsWith("-") ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    }
  }

  const isOtherSelection = onChange();
  function drawSelection() {
    const known = [...selected].filter((id) => jobs.get(id));
    if (!isOtherSelection(known)) return;
    selection.hidden = known.length === 0;
    setQuery({ selected: known.join(",") });
    const compare = h("a.button.primary", { href: format(["compare"], { jobs: known.join(",") }) }, "Compare");
    replace(selection, h("strong", `${plural(known.length, "job")} selected`), known.length > 1 ? compare : h("span.muted", "Select another one to compare"),
      h("button.quiet", { onclick: () => {
        selected.clear();
        draw();
      } }, "Clear"));
  }

  /** @param {string} id @param {boolean} on */
  function select(id, on) {
    if (on) selected.add(id);
    else selected.delete(id);
    drawSelection();
  }

  function row(job) {
    const { name, last, best, score, scoreLast, scoreBest } = jobs.headline(job);
    const box = h("input", { type: "checkbox", checked: selected.has(job.id), "aria-label": `Select ${job.model}, ${clock(job.created_at)}` });
    box.addEventListener("change", () => select(job.id, box.checked));
    const labels = Object.entries(job.labels ?? {}).map(([key, value]) => `${key}=${value}`).join(" ");
    const curve = curves.get(job.id);
    return h("tr", { "data-id": job.id },
      h("td", box),
      h("td", status(job.status)),
      h("td.who", swatch(colour(job.id)), " ", h("a", { href: format(["jobs", job.id]) }, job.model), job.version ? h("small", ` v${job.version}`) : null, h("div.sub", [job.note, labels].filter(Boolean).join(" · "))),
      h("td.hide", job.dataset, h("div.sub", { title: names(job.target) }, `→ ${names(job.target, 3)}`)),
      h("td", progressBar(job), h("div.sub.nums", progressText(job))),
      num(name ? [number(last), h("div.sub", { title: name }, `best ${number(best)}, ${name}`)] : "–"),
      num(score ? [number(scoreLast), h("div.sub", { title: score }, `best ${number(scoreBest)}, ${score}`)] : "–"),
      h("td.hide", curve ? sparkline(curve.values, colour(job.id), `Curve of ${name}`) : h("span.spark")),
      h("td.hide", h("time", { datetime: job.created_at, title: job.created_at }, ago(job.created_at)), h("div.sub", job.timing?.training_seconds ? duration(job.timing.training_seconds) : "")));
  }

  let listed = /** @type {any[]} */ ([]);
  function draw() {
    if (signal.aborted) return;
    const all = jobs.all();
    drawChips();
    drawHead();
    drawSelection();
    if (all.length === 0) {
      replace(card, empty("No training yet", h("p", "Drop a table on the Data page, then start a training on it."), h("div.row", h("a.button.primary", { href: "#/data" }, "Add data"), h("a.button", { href: "docs/" }, "Read the API"))));
      count.textContent = "";
      return;
    }
    if (!card.contains(table)) replace(card, table);
    const column = COLUMNS[sort.replace("-", "")] ?? COLUMNS.created;
    const sign = sort.startsWith("-") ? -1 : 1;
    listed = all.filter(matches).map((job) => ({ job, by: column.value(job) })).sort((a, b) => sign * (a.by < b.by ? -1 : a.by > b.by ? 1 : 0)).map(({ job }) => job);
    count.textContent = `${listed.length === all.length ? "" : `${listed.length} of `}${plural(all.length, "job")}`;
    const wanted = listed.map(rowOf);
    if (wanted.length !== body.rows.length || wanted.some((it, index) => it !== body.rows[index])) {
      const focused = /** @type {HTMLElement | null} */ (body.contains(document.activeElement) ? document.activeElement : null);
      replace(body, wanted);
      focused?.focus({ preventScroll: true });
    }
    void readCurves();
  }

  /** @type {Map<string, HTMLTableRowElement>} */
  const rows = new Map();
  /** The row of a job. Only cells that changed are others than before: links and boxes keep the focus, and a click that has begun. */
  function rowOf(job) {
    const next = row(job);
    const earlier = rows.get(job.id);
    if (!earlier) {
      rows.set(job.id, next);
      return next;
    }
    [...next.cells].forEach((cell, index) => {
      const old = earlier.cells[index];
      if (index === 0 || cell.isEqualNode(old)) return;
      const hadFocus = old.contains(document.activeElement);
      old.replaceWith(cell);
      if (hadFocus) cell.querySelector("a")?.focus({ preventScroll: true });
    });
    const box = earlier.querySelector("input");
    if (box) box.checked = selected.has(job.id);
    return earlier;
  }

  /** @param {Set<string>} ids */
  function update(ids) {
    const isKnown = [...ids].every((id) => rows.get(id)?.isConnected);
    if (!isKnown || only || sort !== "created") return draw();
    drawChips();
    for (const id of ids) rowOf(jobs.get(id));
    void readCurves();
  }

  let isAgain = false;
  let isReading = false;
  /** Sparklines, one request at a time and at most every two seconds for a job that runs. */
  async function readCurves() {
    isAgain = isReading;
    if (isReading) return;
    isReading = true;
    try {
      for (const job of listed.slice(0, 60)) {
        if (signal.aborted) return;
        const latest = jobs.get(job.id) ?? job;
        const earlier = curves.get(job.id);
        const isDue = !earlier || (earlier.until >= 0 && (jobs.hasEnded(latest) || Date.now() - earlier.until > 2000));
        if (latest.progress.epoch === 0 || !isDue) continue;
        const history = await api.history(job.id, { points: 60 });
        const name = jobs.headline(latest).name ?? "loss";
        const values = (history.metrics[name] ?? history.metrics.loss)?.last.map((value) => value ?? NaN) ?? [];
        curves.set(job.id, { values, until: jobs.hasEnded(latest) ? -1 : Date.now() });
        rows.get(job.id)?.querySelector(".spark")?.replaceWith(sparkline(values, colour(job.id), `Curve of ${name}`));
      }
    } catch {
      // A curve that cannot be read now is read with the next change.
    } finally {
      isReading = false;
    }
    // Jobs that changed meanwhile, but not all the time.
    if (isAgain) setTimeout(readCurves, 500);
  }

  search.addEventListener("input", () => {
    q = search.value.trim();
    setQuery({ q });
    draw();
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") search.blur();
  });
  bindRows(table, signal, (focused, key) => {
    const id = focused.getAttribute("data-id") ?? "";
    if (key === " ") select(id, !selected.has(id));
    else if (key === "c" && selected.size > 1) go(["compare"], { jobs: [...selected].join(",") });
    else return false;
    const box = /** @type {HTMLInputElement | null} */ (focused.querySelector("input"));
    if (box) box.checked = selected.has(id);
    return true;
  });
  await jobs.ready();
  if (signal.aborted) return;
  draw();
  signal.addEventListener("abort", jobs.watch(update));
  const ticking = setInterval(() => {
    for (const time of body.querySelectorAll("time")) time.textContent = ago(time.getAttribute("datetime"));
  }, 15000);
  signal.addEventListener("abort", () => clearInterval(ticking));
}
