/** <epoca-chart>: curves with log axes, smoothing, a zoom that new points do not undo, a cursor that all charts share, and a table
 * of the same numbers. */

import { draw, drawOver, indexOf, picture } from "./chart-draw.js";
import { h, replace, setText, uid, download } from "./dom.js";
import { number, tick, duration } from "./format.js";
import { extent, nearest, scale } from "./scale.js";
import { smooth } from "./smooth.js";
import { csv, longest, pickRows, summary } from "./chart-table.js";

/** @typedef {{key: string, name: string, colour: string, dashed?: boolean, x: ArrayLike<number>, y: ArrayLike<number>, low?: ArrayLike<number> | null, high?: ArrayLike<number> | null, best?: number | null}} Series */
/** @typedef {{xLog?: boolean, yLog?: boolean, smoothing?: number, x?: "epoch" | "time", unit?: string, bucket?: number, highlight?: string | null}} Options */

const MARGIN = { left: 56, right: 12, top: 10, bottom: 26 };

/** The cursor of all charts of a view. */
const cursors = new EventTarget();

export class EpocaChart extends HTMLElement {
  /** @type {Series[]} */ #series = [];
  /** @type {import("./chart-draw.js").Line[]} */ #lines = [];
  /** @type {Options} */ #options = {};
  /** @type {[number, number] | null} */ #zoom = null;
  /** @type {number | null} */ #cursor = null;
  /** @type {[number, number] | null} */ #brush = null;
  /** @type {Set<string>} */ #hidden = new Set();
  /** @type {import("./chart-draw.js").Frame | null} */ #frame = null;
  /** @type {{text: string, left: number, top: number, axis: string}[]} */ #texts = [];
  #scheduled = false;
  #isStale = true;
  #built = false;
  #title = "";
  #announceLater = 0;
  #tableLater = 0;
  name = h("h2", { id: uid("chart") });
  canvas = h("canvas");
  over = h("canvas");
  ticks = h("div.ticks", { "aria-hidden": "true" });
  tip = h("div.tip", { hidden: true, "aria-hidden": "true" });
  live = h("p.sr-only", { "aria-live": "polite" });
  list = h("ul.legend");
  table = h("div.sr-only.chart-table", { id: uid("table") });
  follow = h("button.quiet.small", { hidden: true, title: "Show everything and follow new epochs (Esc)", onclick: () => this.setZoom(null) }, "Show all");
  plot = h("div.plot", { tabindex: "0", role: "application", "aria-roledescription": "chart", "aria-labelledby": this.name.id, "aria-details": this.table.id, "aria-description": "Arrow keys read the values, plus and minus zoom, Escape shows everything" }, this.canvas, this.over, this.ticks, this.tip);
  /** @type {ResizeObserver | null} */ #observer = null;
  /** @type {AbortController | null} */ #listening = null;

  /** Where the service has the same as SVG. */
  href = "";

  /** @param {string} text */
  set heading(text) {
    this.#title = text;
    setText(this.name, text);
  }

