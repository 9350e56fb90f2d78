/** The numbers of a chart as text, as rows and as CSV. */

import { duration, number, plural } from "./format.js";
import { indexOf } from "./chart-draw.js";

/** @typedef {import("./chart-draw.js").Line} Line */

/** @param {Line[]} lines */
export function longest(lines) {
  /** @type {Line | null} */
  let best = null;
  for (const line of lines) if (!best || line.x.length > best.x.length) best = line;
  return best;
}

/** At most `max` rows, evenly spaced, the last one always.
 * @param {Line[]} lines @param {string} axis "time", or what is counted: "epoch", "tree", "round" @param {number} max */
export function pickRows(lines, axis, max) {
  const base = longest(lines);
  const header = [axis.charAt(0).toUpperCase() + axis.slice(1), ...lines.map((line) => line.name)];
  if (!base || base.x.length === 0) return { header, rows: [] };
  const count = Math.min(max, base.x.length);
  const rows = [];
  for (let row = 0; row < count; row += 1) {
    const x = base.x[count === 1 ? 0 : Math.round((row * (base.x.length - 1)) / (count - 1))];
    rows.push([axis === "time" ? duration(x) : number(x), ...lines.map((line) => number(valueAt(line, x)))]);
  }
  return { header, rows };
}

/** @param {Line} line @param {number} x */
function valueAt(line, x) {
  const index = indexOf(line.x, x);
  return index < 0 ? null : line.y[index];
}

/** @param {string} title @param {Line[]} lines */
export function summary(title, lines) {
  const parts = lines.map((line) => {
    const last = line.y[line.y.length - 1];
    const finite = Array.from(line.y).filter(Number.isFinite);
    if (finite.length === 0) return `${line.name}: no values yet`;
    return `${line.name}: ${plural(line.x.length, "point")}, last ${number(last)}, minimum ${number(Math.min(...finite))}, maximum ${number(Math.max(...finite))}`;
  });
  return `${title}. ${parts.join(". ")}`;
}

/** A row for each point of each curve. @param {Line[]} lines */
export function csv(lines) {
  const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
  const rows = lines.flatMap((line) => Array.from(line.x, (x, index) => `${quoted(line.name)},${x},${Number.isFinite(line.y[index]) ? line.y[index] : ""}`));
  return `curve,x,y\n${rows.join("\n")}\n`;
}
