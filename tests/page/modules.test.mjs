// The modules of the page that need no browser.
import assert from "node:assert/strict";
import { test } from "node:test";

const page = (name) => import(new URL(`../../src/page/${name}`, import.meta.url));
const { smooth, meanBand } = await page("smooth.js");
const { extent, linearTicks, logTicks, nearest, scale } = await page("scale.js");
const { appended, charts, fromAnswer, isLowBetter, lastEpoch } = await page("series.js");
const { format, parse } = await page("route.js");
const { bytes, duration, number, tick } = await page("format.js");
const { diagnose } = await page("diagnose.js");
const { folded, layout, nodesOf } = await page("graph-layout.js");
const { indexOf } = await page("chart-draw.js");
const { TEMPLATES, guessTarget, guessTask, heads, lastLayer } = await page("templates.js");
const { closest } = await page("start-problems.js");
const { bySeed, differences } = await page("compare.js");
const { csv, pickRows } = await page("chart-table.js");

const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-9, `${a} and ${b}`);

test("smoothing is TensorBoard's debiased average", () => {
  // last = last * w + (1 - w) * y, divided by 1 - w^n, by hand for w = 0.5 and 1, 2, 3.
  const [a, b, c] = smooth([1, 2, 3], 0.5);
  near(a, 1);
  near(b, (0.25 + 1) / 0.75);
  near(c, (0.625 + 1.5) / 0.875);
  assert.deepEqual([...smooth([1, 2, 3], 0)], [1, 2, 3]);
  assert.deepEqual([...smooth([0.1, 0.1, 0.1], 0.9)], [0.1, 0.1, 0.1]);
  // A value that is not finite stays and does not count.
  const gap = smooth([1, NaN, 2, Infinity, 3], 0.5);
  near(gap[2], b);
  near(gap[4], c);
  assert.ok(Number.isNaN(gap[1]) && gap[3] === Infinity);
});

test("the mean over seeds goes as far as the curves", () => {
  const band = meanBand([{ x: [1, 2, 3], y: [1, 2, 3] }, { x: [1, 2], y: [3, 4] }]);
  assert.deepEqual(band.x, [1, 2, 3]);
  assert.deepEqual(band.mean, [2, 3, 3]);
  near(band.high[0], 2 + Math.SQRT2);
  assert.equal(band.low[2], 3);
});

