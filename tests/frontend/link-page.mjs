// The page behind the e-mail's link in real Chromium: small and wide, light and dark, with JavaScript and without.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const { BASE_URL, CHROMIUM, LINKS, PAIRS, SCREENSHOTS } = process.env;
const links = JSON.parse(LINKS); // state -> path; `pending` is several, each confirmed once
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const quiet = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", ...quiet] });

async function open(path, { width, scripts, dark = false, lenient = false }) {
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    javaScriptEnabled: scripts,
    colorScheme: dark ? "dark" : "light",
    timezoneId: "America/New_York",
    locale: "en-US",
    bypassCSP: lenient, // only so that axe can be injected
  });
  const page = await context.newPage();
  page.heard = [];
  page.on("request", (request) => request.url().startsWith(`${BASE_URL}/`) || page.heard.push(request.url()));
  // A refusal is an answer with an error status, which Chromium logs.
  page.on("console", (message) => message.text().includes("status of 400") || page.heard.push(message.text()));
  page.on("pageerror", (error) => page.heard.push(String(error)));
  page.answer = await page.goto(BASE_URL + path);
  return page;
}

try {
  for (const width of [360, 1280]) {
    for (const scripts of PAIRS === "all" ? [true, false] : [width === 360]) {
      for (const [state, path] of Object.entries({ ...links, pending: links.pending[0] })) {
        const page = await open(path, { width, scripts });
        const where = `${state} at ${width}, scripts ${scripts}`;
        assert.equal(await page.locator("h1").count(), 1, where);
        assert.equal(await page.locator("button").count(), state === "pending" ? 1 : 0, where);
        assert.equal(page.answer.status(), state === "invalid" ? 400 : 200, where);
        if (state !== "invalid") {
          assert.match(await page.locator("time").innerText(), /Wednesday, 15 May 2999, 14:30/, where);
          const own = page.locator("#own-zone");
          assert.equal(await own.isVisible(), scripts, where);
          if (scripts) {
            assert.equal(await own.innerText(), "Where you are: Wednesday, 15 May 2999, 05:00 (America/New York)");
          }
        }
        const box = await page.locator("html").boundingBox();
        const card = await page.locator(".card").boundingBox();
        assert.ok(box.width <= width && card.x >= 0 && card.x + card.width <= width, `${where}: scrolls sideways`);
        if (scripts) assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), where);
        assert.deepEqual(page.heard, [], where);
        if (SCREENSHOTS && scripts) {
          await page.screenshot({ path: `${SCREENSHOTS}/${state}-${width}.png`, fullPage: true });
        }
        await page.context().close();
      }
    }
  }

  for (const [state, path] of Object.entries({ ...links, pending: links.pending[0] })) {
    for (const dark of [false, true]) {
      for (const width of PAIRS === "all" ? [360, 1280] : [dark ? 1280 : 360]) {
        const page = await open(path, { width, scripts: true, dark, lenient: true });
        await page.evaluate(axe);
        const { violations, passes } = await page.evaluate(() => globalThis.axe.run());
        assert.ok(passes.length > 10, "axe looked at nothing");
        assert.deepEqual(violations.map((one) => `${state} ${dark} ${width}: ${one.id}: ${one.help}`), []);
        if (SCREENSHOTS && dark) await page.screenshot({ path: `${SCREENSHOTS}/${state}-${width}-dark.png`, fullPage: true });
        await page.context().close();
      }
    }
  }

  for (const [index, scripts] of [true, false].entries()) {
    const page = await open(links.pending[index], { width: 360, scripts });
    await page.getByRole("button", { name: "Confirm interview" }).click();
    await page.getByText("You have confirmed this interview.").waitFor();
    assert.equal(await page.locator("button").count(), 0);
    assert.deepEqual(page.heard, []);
    await page.context().close();
  }
  console.log("as documented");
} finally {
  await browser.close();
}
