// A service to test against, and a browser.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const need = createRequire(join(process.env.EPOCA_PAGE_MODULES, "x.js"));
const { chromium } = need("playwright-core");
export const AXE = need("axe-core").source;

export const DATA = new URL("../../examples/data/", import.meta.url).pathname;

/** The binary on a port of its own, with a folder of its own. */
export class Service {
  folder = mkdtempSync(join(tmpdir(), "epoca-page-"));
  port = 0;

  async start() {
    this.process = spawn(process.env.EPOCA_BINARY, ["serve", "--listen", `127.0.0.1:${this.port}`, "--data-dir", join(this.folder, "data"), "--workers", "1"], { stdio: ["ignore", "pipe", "ignore"] });
    const url = await new Promise((resolve, reject) => {
      let text = "";
      this.process.stdout.on("data", (part) => {
        text += part;
        const found = /listening on (\S+)/.exec(text);
        if (found) resolve(found[1]);
      });
      this.process.on("exit", () => reject(new Error(`the service ended: ${text}`)));
    });
    this.url = `${url}/`;
    this.port = Number(new URL(url).port);
    return this;
  }

  async end(signal = "SIGTERM") {
    const ended = new Promise((resolve) => this.process.on("exit", resolve));
    this.process.kill(signal);
    await ended;
  }

  async remove() {
    await this.end();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async call(method, path, body) {
    const answer = await fetch(this.url + path, { method, headers: { "content-type": "application/json" }, body: body === undefined ? undefined : JSON.stringify(body) });
    const json = await answer.json();
    if (!answer.ok) throw new Error(JSON.stringify(json));
    return json;
  }

  async upload(name, text) {
    const answer = await fetch(`${this.url}v1/datasets?name=${name}`, { method: "POST", headers: { "content-type": "text/csv" }, body: text });
    if (!answer.ok) throw new Error(await answer.text());
  }

  async train(model, training, more = {}) {
    return this.call("POST", "v1/jobs", { model, dataset: "t", target: "y", training, ...more });
  }

  async until(id, done, seconds = 120) {
    for (const end = Date.now() + 1000 * seconds; Date.now() < end; ) {
      const job = await this.call("GET", `v1/jobs/${id}`);
      if (done(job)) return job;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`job ${id} does not come there`);
  }

  ended(id) {
    return this.until(id, (job) => ["succeeded", "failed", "cancelled"].includes(job.status));
  }

  /** 60 rows and two models. */
  async fill() {
    const rows = Array.from({ length: 60 }, (_, row) => `${row},${(row * 7) % 11},${row % 2 ? "a" : "b"}`);
    await this.upload("t", `x,z,y\n${rows.join("\n")}\n`);
    await this.call("POST", "v1/models", { name: "m", definition: { layers: [{ type: "dense", units: 1, activation: "sigmoid" }] } });
    await this.call("POST", "v1/models", { name: "wide", definition: { layers: [{ type: "dense", units: 64, activation: "relu" }, { type: "dense", units: 1, activation: "sigmoid" }] } });
  }
}

export const browser = () => chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

/** How much slower the browser's processor is: EPOCA_PAGE_SLOWDOWN=4 finds tests and views that need a fast machine. */
export const SLOWDOWN = Number(process.env.EPOCA_PAGE_SLOWDOWN ?? 1);

/** A page whose errors and requests are kept. @returns {Promise<any>} */
export async function open(context) {
  const page = await context.newPage();
  if (SLOWDOWN > 1) await (await context.newCDPSession(page)).send("Emulation.setCPUThrottlingRate", { rate: SLOWDOWN });
  page.requested = [];
  page.errors = [];
  page.on("request", (request) => page.requested.push(request.url()));
  page.on("pageerror", (error) => page.errors.push(String(error.stack)));
  page.on("console", (message) => {
    // A refused request is part of some tests; a broken policy never is.
    if (message.type() === "error" && !/Failed to load resource|ERR_/.test(message.text())) page.errors.push(message.text());
  });
  return page;
}

/** Violations of accessibility, each with its place. */
export async function violations(page) {
  await page.evaluate(AXE);
  const result = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return result.violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")} ${node.failureSummary ?? ""}`.slice(0, 400)));
}