test("scales map both ways, on linear and log axes", () => {
  let tried = 0;
  for (const log of [false, true]) {
    for (const domain of [[1, 1000], [0.001, 5], [3, 3]]) {
      const it = scale(domain, [40, 540], { log });
      for (const pixel of [40, 100, 540]) {
        near(it.to(it.from(pixel)), pixel);
        tried += 1;
      }
      assert.ok(it.ticks.length >= 1 && it.ticks.every(({ value }) => value >= it.domain[0] * 0.999 && value <= it.domain[1] * 1.001));
    }
  }
  assert.equal(tried, 18);
  assert.deepEqual(linearTicks(0, 1, 5).map(({ value, step }) => tick(value, step)), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
  assert.deepEqual(logTicks(0.001, 1000, 4).map(({ value }) => Math.round(Math.log10(value))), [-3, -1, 1, 3]);
});

test("a log axis leaves out what it cannot show", () => {
  assert.deepEqual(extent([[0, -1, 0.5, NaN, Infinity, 4]], { log: true }), [0.5, 4]);
  assert.equal(extent([[0, -1]], { log: true }), null);
  assert.deepEqual(extent([[NaN, 2, -1]]), [-1, 2]);
});

test("the nearest entry, and the bucket of an epoch", () => {
  assert.deepEqual([0, 1.4, 1.6, 9].map((x) => nearest([1, 2, 3], x)), [0, 0, 1, 2]);
  assert.equal(nearest([], 1), -1);
  assert.deepEqual([1, 7, 8, 15, 16].map((x) => indexOf([7, 15], x)), [0, 0, 1, 1, -1]);
});

test("what comes later is appended, and what comes again is replaced", () => {
  const column = (values) => ({ last: values, min: values, max: values });
  const at = (count) => Array.from({ length: count }, (_, index) => new Date(index * 1000).toISOString());
  const first = fromAnswer({ bucket: 2, epoch: [1, 3], at: at(2), metrics: { loss: column([4, null]) } });
  const tail = fromAnswer({ bucket: 1, epoch: [3, 4], at: at(2), metrics: { loss: column([2, 1]), val_loss: column([9, 8]) } });
  const both = appended(first, tail);
  assert.deepEqual(both.epoch, [1, 3, 4]);
  assert.deepEqual(both.metrics.loss.last, [4, 2, 1]);
  assert.deepEqual(both.metrics.val_loss.last, [NaN, 9, 8]);
  assert.equal(lastEpoch(both), 4);
  assert.equal(both.bucket, 2);
  assert.equal(appended(first, { bucket: 1, epoch: [], at: [], metrics: {} }), first);
});

test("metrics are grouped into charts, the loss first and the run last", () => {
  const grouped = charts(["learning_rate", "val_accuracy", "accuracy", "val_loss", "loss", "seconds"]);
  assert.deepEqual(grouped.map(({ title }) => title), ["loss", "accuracy", "learning_rate", "seconds"]);
  assert.deepEqual(grouped[0].names, ["loss", "val_loss"]);
  assert.deepEqual(["loss", "accuracy", "mean_absolute_error", "auc", "what"].map(isLowBetter), [true, false, true, false, null]);
});

test("an address is read as it is written", () => {
  for (const [path, query] of [[["jobs"], {}], [["models", "a/b ü"], { version: "3" }], [["compare"], { jobs: "a,b", y: "log", smooth: "0.6" }]]) {
    const address = format(path, query);
    assert.deepEqual(parse(address), { view: path[0], path: path.slice(1), query });
  }
  assert.equal(format(["compare"], { jobs: "a,b", x: null, y: "" }), "#/compare?jobs=a,b");
  assert.equal(parse("").view, "jobs");
  assert.equal(parse("#/models/%").path[0], "%");
});

test("numbers are short and durations are read", () => {
  assert.deepEqual([0, 1234567, 0.123456, 1e-7, 12345678.9, NaN, null].map(number), ["0", "1,234,567", "0.1235", "1e-7", "1.235e7", "NaN", "–"]);
  assert.deepEqual([0.0004, 0.25, 7.25, 59, 61, 3700, 200000, null].map(duration), ["under 1 ms", "250 ms", "7.3 s", "59 s", "1 min 1 s", "1 h 1 min", "2 d 7 h", "–"]);
  assert.deepEqual([999, 1000, 12345678].map(bytes), ["999 B", "1.00 KB", "12.3 MB"]);
});

test("curves are judged as a person would", () => {
  const history = (loss, validation) => ({ bucket: 1, epoch: loss.map((_, index) => index + 1), at: [], metrics: { loss: { last: loss }, ...(validation ? { val_loss: { last: validation } } : {}) } });
  const kinds = (...lists) => diagnose(history(...lists), {}).map(({ kind }) => kind);
  const falling = Array.from({ length: 40 }, (_, index) => 1 / (index + 1));
  const rising = falling.map((loss, index) => (index < 10 ? loss + 0.1 : 0.2 + index * 0.01));
  assert.deepEqual(kinds(falling, rising), ["overfitting"]);
  assert.equal(diagnose(history(falling, rising), {})[0].epoch, 10);
  assert.deepEqual(kinds(falling, falling), []);
  assert.deepEqual(kinds(new Array(20).fill(0.7)), ["nothing_learned"]);
  assert.deepEqual(kinds([1, 0.5, NaN]), ["not_finite"]);
});

test("graphs of layers are laid out from the inputs down", () => {
  const definition = { inputs: [{ name: "a", shape: [2] }, "b"], layers: [{ type: "dense", name: "d", inputs: ["a"] }, { type: "concatenate", name: "c", inputs: ["d", "b"] }] };
  const { nodes } = layout(nodesOf(definition, [{ name: "d", type: "dense", output_shape: [4], parameters: 12 }]));
  const y = Object.fromEntries(nodes.map((node) => [node.id, node.y]));
  assert.ok(y.a < y.d && y.b === y.a && y.d < y.c);
  assert.equal(nodes.find(({ id }) => id === "d").shape, "[4]");
  const names = new Set(nodes.map((node) => `${node.x} ${node.y}`));
  assert.equal(names.size, 4, "no two layers at one place");
  const long = nodesOf({ layers: Array.from({ length: 20 }, (_, index) => ({ type: "dense", name: `d${index}` })) }, []);
  assert.equal(folded(long, new Set()).length, 2);
  assert.equal(folded(long, new Set(["d0"])).length, 21);
});

test("a chart is rows of text and CSV, too", () => {
  const line = { key: "k", name: 'a "b"', x: Array.from({ length: 100 }, (_, index) => index + 1), y: Array.from({ length: 100 }, (_, index) => index / 10) };
  const { header, rows } = pickRows([line], "epoch", 5);
  assert.deepEqual(header, ["Epoch", 'a "b"']);
  assert.deepEqual(rows.map(([epoch]) => epoch), ["1", "26", "51", "75", "100"]);
  assert.ok(csv([line]).startsWith('curve,x,y\n"a ""b""",1,0\n'));
});

test("models end as the target asks", () => {
  const last = (target, task = "") => lastLayer(target, task);
  const softmax = (units) => ({ type: "dense", units, activation: "softmax" });
  const sigmoid = { type: "dense", units: 1, activation: "sigmoid" };
  assert.deepEqual(last({ type: "category", values: [1, 2, 3] }), softmax(3));
  assert.deepEqual(last({ type: "category", values: ["a", "b"] }), sigmoid);
  assert.deepEqual(last({ type: "boolean", distinct: 2 }), sigmoid);
  assert.deepEqual(last({ type: "number", distinct: 400 }), { type: "dense", units: 1 });
  const digits = { type: "number", distinct: 10, min: 0, max: 9, values: Array.from({ length: 10 }, (_, value) => ({ value, count: 1 })) };
  assert.equal(guessTask([digits]), "classification");
  assert.deepEqual(last(digits, "classification"), softmax(10));
  assert.equal(guessTask([{ ...digits, max: 12 }]), "");
  assert.equal(guessTarget([{ name: "species" }, { name: "x" }]), "species");
  for (const { make } of TEMPLATES) assert.ok(make([{ type: "number" }, { type: "category", values: [1, 2] }], [digits], 100, "classification"));
});

test("several targets of one kind share an output, and others have one each", () => {
  const price = { name: "price", type: "number", distinct: 90 };
  const rent = { name: "rent", type: "number", distinct: 80 };
  const near = { name: "near", type: "number", distinct: 2, values: [{ value: 0, count: 9 }, { value: 1, count: 4 }] };
  const flat = { name: "flat", type: "boolean", distinct: 2 };
  const kind = { name: "kind: a/b", type: "category", values: ["x", "y", "z"] };
  const told = (targets, task = guessTask(targets)) => heads(targets, task).map(({ name, columns, layer }) => [name, columns.join(), layer.units, layer.activation ?? "linear"]);
  assert.deepEqual(told([price, rent]), [["numbers", "price,rent", 2, "linear"]]);
  assert.deepEqual(told([near, flat]), [["labels", "near,flat", 2, "sigmoid"]]);
  assert.deepEqual(told([near, flat], "regression"), [["numbers", "near,flat", 2, "linear"]]);
  assert.deepEqual(told([price, kind, rent]), [["numbers", "price,rent", 2, "linear"], ["kind_ a_b", "kind: a/b", 3, "softmax"]]);
  assert.deepEqual(told([flat, kind]), [["flat", "flat", 1, "sigmoid"], ["kind_ a_b", "kind: a/b", 3, "softmax"]]);
  assert.deepEqual([[price, rent], [near, flat], [near, price], [near, kind], [price, kind]].map(guessTask), ["", "classification", "", "classification", ""]);
  const one = TEMPLATES[0].make([price], [price, rent], 100, "");
  assert.deepEqual([one.outputs, one.layers.at(-1).units], [undefined, 2]);
  let graphs = 0;
  for (const { make, isSingle } of TEMPLATES) {
    if (isSingle) continue;
    const { inputs, layers, outputs } = make([{ type: "number" }], [price, { ...kind, name: "shared" }], 100, "");
    assert.deepEqual([inputs, outputs], [["features"], ["price", "shared_2"]]);
    const before = new Set(["features"]);
    for (const layer of layers) {
      assert.ok((layer.inputs ?? []).every((name) => before.has(name)), JSON.stringify(layer));
      if (layer.name) before.add(layer.name);
    }
    graphs += 1;
  }
  assert.equal(graphs, 4);
});

test("a problem is at the field with the longest pointer above it", () => {
  const pointers = ["/training", "/training/epochs", "/definition", ""];
  assert.deepEqual(["/training/epochs", "/training/seed", "/definition/layers/0/units", "/target", "/trainings"].map((pointer) => closest(pointers, pointer)), [1, 0, 2, -1, -1]);
});

test("what differs comes first, and seeds are no difference", () => {
  const job = (seed, epochs) => ({ model: "m", dataset: "t", target: "y", features: ["x"], training: { epochs, seed, optimizer: { type: "adam" } } });
  const rows = differences([job(1, 5), job(2, 9)]);
  assert.deepEqual(rows.filter((row) => row.differs).map((row) => [row.path, row.values]), [["training.epochs", [5, 9]], ["training.seed", [1, 2]]]);
  assert.ok(rows.length > 5 && rows.at(-1).differs === false);
  assert.deepEqual(bySeed([job(1, 5), job(2, 5), job(3, 9)]).map((group) => group.length), [2, 1]);
});
