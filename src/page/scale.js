/** Axes: from values to pixels, and where the ticks are. */

/**
 * @typedef {object} Scale
 * @property {(value: number) => number} to pixels
 * @property {(pixel: number) => number} from values
 * @property {{value: number, step: number}[]} ticks
 * @property {[number, number]} domain
 */

/**
 * @param {[number, number]} domain
 * @param {[number, number]} range pixels
 * @param {{log?: boolean, count?: number}} [options]
 * @returns {Scale}
 */
export function scale(domain, range, options = {}) {
  const { log = false, count = 5 } = options;
  let [low, high] = domain;
  if (!(low < high)) {
    const pad = Math.abs(low) * 0.1 || 1;
    [low, high] = log ? [low / 2, high * 2] : [low - pad, high + pad];
  }
  const f = log ? Math.log10 : (value) => value;
  const inverse = log ? (value) => 10 ** value : (value) => value;
  const [a, b] = [f(low), f(high)];
  const factor = (range[1] - range[0]) / (b - a);
  return {
    to: (value) => range[0] + (f(value) - a) * factor,
    from: (pixel) => inverse(a + (pixel - range[0]) / factor),
    ticks: log ? logTicks(low, high, count) : linearTicks(low, high, count),
    domain: [low, high],
  };
}

/** Steps of 1, 2 or 5 times a power of ten. @param {number} low @param {number} high @param {number} count */
export function linearTicks(low, high, count) {
  const raw = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * (raw / power >= 7 ? 10 : raw / power >= 3.2 ? 5 : raw / power >= 1.4 ? 2 : 1);
  const ticks = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index += 1) ticks.push({ value: index * step, step });
  return ticks;
}

/** Powers of ten; within few decades also 2 and 5 times those. @param {number} low @param {number} high @param {number} count */
export function logTicks(low, high, count) {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const decades = Math.log10(high / low);
  if (decades < 0.7) return linearTicks(low, high, count);
  const every = Math.max(1, Math.ceil((last - first) / Math.max(2, count)));
  const factors = decades < 2 ? [1, 2, 5] : [1];
  const ticks = [];
  for (let power = first; power <= last; power += 1) {
    if ((power - first) % every !== 0) continue;
    for (const factor of factors) {
      const value = factor * 10 ** power;
      if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) ticks.push({ value, step: 10 ** power });
    }
  }
  return ticks;
}

/**
 * The extent of what is drawn: finite values, above 0 on a log axis.
 * @param {Iterable<ArrayLike<number>>} lists
 * @param {{log?: boolean, pad?: number}} [options]
 * @returns {[number, number] | null}
 */
export function extent(lists, options = {}) {
  const { log = false, pad = 0 } = options;
  let [low, high] = [Infinity, -Infinity];
  for (const list of lists) {
    for (let index = 0; index < list.length; index += 1) {
      const value = list[index];
      if (!Number.isFinite(value) || (log && value <= 0)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return null;
  if (log) {
    const factor = (high / low) ** pad;
    return [low / factor, high * factor];
  }
  const space = (high - low) * pad;
  return [low - space, high + space];
}

/** The index of the entry nearest to `value` in an ascending list; -1 in an empty one.
 * @param {ArrayLike<number>} list @param {number} value */
export function nearest(list, value) {
  let [low, high] = [0, list.length - 1];
  if (high < 0) return -1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low > 0 && value - list[low - 1] <= list[low] - value ? low - 1 : low;
}
