/** The address is the state of a view: `#/compare?jobs=a,b&y=log`. */

/** @typedef {{view: string, path: string[], query: Record<string, string>}} Route */

/** @param {string} hash @returns {Route} */
export function parse(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const parts = path.split("/").filter(Boolean).map(decode);
  return { view: parts[0] ?? "jobs", path: parts.slice(1), query: Object.fromEntries(new URLSearchParams(query)) };
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * @param {string[]} path
 * @param {Record<string, string | number | boolean | null | undefined>} [query]
 */
export function format(path, query = {}) {
  const pairs = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false);
  const search = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString().replaceAll("%2C", ",");
  return `#/${path.map(encodeURIComponent).join("/")}${search ? `?${search}` : ""}`;
}

/** Changes the query of the address without a new entry in the history.
 * @param {Record<string, string | number | boolean | null | undefined>} changes */
export function setQuery(changes) {
  const route = parse(location.hash);
  const path = [route.view, ...route.path];
  history.replaceState(null, "", format(path, { ...route.query, ...changes }));
}

/** @param {string[]} path @param {Record<string, any>} [query] */
export function go(path, query) {
  location.hash = format(path, query);
}
