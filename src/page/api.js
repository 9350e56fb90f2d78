/** The service's API: what the page knows comes from here, and nowhere else. */

import { download, h } from "./dom.js";

/** The folder of the service: the page may be below a path of a reverse proxy. */
const ROOT = new URL("../", import.meta.url);

/** @param {string} path such as `v1/jobs` */
export const url = (path) => new URL(path.replace(/^\//, ""), ROOT);

const KEY = "epoca.key";

/** The API key of this tab; a closed browser forgets it. */
export const storedKey = () => {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
};

/** @returns {Record<string, string>} */
const credentials = () => (storedKey() ? { authorization: `Bearer ${storedKey()}` } : {});

/** Asks for the key of a service that wants one, and begins again with it. */
function askForKey() {
  if (document.querySelector("dialog.key")) return;
  const input = h("input", { type: "password", autocomplete: "off", required: true, "aria-label": "API key" });
  const dialog = h("dialog.key", { "aria-label": "API key" }, h("h2", storedKey() ? "This key is not enough" : "This service wants an API key"), h("p.hint", "Make one where the service runs: epoca keys create"),
    h("form.row", { onsubmit: (event) => {
      event.preventDefault();
      sessionStorage.setItem(KEY, input.value.trim());
      location.reload();
    } }, input, h("button.primary", { type: "submit" }, "Use it")));
  document.body.append(dialog);
  dialog.showModal();
}

/** Saves what a link alone cannot get where a key is needed. @param {string} path @param {string} name */
export async function save(path, name) {
  const response = await fetch(url(path), { headers: credentials() });
  if (!response.ok) throw new Problem(await response.json().catch(() => null), response.status);
  download(name, await response.blob());
}

/** A problem document as an error. */
export class Problem extends Error {
  /** @param {any} body @param {number} status */
  constructor(body, status) {
    super(body?.detail || body?.title || `the service answered ${status}`);
    this.status = status;
    /** @type {{pointer: string, detail: string}[]} */
    this.errors = Array.isArray(body?.errors) ? body.errors : [];
    this.requestId = body?.request_id;
  }

  /** Each error on a line. */
  get text() {
    if (this.errors.length === 0) return this.message;
    return this.errors.map(({ pointer, detail }) => (pointer ? `${pointer}: ${detail}` : detail)).join("\n");
  }
}

/** @param {unknown} error */
export const textOf = (error) => (error instanceof Problem ? error.text : error instanceof Error ? error.message : String(error));

/**
 * @param {string} path
 * @param {{method?: string, json?: unknown, signal?: AbortSignal, headers?: Record<string, string>}} [options]
 * @returns {Promise<any>}
 */
async function request(path, options = {}) {
  const { method = "GET", json, signal, headers = {} } = options;
  let response;
  try {
    response = await fetch(url(path), {
      method,
      signal,
      headers: { accept: "application/json", ...credentials(), ...(json === undefined ? {} : { "content-type": "application/json" }), ...headers },
      body: json === undefined ? undefined : JSON.stringify(json),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem({ detail: "the service does not answer" }, 0);
  }
  const text = await response.text();
  /** @type {any} */
  let body = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    body = { detail: text.slice(0, 200) };
  }
  if (response.status === 401) askForKey();
  if (!response.ok) throw new Problem(body, response.status);
  return body;
}

/** @param {Record<string, string | number | boolean | null | undefined>} query */
export function search(query) {
  const pairs = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
  return text ? `?${text}` : "";
}

/** @param {string} name */
const part = (name) => encodeURIComponent(name);

/** Every page of a list, up to `max` entries. @param {string} path @param {Record<string, any>} query @param {number} max */
async function every(path, query, max) {
  const data = [];
  let after = null;
  do {
    const page = await request(path + search({ limit: 100, ...query, after }));
    data.push(...page.data);
    after = page.next;
  } while (after && data.length < max);
  return data;
}

export const api = {
  server: () => request("v1/server"),
  jobs: (query = {}, max = 500) => every("v1/jobs", query, max),
  job: (id) => request(`v1/jobs/${part(id)}`),
  history: (id, query = {}) => request(`v1/jobs/${part(id)}/history${search(query)}`),
  events: (id, after = 0) => request(`v1/jobs/${part(id)}/events${search({ after, limit: 100 })}`),
  createJob: (job) => request("v1/jobs", { method: "POST", json: job, headers: { "idempotency-key": key() } }),
  plan: (job, signal) => request("v1/jobs?dry_run=true", { method: "POST", json: job, signal }),
  patchJob: (id, changes) => request(`v1/jobs/${part(id)}`, { method: "PATCH", json: changes }),
  cancel: (id) => request(`v1/jobs/${part(id)}/cancel`, { method: "POST" }),
  pause: (id) => request(`v1/jobs/${part(id)}/pause`, { method: "POST" }),
  resume: (id) => request(`v1/jobs/${part(id)}/resume`, { method: "POST" }),
  finish: (id) => request(`v1/jobs/${part(id)}/finish`, { method: "POST" }),
  retry: (id) => request(`v1/jobs/${part(id)}/retry`, { method: "POST", headers: { "idempotency-key": key() } }),
  datasets: (max = 500) => every("v1/datasets", {}, max),
  dataset: (name) => request(`v1/datasets/${part(name)}`),
  rows: (name, limit = 100, after = /** @type {string | null} */ (null)) => request(`v1/datasets/${part(name)}/rows${search({ limit, after })}`),
  deleteDataset: (name) => request(`v1/datasets/${part(name)}`, { method: "DELETE" }),
  models: (max = 500) => every("v1/models", {}, max),
  model: (name) => request(`v1/models/${part(name)}`),
  createModel: (model) => request("v1/models", { method: "POST", json: model, headers: { "idempotency-key": key() } }),
  deleteModel: (name) => request(`v1/models/${part(name)}`, { method: "DELETE" }),
  versions: (name, max = 200) => every(`v1/models/${part(name)}/versions`, {}, max),
  predict: (model, version, instances, signal) =>
    request(`v1/models/${part(model)}/versions/${version}:predict`, { method: "POST", json: { instances }, signal }),
};

/** An `Idempotency-Key`; `crypto.randomUUID` needs a secure context, which a service in the local network is not. */
function key() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Sends a file as a dataset. `fetch` does not report the progress of an upload.
 * @param {File} file
 * @param {{name?: string, options?: Record<string, any>}} settings
 * @param {(fraction: number) => void} progress
 * @returns {Promise<any>}
 */
export function upload(file, settings, progress) {
  return new Promise((resolve, reject) => {
    const sender = new XMLHttpRequest();
    sender.open("POST", url(`v1/datasets${search({ name: settings.name })}`));
    for (const [name, value] of Object.entries(credentials())) sender.setRequestHeader(name, value);
    sender.upload.addEventListener("progress", (event) => event.lengthComputable && progress(event.loaded / event.total));
    sender.addEventListener("load", () => {
      /** @type {any} */
      let body = null;
      try {
        body = JSON.parse(sender.responseText);
      } catch {
        body = { detail: sender.responseText.slice(0, 200) };
      }
      if (sender.status >= 200 && sender.status < 300) resolve(body);
      else reject(new Problem(body, sender.status));
    });
    sender.addEventListener("error", () => reject(new Problem({ detail: "the upload broke off: the service does not answer, or refused the file" }, 0)));
    const form = new FormData();
    if (settings.options && Object.keys(settings.options).length > 0) form.append("options", JSON.stringify(settings.options));
    form.append("file", file, file.name);
    sender.send(form);
  });
}
