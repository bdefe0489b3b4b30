// The page behind the mail of who forgot the password, in real Chromium: used once, then once more; axe finds nothing.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const { BASE_URL, CHROMIUM, TOKEN, SCREENSHOTS } = process.env;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const quiet = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", ...quiet] });

async function open({ width, dark = false, lenient = false }) {
  const colorScheme = dark ? "dark" : "light";
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme, bypassCSP: lenient });
  const page = await context.newPage();
  page.heard = [];
  page.asked = [];
  page.on("request", (request) => page.asked.push(request.url()));
  page.on("console", (message) => message.text().includes("status of 400") || page.heard.push(message.text()));
  page.on("pageerror", (error) => page.heard.push(String(error)));
  await page.goto(`${BASE_URL}/auth/password/reset#${TOKEN}`);
  return page;
}

async function save(page) {
  await page.getByLabel(/New password/).fill("a-brand-new-password");
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator("#result:not(:empty)").waitFor();
  return page.locator("#result").innerText();
}

try {
  for (const width of [360, 1280]) {
    for (const dark of [false, true]) {
      const page = await open({ width, dark, lenient: true });
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${width}`);
      await page.evaluate(axe);
      const found = await page.evaluate(() => globalThis.axe.run());
      assert.deepEqual(found.violations.map((one) => one.id), [], `${width}`);
      if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}/reset-${width}-${dark}.png`, fullPage: true });
      await page.context().close();
    }
  }
  const page = await open({ width: 360 });
  assert.ok(!page.url().includes(TOKEN), "the secret stays in the address bar");
  assert.equal(await save(page), "Password changed successfully");
  assert.equal(await page.locator("form").isVisible(), false);
  assert.deepEqual(page.heard, []);
  assert.ok(page.asked.every((url) => url.startsWith(`${BASE_URL}/`) && !url.split("#")[0].includes(TOKEN)));
  const again = await open({ width: 360 });
  assert.equal(await save(again), "This link has been used or has expired. Ask for a new one.");
  console.log("as documented");
} finally {
  await browser.close();
}
