/** Draws curves on a canvas: bands, lines, marks. Knows pixels, and nothing of events. */

/**
 * @typedef {object} Line
 * @property {string} key
 * @property {string} name
 * @property {string} colour
 * @property {boolean} dashed
 * @property {ArrayLike<number>} x
 * @property {ArrayLike<number>} y as measured
 * @property {ArrayLike<number>} shown smoothed
 * @property {ArrayLike<number> | null} low of a band
 * @property {ArrayLike<number> | null} high
 * @property {number | null} best x of the best point
 * @property {boolean} faint whether another line is highlighted
 * @property {boolean} [hidden]
 */

/**
 * @typedef {object} Frame
 * @property {number} width
 * @property {number} height
 * @property {{left: number, right: number, top: number, bottom: number}} margin
 * @property {import("./scale.js").Scale} x
 * @property {import("./scale.js").Scale} y
 * @property {boolean} yLog
 * @property {boolean} xLog
 * @property {{grid: string, text: string, surface: string}} colours
 */

/** @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Line[]} lines */
export function draw(context, frame, lines) {
  const { width, height, margin } = frame;
  context.clearRect(0, 0, width, height);
  context.lineWidth = 1;
  context.strokeStyle = frame.colours.grid;
  context.beginPath();
  for (const { value } of frame.y.ticks) {
    const y = Math.round(frame.y.to(value)) + 0.5;
    context.moveTo(margin.left, y);
    context.lineTo(width - margin.right, y);
  }
  context.stroke();
  context.save();
  context.beginPath();
  // Marks at the edges stay whole.
  context.rect(margin.left - 6, margin.top, width - margin.left - margin.right + 12, height - margin.top - margin.bottom + 6);
  context.clip();
  const shown = lines.filter((line) => !line.hidden).sort((a, b) => Number(b.faint) - Number(a.faint));
  for (const line of shown) if (line.low && line.high) band(context, frame, line, line.low, line.high);
  for (const line of shown) {
    if (line.shown !== line.y) path(context, frame, line, line.y, line.faint ? 0.06 : 0.22, 1);
    path(context, frame, line, line.shown, line.faint ? 0.2 : 1, line.faint ? 1.25 : 1.75);
  }
  for (const line of shown) marks(context, frame, line);
  context.restore();
}

/** What moves over the curves, on a canvas of its own: the curves are not drawn again for it.
 * @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Line[]} lines @param {number | null} at an x value
 * @param {[number, number] | null} brush pixels */
export function drawOver(context, frame, lines, at, brush) {
  const { margin, height } = frame;
  context.clearRect(0, 0, frame.width, height);
  if (at !== null && at >= frame.x.domain[0] && at <= frame.x.domain[1]) cursor(context, frame, at, lines.filter((line) => !line.hidden));
  if (!brush) return;
  context.globalAlpha = 0.16;
  context.fillStyle = frame.colours.text;
  context.fillRect(brush[0], margin.top, brush[1] - brush[0], height - margin.top - margin.bottom);
  context.globalAlpha = 1;
}

/** @param {Frame} frame @param {number} x @param {number} y */
const isDrawn = (frame, x, y) => Number.isFinite(y) && (!frame.yLog || y > 0) && (!frame.xLog || x > 0);

/** The entries within the visible range, with one on each side. @param {Frame} frame @param {ArrayLike<number>} x @returns {[number, number]} */
function visible(frame, x) {
  const [low, high] = frame.x.domain;
  let [first, last] = [0, x.length];
  while (first + 1 < x.length && x[first + 1] < low) first += 1;
  while (last > first + 1 && x[last - 2] > high) last -= 1;
  return [first, last];
}

/** @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Line} line @param {ArrayLike<number>} values @param {number} alpha @param {number} thickness */
function path(context, frame, line, values, alpha, thickness) {
  context.globalAlpha = alpha;
  context.strokeStyle = line.colour;
  context.lineWidth = thickness;
  context.lineJoin = "round";
  context.setLineDash(line.dashed ? [5, 4] : []);
  context.beginPath();
  let run = 0;
  let count = 0;
  /** @type {number[]} Points without a neighbour, as the validations of every fifth epoch. */
  const alone = [];
  const [first, last] = visible(frame, line.x);
  for (let index = first; index < last; index += 1) {
    const [x, y] = [line.x[index], values[index]];
    // A value that a log axis cannot show is left out; a loss that is not finite interrupts the line.
    if (!isDrawn(frame, x, y)) {
      if (run === 1) alone.push(index - 1);
      run = 0;
      continue;
    }
    const [px, py] = [frame.x.to(x), frame.y.to(y)];
    if (run > 0) context.lineTo(px, py);
    else context.moveTo(px, py);
    run += 1;
    count += 1;
  }
  if (run === 1) alone.push(last - 1);
  context.stroke();
  context.setLineDash([]);
  if (alpha === 1) {
    context.fillStyle = line.colour;
    const radius = count <= 3 ? 3 : thickness;
    for (let index = first; count <= 3 && index < last; index += 1) {
      if (isDrawn(frame, line.x[index], values[index])) dot(context, frame.x.to(line.x[index]), frame.y.to(values[index]), radius);
    }
    if (count > 3) for (const index of alone) dot(context, frame.x.to(line.x[index]), frame.y.to(values[index]), radius);
  }
  context.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Line} line @param {ArrayLike<number>} low @param {ArrayLike<number>} high */
