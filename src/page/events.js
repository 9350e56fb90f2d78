/** One event stream for all tabs: a browser opens at most six connections to a service. This file runs as a shared worker, and is
 * imported where there are none. */

const SILENCE = 40000;
const RETRY = 1500;

/** Follows `/v1/events`, and reconnects.
 * @param {(message: {kind: "open" | "lost"} | {kind: "event", event: any}) => void} report */
export function follow(report) {
  const address = new URL("../v1/events", import.meta.url);
  let isOpen = false;
  let key = "";
  let attempt = new AbortController();
  const connect = async () => {
    const own = (attempt = new AbortController());
    // The service sends a comment every 15 s: a silent connection is a dead one.
    let timer = 0;
    const alive = () => {
      clearTimeout(timer);
      timer = /** @type {any} */ (setTimeout(() => own.abort(), SILENCE));
    };
    try {
      // An EventSource cannot send an API key.
      const headers = { accept: "text/event-stream", ...(key ? { authorization: `Bearer ${key}` } : {}) };
      const response = await fetch(address, { headers, signal: own.signal, cache: "no-store" });
      if (!response.ok || !response.body) throw new Error(String(response.status));
      isOpen = true;
      report({ kind: "open" });
      await read(response.body, (event) => report({ kind: "event", event }), alive);
    } catch {
      // The service ended, is not there yet, or wants a key.
    }
    clearTimeout(timer);
    if (own !== attempt) return;
    if (isOpen) report({ kind: "lost" });
    isOpen = false;
    setTimeout(() => own === attempt && void connect(), RETRY);
  };
  void connect();
  return {
    isOpen: () => isOpen,
    /** @param {string} next */
    setKey: (next) => {
      if (next === key) return;
      key = next;
      attempt.abort();
      void connect();
    },
  };
}

/** Reads server-sent events. @param {ReadableStream<Uint8Array>} body @param {(event: any) => void} each @param {() => void} alive */
async function read(body, each, alive) {
  const reader = body.pipeThrough(/** @type {any} */ (new TextDecoderStream())).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    alive();
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const data = block.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart()).join("\n");
      if (data) each(JSON.parse(data));
    }
  }
}

const scope = /** @type {any} */ (globalThis);
if (typeof scope.SharedWorkerGlobalScope === "function" && scope instanceof scope.SharedWorkerGlobalScope) {
  /** @type {Map<MessagePort, number>} */
  const ports = new Map();
  const stream = follow((message) => {
    const now = Date.now();
    for (const [port, seen] of ports) {
      if (now - seen > SILENCE) ports.delete(port);
      else port.postMessage(message);
    }
  });
  scope.addEventListener("connect", (event) => {
    const port = event.ports[0];
    ports.set(port, Date.now());
    // A page says every now and then that it is still there.
    port.addEventListener("message", (said) => {
      // A page that slept has missed events: it reads the jobs again.
      if (!ports.has(port)) port.postMessage({ kind: stream.isOpen() ? "open" : "lost" });
      ports.set(port, Date.now());
      if (typeof said.data?.key === "string") stream.setKey(said.data.key);
    });
    port.start();
    port.postMessage({ kind: stream.isOpen() ? "open" : "lost" });
  });
}
