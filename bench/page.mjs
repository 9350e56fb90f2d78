// Bytes, first paint and frame times of the web page, in a headless Chromium:
// tests/page/run.sh installs what it needs; then
// EPOCA_BINARY=target/release/epoca EPOCA_PAGE_MODULES=target/page-tests/node_modules node bench/page.mjs
import { Service, browser, open } from "../tests/page/support.mjs";

const JOBS = 10;
const EPOCHS = 5000;

const server = await new Service().start();
const chromium = await browser();
const rows = [];
try {
  await server.fill();
  const ids = [];
  for (let seed = 1; seed <= JOBS; seed += 1) ids.push((await server.train("m", { epochs: EPOCHS, batch_size: 64, seed, validation_split: 0.2 })).id);
  for (const id of ids) await server.ended(id);

  const paints = [];
  let bytes = [0, 0, 0];
  for (let run = 0; run < 5; run += 1) {
    const context = await chromium.newContext({ viewport: { width: 1280, height: 900 } });
    const page = await open(context);
    await page.goto(`${server.url}#/jobs`);
    await page.locator("tbody tr").first().waitFor();
    const entries = await page.evaluate(() => ({
      paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
      files: [...performance.getEntriesByType("resource"), ...performance.getEntriesByType("navigation")].filter(({ name }) => !name.includes("/v1/")).map(({ transferSize, decodedBodySize }) => [transferSize, decodedBodySize]),
      table: performance.now(),
    }));
    paints.push(entries.paint);
    bytes = entries.files.reduce(([files, sent, plain], [transfer, decoded]) => [files + 1, sent + transfer, plain + decoded], [0, 0, 0]);
    await context.close();
  }
  paints.sort((a, b) => a - b);
  rows.push(["first view: files", String(bytes[0])], ["first view: bytes sent", `${(bytes[1] / 1000).toFixed(1)} KB`], ["first view: bytes unpacked", `${(bytes[2] / 1000).toFixed(1)} KB`], ["first contentful paint, median of 5", `${paints[2].toFixed(0)} ms`]);

  const page = await open(await chromium.newContext({ viewport: { width: 1280, height: 900 } }));
  const began = Date.now();
  await page.goto(`${server.url}#/compare?jobs=${ids.join(",")}`);
  await page.waitForFunction((least) => [...document.querySelectorAll("epoca-chart")].reduce((sum, chart) => sum + Number(chart.dataset.points ?? 0), 0) > least, JOBS * 2 * 300);
  rows.push([`${JOBS} jobs of ${EPOCHS} epochs: all curves after`, `${Date.now() - began} ms`]);
  const box = await page.locator("epoca-chart .plot").first().boundingBox();
  const frames = page.evaluate(() => new Promise((resolve) => {
    const times = [];
    const next = (now) => {
      times.push(now);
      if (now - times[0] < 4000) requestAnimationFrame(next);
      else resolve(times.slice(1).map((time, index) => time - times[index]).sort((a, b) => a - b));
    };
    requestAnimationFrame(next);
  }));
  for (let step = 0; step < 150; step += 1) {
    await page.mouse.move(box.x + 70 + (step * (box.width - 90)) / 150, box.y + 80);
    await page.waitForTimeout(15);
  }
  const sorted = await frames;
  rows.push(["a frame while the cursor moves, median", `${sorted[Math.floor(sorted.length / 2)].toFixed(1)} ms`], ["95 % of the frames below", `${sorted[Math.floor(sorted.length * 0.95)].toFixed(1)} ms`]);
} finally {
  await chromium.close();
  await server.remove();
}
console.log("| | |\n| --- | ---: |");
for (const [what, value] of rows) console.log(`| ${what} | ${value} |`);
