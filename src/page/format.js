/** Numbers, durations and times as text. */

/** Four significant digits, as short as possible. @param {unknown} value */
export function number(value) {
  if (typeof value !== "number") return value === null || value === undefined ? "–" : String(value);
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e7) return value.toLocaleString("en-US");
  if (size >= 1e7 || size < 1e-3) return trimExponent(value.toExponential(3));
  return String(Number(value.toPrecision(4)));
}

/** @param {string} text */
const trimExponent = (text) => text.replace(/\.?0+e/, "e").replace("e+", "e");

/** A tick of an axis. @param {number} value @param {number} step */
export function tick(value, step) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return trimExponent(value.toExponential(2));
  const digits = Math.min(8, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  return Number(value.toFixed(digits)).toLocaleString("en-US", { maximumFractionDigits: 8 });
}

/** @param {number | null | undefined} value */
export function bytes(value) {
  if (value === null || value === undefined) return "–";
  const units = ["B", "KB", "MB", "GB", "TB"];
  let index = 0;
  let size = value;
  while (size >= 1000 && index < units.length - 1) {
    size /= 1000;
    index += 1;
  }
  return `${index === 0 ? size : size.toPrecision(3)} ${units[index]}`;
}

/** @param {number | null | undefined} seconds */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  if (seconds < 0.001) return "under 1 ms";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  if (hours >= 48) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  return hours ? `${hours} h ${minutes} min` : `${minutes} min ${rest} s`;
}

/** @param {string | null | undefined} time @param {number} [now] */
export function ago(time, now = Date.now()) {
  if (!time) return "–";
  const seconds = (now - Date.parse(time)) / 1000;
  if (seconds < 5) return "now";
  if (seconds < 60) return `${Math.round(seconds)} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.round(seconds / 3600)} h ago`;
  return new Date(time).toISOString().slice(0, 10);
}

/** @param {string | null | undefined} time */
export const clock = (time) => (time ? new Date(time).toLocaleString() : "–");

/** @param {number} count @param {string} one @param {string} [many] */
export const plural = (count, one, many = `${one}s`) => `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;

/** A target: one column, several, or by output. @param {any} target @param {number} [max] columns that are named @returns {string} */
export function names(target, max = Infinity) {
  if (target === null || target === undefined) return "–";
  if (Array.isArray(target)) return target.length > max ? `${target.slice(0, max).join(", ")} and ${target.length - max} more` : target.join(", ");
  if (typeof target === "object") return Object.entries(target).map(([output, columns]) => (output === columns ? output : `${output}: ${names(columns, max)}`)).join("; ");
  return String(target);
}

/** The first characters of a UUIDv7 are its time: the last ones tell jobs apart. @param {string} id */
export const shortId = (id) => id.slice(-6);

/** What the progress of a job counts, as one: epoch, tree, round or iteration. @param {any} job */
export const unitOf = (job) => (job?.progress?.unit ?? "epochs").replace(/s$/, "");
