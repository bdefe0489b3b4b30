// /docs in real Chromium: every route and webhook is shown, one is tried, and nothing is asked of any other host.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const { BASE_URL, CHROMIUM } = process.env;
const quiet = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", ...quiet] });
try {
  const page = await browser.newPage();
  const asked = [];
  const complaints = [];
  page.on("request", (request) => asked.push(request.url()));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(`${BASE_URL}/docs`);
  await page.waitForSelector(".opblock");
  const described = await (await fetch(`${BASE_URL}/openapi.json`)).json();
  const items = [...Object.values(described.paths), ...Object.values(described.webhooks)];
  const count = items.flatMap((item) => Object.keys(item)).length;
  assert.equal(await page.locator(".opblock").count(), count);
  await page.locator("#operations-health-show_liveness .opblock-summary-control").click();
  await page.locator("#operations-health-show_liveness .execute").click();
  await page.waitForSelector("#operations-health-show_liveness .live-responses-table .response-col_status");
  assert.match(await page.locator("#operations-health-show_liveness .live-responses-table").innerText(), /Alive/);
  assert.deepEqual(complaints, []);
  assert.deepEqual(asked.filter((url) => !url.startsWith(`${BASE_URL}/`) && !url.startsWith("data:")), []);
  if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT, fullPage: true });
  console.log("as documented");
} finally {
  await browser.close();
}
