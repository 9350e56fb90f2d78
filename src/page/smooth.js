/** Smoothing of curves. */

/**
 * The debiased exponential moving average of TensorBoard: `last = last * w + (1 - w) * y`, divided by `1 - w^n`. Values that are
 * not finite stay as they are and do not count; a constant series stays as it is.
 * @param {ArrayLike<number>} values
 * @param {number} weight 0 to 1; 0 changes nothing
 * @returns {Float64Array}
 */
export function smooth(values, weight) {
  const result = Float64Array.from(values);
  if (!(weight > 0) || isConstant(values)) return result;
  let last = 0;
  let debias = 1;
  for (let index = 0; index < result.length; index += 1) {
    const value = result[index];
    if (!Number.isFinite(value)) continue;
    last = last * weight + (1 - weight) * value;
    debias *= weight;
    result[index] = last / (1 - debias);
  }
  return result;
}

/** @param {ArrayLike<number>} values */
function isConstant(values) {
  for (let index = 1; index < values.length; index += 1) if (values[index] !== values[0]) return false;
  return true;
}

/** Mean and standard deviation over several curves at each x that the first one has; curves are read by their nearest earlier x.
 * @param {{x: ArrayLike<number>, y: ArrayLike<number>}[]} curves
 * @returns {{x: number[], mean: number[], low: number[], high: number[]}} */
export function meanBand(curves) {
  /** @type {{x: number[], mean: number[], low: number[], high: number[]}} */
  const band = { x: [], mean: [], low: [], high: [] };
  const longest = curves.reduce((best, curve) => (curve.x.length > best.x.length ? curve : best), curves[0]);
  const places = curves.map(() => 0);
  for (let index = 0; index < longest.x.length; index += 1) {
    const x = longest.x[index];
    /** @type {number[]} */
    const values = [];
    curves.forEach((curve, which) => {
      while (places[which] + 1 < curve.x.length && curve.x[places[which] + 1] <= x) places[which] += 1;
      const end = curve.x[curve.x.length - 1];
      const value = curve.y[places[which]];
      if (curve.x[places[which]] <= x && x <= end && Number.isFinite(value)) values.push(value);
    });
    if (values.length === 0) continue;
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const spread = values.length < 2 ? 0 : Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
    band.x.push(x);
    band.mean.push(mean);
    band.low.push(mean - spread);
    band.high.push(mean + spread);
  }
  return band;
}