  /** @param {Series[]} series @param {Options} options */
  show(series, options) {
    this.#series = series;
    this.#options = options;
    const weight = options.smoothing ?? 0;
    const epochs = options.bucket && options.bucket > 1;
    this.#lines = series.map((it) => ({
      key: it.key,
      name: it.name,
      colour: it.colour,
      dashed: it.dashed ?? false,
      x: it.x,
      y: it.y,
      // Smoothed as displayed: on a log axis the logarithms.
      shown: weight > 0 ? (options.yLog ? smooth(Array.from(it.y, (y) => (y > 0 ? Math.log(y) : NaN)), weight).map(Math.exp) : smooth(it.y, weight)) : it.y,
      low: epochs || it.low !== undefined ? (it.low ?? null) : null,
      high: it.high ?? null,
      best: it.best ?? null,
      faint: Boolean(options.highlight) && options.highlight !== it.key,
      hidden: this.#hidden.has(it.key),
    }));
    if (this.#built) {
      this.#legend();
      this.#draw();
      this.#updateTable();
    }
  }

  /** What a view may need to read in finer buckets; null for everything. */
  get zoom() {
    return this.#zoom;
  }

  /** @param {[number, number] | null} range */
  setZoom(range) {
    this.#zoom = range;
    this.follow.hidden = range === null;
    this.#draw();
    this.dispatchEvent(new CustomEvent("zoom", { detail: range }));
  }

  connectedCallback() {
    if (!this.#built) this.#build();
    this.#observer = new ResizeObserver(() => this.#draw());
    this.#observer.observe(this.plot);
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    cursors.addEventListener("move", (event) => this.#follow(/** @type {CustomEvent} */ (event).detail), { signal });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw(), { signal });
    this.#draw();
  }

  disconnectedCallback() {
    this.#observer?.disconnect();
    this.#listening?.abort();
    clearTimeout(this.#announceLater);
    clearTimeout(this.#tableLater);
  }

  #build() {
    this.#built = true;
    const toggle = h("button.quiet.small", { "aria-pressed": "false" }, "Table");
    toggle.addEventListener("click", () => {
      const isHidden = this.table.classList.toggle("sr-only");
      toggle.setAttribute("aria-pressed", String(!isHidden));
      this.table.tabIndex = isHidden ? -1 : 0;
      this.#updateTable(true);
    });
    const save = h("details.menu", h("summary.quiet.small", "Save"), h("div",
      h("button.quiet.small", { onclick: () => download(`${this.#title}.csv`, new Blob([csv(this.#lines)], { type: "text/csv" })) }, "CSV"),
      h("button.quiet.small", { onclick: () => this.#savePicture() }, "PNG"), this.href ? h("a.quiet.small.button", { href: this.href }, "SVG") : null));
    replace(this, h("div.chart-head", this.name, this.follow, h("span.grow"), toggle, save), this.plot, this.list, this.live, this.table);
    this.#legend();
    this.#events();
    this.#updateTable();
  }

  #legend() {
    const key = JSON.stringify(this.#lines.map((line) => [line.key, line.name, line.colour, line.hidden, line.dashed]));
    if (key === this.list.dataset.key) return;
    this.list.dataset.key = key;
    const focused = [...this.list.querySelectorAll("button")].findIndex((button) => button === document.activeElement);
    replace(this.list, this.#lines.map((line) => {
      const swatch = h("span", { class: `swatch${line.dashed ? " dashed" : ""}`, style: { "--colour": line.colour } });
      const button = h("button.quiet.small", { "aria-pressed": String(!line.hidden), title: "Show or hide" }, swatch, line.name);
      button.addEventListener("click", () => {
        if (!this.#hidden.delete(line.key)) this.#hidden.add(line.key);
        this.show(this.#series, this.#options);
      });
      button.addEventListener("pointerenter", () => this.dispatchEvent(new CustomEvent("highlight", { detail: line.key, bubbles: true })));
      button.addEventListener("pointerleave", () => this.dispatchEvent(new CustomEvent("highlight", { detail: null, bubbles: true })));
      return h("li", button);
    }));
    this.list.querySelectorAll("button")[focused]?.focus();
  }

  /** @param {boolean} [isStale] whether the curves are others, not only what is over them */
  #draw(isStale = true) {
    this.#isStale ||= isStale;
    if (this.#scheduled || !this.isConnected) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#paint();
    });
  }

  #paint() {
    const { width, height } = this.plot.getBoundingClientRect();
    const [context, over] = [this.canvas.getContext("2d"), this.over.getContext("2d")];
    if (!context || !over || width < 80 || height < 60) return;
    const ratio = devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      for (const canvas of [this.canvas, this.over]) [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
      this.#isStale = true;
    }
    for (const it of [context, over]) it.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (this.#isStale || !this.#frame) this.#paintCurves(context, width, height);
    if (this.#frame) drawOver(over, this.#frame, this.#lines, this.#cursor, this.#brush);
  }

  /** @param {CanvasRenderingContext2D} context @param {number} width @param {number} height */
  #paintCurves(context, width, height) {
    this.#isStale = false;
    const { xLog = false, yLog = false } = this.#options;
    const shown = this.#lines.filter((line) => !line.hidden);
    const xs = this.#zoom ?? extent(shown.map((line) => line.x), { log: xLog }) ?? [0, 1];
    const inside = shown.flatMap((line) => {
      const values = line.low && line.high ? [line.shown, line.low, line.high] : [line.shown];
      return values.map((list) => this.#within(line.x, list, xs));
    });
    const ys = extent(inside, { log: yLog, pad: 0.06 }) ?? (yLog ? [0.1, 1] : [0, 1]);
    const style = getComputedStyle(this);
    const colour = (name) => style.getPropertyValue(name).trim();
    this.#frame = {
      width, height, margin: MARGIN, xLog, yLog,
      x: scale(/** @type {[number, number]} */ (xs), [MARGIN.left, width - MARGIN.right], { log: xLog, count: Math.max(2, Math.round(width / 110)) }),
      y: scale(ys, [height - MARGIN.bottom, MARGIN.top], { log: yLog, count: Math.max(2, Math.round(height / 48)) }),
      colours: { grid: colour("--line"), text: colour("--text"), surface: colour("--surface") },
    };
    draw(context, this.#frame, this.#lines);
    this.#paintTicks(this.#frame);
    this.dataset.points = String(this.#lines.reduce((sum, line) => sum + line.x.length, 0));
  }

  /** @param {ArrayLike<number>} x @param {ArrayLike<number>} values @param {ArrayLike<number>} domain */
  #within(x, values, domain) {
    if (!this.#zoom) return values;
    return Array.from(values).filter((_, index) => x[index] >= domain[0] && x[index] <= domain[1]);
  }

  /** @param {import("./chart-draw.js").Frame} frame */
  #paintTicks(frame) {
    const time = this.#options.x === "time";
    const wanted = [
      ...frame.x.ticks.filter(({ value }) => time || Number.isInteger(value)).map(({ value, step }) => ({ text: time ? duration(value) : tick(value, step), left: frame.x.to(value), top: frame.height - MARGIN.bottom + 5, axis: "x" })),
      ...frame.y.ticks.map(({ value, step }) => ({ text: tick(value, step), left: MARGIN.left - 8, top: frame.y.to(value), axis: "y" })),
    ];
    this.#texts = wanted;
    while (this.ticks.children.length > wanted.length) this.ticks.lastChild?.remove();
    wanted.forEach(({ text, left, top, axis }, index) => {
      const span = /** @type {HTMLElement} */ (this.ticks.children[index] ?? this.ticks.appendChild(h("span")));
      setText(span, text);
      span.className = axis;
      span.style.transform = `translate(${left.toFixed(1)}px, ${top.toFixed(1)}px) translate(${axis === "x" ? "-50%, 0" : "-100%, -50%"})`;
    });
  }

  #savePicture() {
    if (!this.#frame) return;
    const shown = this.#lines.filter((line) => !line.hidden);
    picture(this.canvas, this.#frame, this.#title, shown, this.#texts).toBlob((blob) => blob && download(`${this.#title}.png`, blob));
  }

  #events() {
    const plot = this.plot;
    const at = (event) => event.clientX - plot.getBoundingClientRect().left;
    let from = /** @type {number | null} */ (null);
    plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.pointerType === "touch") return;
      from = at(event);
      plot.setPointerCapture(event.pointerId);
    });
    plot.addEventListener("pointermove", (event) => {
      if (from !== null && Math.abs(at(event) - from) > 4) this.#brush = [Math.min(from, at(event)), Math.max(from, at(event))];
      this.#moveCursor(at(event));
    });
    const end = () => {
      const frame = this.#frame;
      if (frame && this.#brush && this.#brush[1] - this.#brush[0] > 6) this.#zoomTo(frame.x.from(this.#brush[0]), frame.x.from(this.#brush[1]));
      [from, this.#brush] = [null, null];
      this.#draw(false);
    };
    plot.addEventListener("pointerup", end);
    plot.addEventListener("pointercancel", end);
    plot.addEventListener("pointerleave", () => from === null && this.#share(null));
    plot.addEventListener("dblclick", () => this.setZoom(null));
    plot.addEventListener("blur", () => this.#share(null));
    plot.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const line = longest(this.#lines.filter((it) => !it.hidden));
    if (!line || line.x.length === 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const place = this.#cursor === null ? line.x.length : nearest(line.x, this.#cursor);
    const step = event.shiftKey ? Math.max(1, Math.round(line.x.length / 10)) : 1;
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowLeft: () => this.#share(line.x[Math.max(0, place - step)]),
      ArrowRight: () => this.#share(line.x[Math.min(line.x.length - 1, place + step)]),
      Home: () => this.#share(line.x[0]),
      End: () => this.#share(line.x[line.x.length - 1]),
      "+": () => this.#zoomBy(0.5),
      "=": () => this.#zoomBy(0.5),
      "-": () => this.#zoomBy(2),
      Escape: () => this.setZoom(null),
    };
    const action = keys[event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
    clearTimeout(this.#announceLater);
    this.#announceLater = window.setTimeout(() => setText(this.live, this.#cursor === null ? "" : this.#values(this.#cursor).map(({ text }) => text).join("; ")), 250);
  }

  /** @param {number} factor */
  #zoomBy(factor) {
    const frame = this.#frame;
    if (!frame) return;
    const [low, high] = frame.x.domain;
    const middle = this.#cursor ?? (low + high) / 2;
    const all = extent(this.#lines.map((line) => line.x)) ?? [low, high];
    const [from, to] = [Math.max(all[0], middle - (middle - low) * factor), Math.min(all[1], middle + (high - middle) * factor)];
    if (from <= all[0] && to >= all[1]) this.setZoom(null);
    else this.#zoomTo(from, to);
  }

  /** @param {number} from @param {number} to */
  #zoomTo(from, to) {
    if (to - from > 1e-9) this.setZoom([from, to]);
  }

  /** @param {number} pixel */
  #moveCursor(pixel) {
    const frame = this.#frame;
    if (!frame) return;
    const wanted = frame.x.from(pixel);
    /** @type {number | null} */
    let best = null;
    for (const line of this.#lines) {
      if (line.hidden || line.x.length === 0) continue;
      const x = line.x[nearest(line.x, wanted)];
      if (best === null || Math.abs(x - wanted) < Math.abs(best - wanted)) best = x;
    }
    this.#share(best);
  }

  /** @param {number | null} x */
  #share(x) {
    cursors.dispatchEvent(new CustomEvent("move", { detail: { x, source: this, axis: this.#options.x } }));
  }

  /** @param {{x: number | null, source: EpocaChart, axis: string | undefined}} detail */
  #follow({ x, source, axis }) {
    const next = axis === this.#options.x ? x : null;
    this.tip.hidden = next === null || source !== this;
    if (next !== this.#cursor || this.#brush) {
      this.#cursor = next;
      this.#draw(false);
    }
    if (next !== null && source === this) this.#showTip(next);
  }

  /** @param {number} x @returns {{name: string, colour: string, dashed: boolean, value: number, text: string}[]} */
  #values(x) {
    const where = this.#options.x === "time" ? duration(x) : `${this.#options.unit ?? "epoch"} ${number(x)}`;
    const values = this.#lines.filter((line) => !line.hidden).flatMap((line) => {
      const index = indexOf(line.x, x);
      return index < 0 ? [] : [{ name: line.name, colour: line.colour, dashed: line.dashed, value: line.y[index], text: `${line.name} ${number(line.y[index])}` }];
    });
    values.sort((a, b) => b.value - a.value);
    return [{ name: where, colour: "", dashed: false, value: NaN, text: where }, ...values];
  }

  /** @param {number} x */
  #showTip(x) {
    const [where, ...values] = this.#values(x);
    replace(this.tip, h("strong", where.text), values.map((it) => h("div", h("span", { class: `swatch${it.dashed ? " dashed" : ""}`, style: { "--colour": it.colour } }), h("span", it.name), h("b", number(it.value)))));
    const frame = this.#frame;
    if (!frame) return;
    const left = frame.x.to(x);
    this.tip.style.transform = left > frame.width / 2 ? `translate(${left - 12}px, 8px) translateX(-100%)` : `translate(${left + 12}px, 8px)`;
  }

  /** Behind the curves the numbers as a table; not at each epoch, so that it can be read. */
  #updateTable(now = false) {
    clearTimeout(this.#tableLater);
    const fillTable = () => {
      const { header, rows } = pickRows(this.#lines, this.#options.x === "time" ? "time" : (this.#options.unit ?? "epoch"), this.table.classList.contains("sr-only") ? 12 : 40);
      replace(this.table, h("p", summary(this.#title, this.#lines)), h("table", h("thead", h("tr", header.map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", rows.map((row) => h("tr", row.map((cell, index) => h(index === 0 ? "th" : "td", index === 0 ? { scope: "row" } : {}, cell)))))));
    };
    if (now) fillTable();
    else this.#tableLater = window.setTimeout(fillTable, 1500);
  }
}

customElements.define("epoca-chart", EpocaChart);
