/** Colours of jobs: a job keeps its colour in every view. Colour means the job, a dashed line means validation. */

/** Okabe and Ito's palette without the yellow that light backgrounds swallow, ordered so that neighbours differ. */
const LIGHT = ["#0072b2", "#d55e00", "#00825f", "#a8508c", "#3d8fc4", "#a86f00", "#5b5b9f", "#6b6b6b"];
const DARK = ["#5eb3ea", "#ff8c42", "#37c99e", "#e79cc5", "#8fd0f7", "#f0b93a", "#aaa6ef", "#b8b8b8"];
const KEY = "epoca.colours";
const KEPT = 400;

/** @type {Map<string, number> | null} */
let known = null;

function load() {
  if (known) return known;
  known = new Map();
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    for (const [id, index] of stored) known.set(String(id), Number(index) % LIGHT.length);
  } catch {
    // Without storage a colour lasts as long as the page.
  }
  return known;
}

/** The place of a job's colour in the palette; the next free one for a new job.
 * @param {string} id */
export function colourIndex(id) {
  const places = load();
  const place = places.get(id);
  if (place !== undefined) return place;
  const used = [...places.values()];
  const next = used.length === 0 ? 0 : (used[used.length - 1] + 1) % LIGHT.length;
  places.set(id, next);
  while (places.size > KEPT) places.delete(/** @type {string} */ (places.keys().next().value));
  try {
    localStorage.setItem(KEY, JSON.stringify([...places]));
  } catch {
    // As above.
  }
  return next;
}

/** @param {string} id */
export const colour = (id) => at(colourIndex(id));

/** @param {number} index */
export const at = (index) => (isDark() ? DARK : LIGHT)[index % LIGHT.length];

export const isDark = () => matchMedia("(prefers-color-scheme: dark)").matches;

/** Colours for jobs that are shown together: each its own, and where two have the same, the later one gets a free one.
 * @param {string[]} ids @returns {Map<string, number>} */
export function distinct(ids) {
  /** @type {Map<string, number>} */
  const places = new Map();
  const taken = new Set();
  for (const id of ids) {
    let place = colourIndex(id);
    for (let tried = 0; taken.has(place) && tried < LIGHT.length; tried += 1) place = (place + 1) % LIGHT.length;
    taken.add(place);
    places.set(id, place);
  }
  return places;
}
