/** One event stream for all tabs: a browser opens at most six connections to a service. This file runs as a shared worker, and is
 * imported where there are none. */

const SILENCE = 40000;

/** Follows `/v1/events`, and reconnects.
 * @param {(message: {kind: "open" | "lost"} | {kind: "event", event: any}) => void} report */
export function follow(report) {
  const address = new URL("../v1/events", import.meta.url);
  /** @type {EventSource} */
  let source;
  let isOpen = false;
  const lost = () => {
    if (isOpen) report({ kind: "lost" });
    isOpen = false;
  };
  const connect = () => {
    source = new EventSource(address);
    source.addEventListener("open", () => {
      isOpen = true;
      report({ kind: "open" });
    });
    source.addEventListener("error", () => {
      lost();
      // A proxy's error page ends the source; otherwise the browser connects again.
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
    });
    for (const name of ["job", "progress"]) {
      source.addEventListener(name, (message) => report({ kind: "event", event: JSON.parse(/** @type {MessageEvent} */ (message).data) }));
    }
  };
  connect();
  return { isOpen: () => isOpen };
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
    port.addEventListener("message", () => ports.set(port, Date.now()));
    port.start();
    port.postMessage({ kind: stream.isOpen() ? "open" : "lost" });
  });
}