function band(context, frame, line, low, high) {
  context.globalAlpha = line.faint ? 0.05 : 0.16;
  context.fillStyle = line.colour;
  context.beginPath();
  const [first, last] = visible(frame, line.x);
  const places = [];
  for (let index = first; index < last; index += 1) {
    if (isDrawn(frame, line.x[index], low[index]) && isDrawn(frame, line.x[index], high[index])) places.push(index);
  }
  for (const index of places) context.lineTo(frame.x.to(line.x[index]), frame.y.to(high[index]));
  for (const index of places.reverse()) context.lineTo(frame.x.to(line.x[index]), frame.y.to(low[index]));
  context.fill();
  context.globalAlpha = 1;
}

/** The best point as a ring; values that are not finite as crosses at the top.
 * @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Line} line */
function marks(context, frame, line) {
  const index = line.best === null ? -1 : indexOf(line.x, line.best);
  if (index >= 0 && isDrawn(frame, line.x[index], line.shown[index])) {
    const [x, y] = [frame.x.to(line.x[index]), frame.y.to(line.shown[index])];
    context.globalAlpha = line.faint ? 0.3 : 1;
    context.fillStyle = frame.colours.surface;
    dot(context, x, y, 4.5);
    context.strokeStyle = line.colour;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(x, y, 4.5, 0, 2 * Math.PI);
    context.stroke();
    context.globalAlpha = 1;
  }
  context.strokeStyle = line.colour;
  context.lineWidth = 1.5;
  const [first, last] = visible(frame, line.x);
  for (let at = first; at < last; at += 1) {
    const value = line.y[at];
    if (value === Infinity || value === -Infinity) {
      const [x, y] = [frame.x.to(line.x[at]), frame.margin.top + 6];
      context.beginPath();
      context.moveTo(x - 3, y - 3);
      context.lineTo(x + 3, y + 3);
      context.moveTo(x + 3, y - 3);
      context.lineTo(x - 3, y + 3);
      context.stroke();
    }
  }
}

/** @param {CanvasRenderingContext2D} context @param {Frame} frame @param {number} at @param {Line[]} lines */
function cursor(context, frame, at, lines) {
  const x = frame.x.to(at);
  context.strokeStyle = frame.colours.text;
  context.globalAlpha = 0.45;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x, frame.margin.top);
  context.lineTo(x, frame.height - frame.margin.bottom);
  context.stroke();
  context.globalAlpha = 1;
  for (const line of lines) {
    const index = indexOf(line.x, at);
    if (index < 0 || !isDrawn(frame, line.x[index], line.shown[index])) continue;
    context.fillStyle = line.colour;
    dot(context, frame.x.to(line.x[index]), frame.y.to(line.shown[index]), 3.5);
  }
}

/** The canvas with its title, its ticks and a legend, as a picture of its own.
 * @param {HTMLCanvasElement} canvas @param {Frame} frame @param {string} title @param {Line[]} lines
 * @param {{text: string, left: number, top: number, axis: string}[]} ticks */
export function picture(canvas, frame, title, lines, ticks) {
  const copy = document.createElement("canvas");
  const ratio = canvas.width / frame.width;
  const [top, bottom] = [34, 20 * lines.length + 10];
  copy.width = canvas.width;
  copy.height = Math.round((frame.height + top + bottom) * ratio);
  const context = /** @type {CanvasRenderingContext2D} */ (copy.getContext("2d"));
  context.scale(ratio, ratio);
  context.fillStyle = frame.colours.surface;
  context.fillRect(0, 0, frame.width, frame.height + top + bottom);
  context.drawImage(canvas, 0, top, frame.width, frame.height);
  context.fillStyle = frame.colours.text;
  context.font = "600 15px system-ui, sans-serif";
  context.fillText(title, 12, 22);
  context.font = "12px system-ui, sans-serif";
  for (const { text, left, top: at, axis } of ticks) {
    context.textAlign = axis === "x" ? "center" : "right";
    context.fillText(text, left, top + at + (axis === "x" ? 11 : 4));
  }
  context.textAlign = "left";
  lines.forEach((line, index) => {
    const y = top + frame.height + 16 + 20 * index;
    context.fillStyle = frame.colours.text;
    context.fillText(line.name, 48, y);
    context.strokeStyle = line.colour;
    context.lineWidth = 2;
    context.setLineDash(line.dashed ? [5, 4] : []);
    context.beginPath();
    context.moveTo(14, y - 4);
    context.lineTo(40, y - 4);
    context.stroke();
  });
  return copy;
}

/** The entry at or just after `value`: a bucket is known by its last epoch; -1 past the end.
 * @param {ArrayLike<number>} list @param {number} value */
export function indexOf(list, value) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low < list.length ? low : -1;
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} radius */
function dot(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}
