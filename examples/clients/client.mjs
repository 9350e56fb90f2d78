#!/usr/bin/env node
// The whole story with Node.js alone, no packages: table, model, job, events, prediction.
//   node examples/clients/client.mjs [http://127.0.0.1:8080]
import { readFile } from "node:fs/promises";

const url = process.argv[2] ?? "http://127.0.0.1:8080";

async function call(method, path, body, type = "application/json") {
  const text = type === "application/json" && body !== undefined ? JSON.stringify(body) : body;
  const answer = await fetch(url + path, { method, body: text, headers: body === undefined ? {} : { "content-type": type } });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

// Every event of a job, in order, once: a stream that breaks is resumed after the last id.
async function* events(job) {
  for (let last = 0; ; ) {
    const headers = { accept: "text/event-stream", "last-event-id": String(last) };
    const answer = await fetch(`${url}/v1/jobs/${job}/events`, { headers });
    if (answer.status === 204) return;
    if (!answer.ok) throw new Error(`events: ${answer.status} ${await answer.text()}`);
    let buffer = "";
    try {
      for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
        const lines = (buffer + chunk).split("\n");
        buffer = lines.pop();
        for (const line of lines.filter((line) => line.startsWith("data:"))) {
          const event = JSON.parse(line.slice(5));
          last = event.id ?? last;
          yield event;
        }
      }
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

const name = `iris-node-${Date.now()}`;
const table = await readFile(new URL("../data/iris.csv", import.meta.url));
const dataset = await call("POST", `/v1/datasets?name=${name}`, table, "text/csv");
console.log(`table ${dataset.name}: ${dataset.rows} rows, ${dataset.columns.length} columns`);

const layers = [
  { type: "dense", units: 16, activation: "relu" },
  { type: "dense", units: 3, activation: "softmax" },
];
await call("POST", "/v1/models", { name, definition: { layers } });
const training = { epochs: 40, batch_size: 16, validation_split: 0.2, seed: 7, optimizer: { type: "adam", learning_rate: 0.01 } };
const submitted = await call("POST", "/v1/jobs", { model: name, dataset: name, target: "species", training });

for await (const event of events(submitted.id)) {
  const { status, epoch, loss, val_accuracy } = event.data;
  if (event.type === "status") console.log(status);
  if (event.type === "epoch") console.log(`epoch ${epoch}  loss ${loss.toFixed(4)}  val_accuracy ${val_accuracy.toFixed(3)}`);
}
const job = await call("GET", `/v1/jobs/${submitted.id}`);
if (job.status !== "succeeded") throw new Error(`the job ${job.status}: ${JSON.stringify(job.error)}`);

const instances = [[5.1, 3.5, 1.4, 0.2], { sepal_length: 6.7, sepal_width: 3.0, petal_length: 5.2, petal_width: 2.3 }];
const { version, predictions } = await call("POST", `/v1/models/${name}:predict`, { instances });
console.log(`version ${version}:`, predictions.map((prediction) => prediction.label));
if (predictions[0].label !== "setosa" || predictions[1].label !== "virginica") process.exit(1);
