/** A job: its curves as they grow, and everything that is known of it. */

import { api, search, textOf, url } from "./api.js";
import { card, copyButton, h, onChange, replace, toast } from "./dom.js";
import { Charts, Curves, bestIn, hasBand, xOf } from "./curves.js";
import { diagnose } from "./diagnose.js";
import { ago, bytes, clock, duration, names, number, shortId, unitOf } from "./format.js";
import { notePart } from "./job-note.js";
import * as jobs from "./jobs.js";
import { leaderboard } from "./leaderboard.js";
import { confusionMatrix } from "./matrix.js";
import { colour, isDark } from "./palette.js";
import { confirmed, facts, flatten, pairs, progressBar, progressText, status, swatch, warningList } from "./parts.js";
import { format, go } from "./route.js";
import { RUN, charts } from "./series.js";
import { toolbar, toolsOf } from "./toolbar.js";

/** @param {number[]} values */
const isConstant = (values) => values.every((value) => value === values[0]);

/** @type {import("./main.js").View} */
export async function show(place, route, signal) {
  const id = route.path[0];
  const began = Date.now();
  jobs.add(await api.job(id), began);
  if (signal.aborted) return;
  let job = jobs.get(id);
  const tools = toolsOf(route.query);
  const top = h("div.row.between");
  const state = h("div.contents");
  const head = h("div.card", top, state);
  const notes = h("div.contents");
  const waiting = h("p.muted");
  const below = h("div.contents");
  const note = notePart((changes, done) => act(() => api.patchJob(id, changes), done));
  const log = h("ol.log");
  const curves = new Curves([id], () => drawCurves(), signal);
  const grid = new Charts(curves, tools, (metric) => url(`v1/jobs/${id}/curve.svg`).href + search({ metric, theme: isDark() ? "dark" : null }));
  replace(place, head, notes, toolbar(tools, drawCurves), waiting, grid.element, h("div.grid", note.element, below));

  const isOtherTop = onChange();
  /** Title and actions. */
  function drawTop() {
    const isOver = jobs.hasEnded(job);
    const isPaused = job.status === "paused";
    const canFinish = job.status === "running" || job.progress.epoch > 0;
    const unit = job.progress.unit.replace(/s$/, "");
    if (!isOtherTop([isOver, isPaused, canFinish, job.version])) return;
    const focused = top.contains(document.activeElement) ? document.activeElement?.textContent : null;
    /** @param {string} text @param {() => unknown} onclick @param {string} [title] @param {string} [kind] */
    const button = (text, onclick, title, kind) => h("button", { class: kind, title, onclick }, text);
    const cancel = async () => {
      if (!(await confirmed(`Cancel the training of ${job.model}? What it has learned so far is lost.`, "Cancel the training"))) return;
      await act(() => api.cancel(id), "The training is being cancelled");
    };
    const actions = isOver
      ? [button("Retry", retry, "Train again with the same settings")]
      : [
        isPaused ? button("Resume", () => act(() => api.resume(id), "The training goes on")) : button("Pause", () => act(() => api.pause(id), "The training is being paused"), "Leaves the worker to other jobs and keeps its place"),
        canFinish ? button("Finish", () => act(() => api.finish(id), `The training ends with this ${unit}`), `Ends with this ${unit} and keeps the model`) : null,
        button("Cancel", cancel, undefined, "danger"),
      ];
    replace(top, h("div", h("h1", swatch(colour(id)), ` ${job.model}`), h("p.muted", "on ", h("a", { href: format(["data", job.dataset]) }, job.dataset), ` → ${names(job.target)} · job …${shortId(id)} · `, h("time", { datetime: job.created_at, title: clock(job.created_at) }, ago(job.created_at)))),
      h("div.row",
          job.version ? h("a.button.primary", { href: format(["models", job.model], { version: job.version }) }, `Try version ${job.version}`) : null,
          h("a.button", { href: format(["start"], { from: id }) }, "Train again with changes"),
          h("a.button", { href: format(["jobs"], { selected: id }) }, "Compare"),
          actions));
    if (focused === null) return;
    const all = [...top.querySelectorAll("button")];
    (all.find((it) => it.textContent === focused) ?? all[0])?.focus();
  }

  function drawState() {
    document.title = `${job.status === "running" ? `${Math.floor(100 * (job.progress.fraction ?? 0))} % ` : ""}${job.model} – epoca`;
    const { name, last, best, score, scoreLast, scoreBest } = jobs.headline(job);
    const isOver = jobs.hasEnded(job);
    replace(state, progressBar(job, true),
      h("div.row.between", status(job.status), h("span.nums.muted", { role: isOver ? undefined : "timer" }, progressText(job))),
      facts([
        name ? [`${name}, last`, number(last)] : ["Loss", "–"],
        ...(name ? [/** @type {[string, any]} */ ([`${name}, best`, `${number(best)}${job.best_epoch ? ` (${unitOf(job)} ${job.best_epoch})` : ""}`])] : []),
        ...(score ? [/** @type {[string, any]} */ ([score, `${number(scoreLast)}`]), /** @type {[string, any]} */ ([`${score}, best ${unitOf(job)}`, number(scoreBest)])] : []),
        ["Training", duration(job.timing?.training_seconds)],
        ["Attempt", number(job.attempt)],
      ]));
  }

  const areOtherNotes = onChange();
  function drawNotes() {
    const history = curves.whole(id);
    const findings = history ? diagnose(history, job) : [];
    if (!areOtherNotes([findings, job.error, job.warnings])) return;
    replace(notes,
      job.error ? h("div.note.bad", { role: "alert" }, h("strong", `Failed: ${job.error.code.replaceAll("_", " ")}`), h("p", job.error.detail)) : null,
      findings.filter((it) => it.kind !== "diverged").map((it) => h("div", { class: `note ${it.kind === "not_finite" ? "bad" : "warn"}` }, h("strong", it.kind.replaceAll("_", " ")), h("p", it.text))),
      warningList(job.warnings ?? []));
  }

  function drawCurves() {
    const history = curves.of(id);
    if (signal.aborted) return;
    const isEmpty = !history || history.epoch.length === 0;
    waiting.hidden = !isEmpty;
    waiting.textContent = unitOf(job) === "iteration" ? "A model of this kind has no curves." : jobs.hasEnded(job) ? `This job has no ${unitOf(job)}s.` : job.status === "queued" ? "The curves appear when a worker has taken the job." : `The curves appear with the first ${unitOf(job)}.`;
    if (!history || isEmpty) return;
    // Seconds say what the throughput says, and a learning rate that stays is among the settings.
    for (const { title, names: members } of charts(Object.keys(history.metrics).filter((name) => name !== "seconds" && !(name === "learning_rate" && isConstant(history.metrics[name].last))))) {
      const chart = grid.of(title);
      const x = xOf(history, job, tools.x);
      const best = bestIn(history, job);
      chart.show(members.map((name) => {
        const column = history.metrics[name];
        const isValidation = name.startsWith("val_");
        return { key: name, name: isValidation ? "validation" : members.length > 1 ? "training" : title, colour: colour(id), dashed: isValidation, x, y: column.last, low: hasBand(history) ? column.min : null, high: hasBand(history) ? column.max : null, best: best >= 0 && (isValidation || members.length === 1) && !RUN.includes(title) ? x[best] : null };
      }), { ...tools, unit: unitOf(job), bucket: history.bucket });
      if (history.bucket > 1) chart.heading = `${title} – band: minimum to maximum of ${history.bucket} ${unitOf(job)}s`;
    }
    drawNotes();
  }

  const isOtherBelow = onChange();
  function drawBelow() {
    if (!isOtherBelow([job.leaderboard, job.confusion_matrix, job.task, job.features, job.training, job.summary, job.timing, job.preprocessing])) return;
    const memory = job.summary?.memory;
    replace(below,
      job.leaderboard ? leaderboard(job.leaderboard) : null,
      job.confusion_matrix ? confusionMatrix(job.confusion_matrix) : null,
      card("Settings as resolved", copyButton(() => JSON.stringify(job.training, null, 2), "Copy JSON"),
        h("div.scroll.low", { tabindex: "0", role: "region", "aria-label": "Settings" }, pairs([["task", names(job.task)], ["features", job.features ?? []], ...flatten(job.training ?? {})]))),
      card("Sizes and scales", null, pairs([
        ["parameters", job.summary?.parameters ?? null], ["trainable", job.summary?.trainable_parameters ?? null], ["memory, at most", bytes(memory?.peak_bytes)], ["of it data", bytes(memory?.data_bytes)],
        ["waited", duration(job.timing?.queued_seconds)], ["prepared", duration(job.timing?.preparing_seconds)],
        ...(job.preprocessing?.applied ?? []).map((group) => /** @type {[string, any]} */ ([`${group.type} ${JSON.stringify(group.scale ?? group.encode ?? "")}`, `${(group.columns ?? []).join(", ")}: ${group.reason}`]))])),
      card("Events", null, log));
  }

  let eventsRead = 0;
  /** Events other than epochs; those of epochs are the curves. */
  async function drawEvents() {
    const own = (eventsRead += 1);
    const [first, last] = await Promise.all([api.events(id), api.history(id, { points: 2 })]).catch(() => [{ data: [] }, null]);
    const events = [...first.data];
    // The end of a long job is behind its epochs.
    const epochs = last?.epoch[last.epoch.length - 1] ?? 0;
    if (first.next && epochs > 90) events.push(...(await api.events(id, epochs).catch(() => ({ data: [] }))).data);
    const seen = new Set();
    const told = events.filter((event) => event.type !== "epoch" && !seen.has(event.id) && seen.add(event.id));
    if (!signal.aborted && own === eventsRead) replace(log, told.map((event) => h("li", h("time", { datetime: event.at }, new Date(event.at).toLocaleTimeString()), event.type === "status" ? h("span", status(event.data.status), event.data.attempt > 1 ? ` (attempt ${event.data.attempt})` : "") : h("span", event.data.text ?? ""))));
  }

  async function retry() {
    const began = Date.now();
    try {
      const again = await api.retry(id);
      jobs.add(again, began);
      if (!signal.aborted) go(["jobs", again.id]);
    } catch (error) {
      toast(textOf(error), "error");
    }
  }

  /** @param {() => Promise<any>} call @param {string} done */
  async function act(call, done) {
    const began = Date.now();
    try {
      jobs.add(await call(), began);
      toast(done);
      await update();
    } catch (error) {
      toast(textOf(error), "error");
    }
  }

  function drawAll() {
    drawTop();
    drawState();
    drawNotes();
    drawBelow();
    note.show(job);
  }

  /** The status whose whole job was read: confusion matrix, error and version are in no event. */
  let whole = `${job.status} ${job.attempt}`;
  async function update() {
    if (signal.aborted) return;
    job = { ...job, ...jobs.get(id) };
    drawState();
    note.show(job);
    const now = `${job.status} ${job.attempt}`;
    if (now === whole) return;
    whole = now;
    drawTop();
    const asked = Date.now();
    try {
      jobs.add(await api.job(id), asked);
    } catch {
      // It is read with the next change, or when the service is back.
      whole = "";
    }
    if (signal.aborted) return;
    job = { ...job, ...jobs.get(id) };
    drawAll();
    drawCurves();
    void drawEvents();
  }

  drawAll();
  void drawEvents();
  await curves.start();
  if (signal.aborted) return;
  drawCurves();
  signal.addEventListener("abort", jobs.watch((ids) => void (ids.has(id) && update())));
  // What changed while the curves were read.
  await update();
}
