// Drives a service through types that openapi-typescript made from openapi.yaml: upload, model, job, events, prediction.
//   node client.js URL TABLE.csv
import { readFile } from "node:fs/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Schemas = components["schemas"];

const [url, table] = process.argv.slice(2);
if (!url || !table) throw new Error("expected a URL and a table");
const client = createClient<paths>({ baseUrl: url });

/** The data of an answer; a problem ends the run. */
function data<T>(answer: { data?: T; error?: Schemas["Problem"] }, what: string): T {
  if (answer.data === undefined) throw new Error(`${what}: ${answer.error?.status} ${answer.error?.detail}`);
  return answer.data;
}

function expect(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`expected ${what}`);
}

const name = `iris-typed-${Date.now()}`;
const text = await readFile(table, "utf8");
const dataset = data(
  await client.POST("/v1/datasets", {
    params: { query: { name } },
    headers: { "content-type": "text/csv" },
    body: text,
    bodySerializer: (body) => body,
  }),
  "upload",
);
expect(dataset.name === name && dataset.rows === 150, `150 rows of ${name}, received ${JSON.stringify(dataset)}`);

const definition: Schemas["Definition"] = {
  layers: [
    { type: "dense", units: 16, activation: "relu", kernel_regularizer: { type: "l2", l2: 0.0001 } },
    { type: "dense", units: 3, activation: "softmax" },
  ],
};
const model = data(await client.POST("/v1/models", { body: { name, definition } }), "model");
expect(model.name === name, `a model ${name}, received ${model.name}`);

const request: Schemas["JobRequest"] = {
  model: name,
  dataset: name,
  target: "species",
  training: { epochs: 30, batch_size: 16, validation_split: 0.2, seed: 7, optimizer: { type: "adam", learning_rate: 0.01 } },
};
// A dry run would answer with a plan, which has no id.
const accepted = data(await client.POST("/v1/jobs", { body: request }), "job");
expect("id" in accepted, "a job in the queue");
expect(accepted.task === "multiclass_classification", `a multiclass classification, received ${accepted.task}`);

const path = { job: String(accepted.id) };
const show = async () => data(await client.GET("/v1/jobs/{job}", { params: { path } }), "job");
let job = await show();
for (const deadline = Date.now() + 60_000; !["succeeded", "failed", "cancelled"].includes(job.status); ) {
  expect(Date.now() < deadline, "an end within 60 s");
  await new Promise((resolve) => setTimeout(resolve, 100));
  job = await show();
}
expect(job.status === "succeeded", `success, received ${JSON.stringify(job.error)}`);

const page = data(
  await client.GET("/v1/jobs/{job}/events", {
    params: { path, query: { limit: 100 } },
    headers: { accept: "application/json" },
  }),
  "events",
);
expect(typeof page === "object", "a list of events");
const ids = page.data.map((event) => event.id);
expect(ids.every((id, index) => id === index + 1), `ids without a gap, received ${ids}`);
const epochs = page.data.filter((event) => event.type === "epoch").length;
expect(epochs === 30, `30 epochs, received ${epochs}`);

const body: Schemas["PredictRequest"] = {
  instances: [[5.1, 3.5, 1.4, 0.2], { sepal_length: 6.7, sepal_width: 3.0, petal_length: 5.2, petal_width: 2.3 }],
};
const answer = data(
  await client.POST("/v1/models/{model}:predict", { params: { path: { model: name } }, body }),
  "predict",
);
expect("predictions" in answer, "predictions");
const labels = answer.predictions.map((prediction) =>
  prediction !== null && typeof prediction === "object" && "label" in prediction ? prediction.label : undefined,
);
expect(labels.join() === "setosa,virginica", `setosa and virginica, received ${labels}`);

const missing = await client.GET("/v1/models/{model}", { params: { path: { model: "no-such-model" } } });
const problem: Schemas["Problem"] | undefined = missing.error;
expect(problem?.status === 404, `a problem with 404, received ${JSON.stringify(problem)}`);
console.log(`typed client: version ${answer.version}, ${epochs} epochs, ${labels.join(" and ")}`);
