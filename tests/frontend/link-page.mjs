// The page behind the e-mail's link in real Chromium: small and wide, light and dark, with JavaScript and without.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const { BASE_URL, CHROMIUM, LINKS, PAIRS, SCREENSHOTS } = process.env;
const links = JSON.parse(LINKS); // state -> path; `pending` is several, of which each gets one answer
const buttons = { pending: 3, confirmed: 2, phone: 3 }; // none in other states
const widths = PAIRS === "all" ? [320, 360, 768, 1280] : [320, 1280];
const states = { ...links, pending: links.pending[0] };
const sampled = PAIRS === "all" ? states : { pending: states.pending, phone: states.phone };
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
  for (const width of widths) {
    for (const scripts of PAIRS === "all" ? [true, false] : [width === 320]) {
      for (const [state, path] of Object.entries(scripts ? states : sampled)) {
        const page = await open(path, { width, scripts });
        const where = `${state} at ${width}, scripts ${scripts}`;
        assert.equal(await page.locator("h1").count(), 1, where);
        assert.equal(await page.locator("button").count(), buttons[state] ?? 0, where);
        for (const summary of await page.locator("summary").all()) await summary.click(); // without scripts, too
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

  for (const [state, path] of Object.entries(sampled)) {
    for (const dark of [false, true]) {
      for (const width of PAIRS === "all" ? widths : [dark ? 1280 : 320]) {
        const page = await open(path, { width, scripts: true, dark, lenient: true });
        for (const summary of await page.locator("summary").all()) await summary.click();
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
    assert.equal(await page.locator("button").count(), 2);
    const address = page.url();

    // A form that the server refuses keeps what was typed; corrected, it leads back to the link's own page.
    await page.locator("summary", { hasText: "Another time" }).click();
    await page.getByLabel("Time 1", { exact: true }).fill("2031-05-15T14:30");
    await page.getByLabel("Time 2", { exact: true }).fill("2020-05-15T14:30");
    const form = page.locator("form", { has: page.getByRole("button", { name: "Ask for another time" }) });
    await form.getByLabel(/Reason/).fill("A train\nis late");
    await form.getByRole("button").click();
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel("Time 1", { exact: true }).inputValue(), "2031-05-15T14:30");
    assert.equal(await page.getByLabel("Time 2", { exact: true }).inputValue(), "2020-05-15T14:30");
    assert.equal(await form.getByLabel(/Reason/).inputValue(), "A train\nis late");
    assert.ok(await page.getByText("Must lie in the future.").isVisible());
    if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}/refused-${scripts}.png`, fullPage: true });
    if (scripts) {
      const again = await open(links.pending[index], { width: 320, scripts, lenient: true });
      await again.locator("summary", { hasText: "Another time" }).click();
      await again.getByLabel("Time 1", { exact: true }).fill("2020-05-15T14:30");
      await again.getByRole("button", { name: "Ask for another time" }).click();
      await again.getByRole("alert").waitFor();
      await again.evaluate(axe);
      const { violations } = await again.evaluate(() => globalThis.axe.run());
      assert.deepEqual(violations.map((one) => `refused: ${one.id}: ${one.help}`), []);
      assert.ok(await again.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "refused");
      await again.context().close();
    }
    await page.getByLabel("Time 2", { exact: true }).fill("2031-05-16T09:00");
    await form.getByRole("button").click();
    await page.getByText("You have asked for another time.").waitFor();
    assert.ok(await page.getByText("Friday, 16 May 2031, 09:00").isVisible());
    assert.equal(page.url(), address);
    if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}/requested-${scripts}.png`, fullPage: true });

    await page.locator("summary", { hasText: "make it" }).click();
    await page.getByRole("button", { name: "Decline interview" }).click();
    await page.getByText("You have declined this interview.").waitFor();
    assert.equal(await page.locator("button, summary").count(), 0);
    assert.equal(page.url(), address);
    await page.reload(); // shows it again, and sends nothing
    assert.ok(await page.getByText("You have declined this interview.").isVisible());
    if (SCREENSHOTS) await page.screenshot({ path: `${SCREENSHOTS}/declined-${scripts}.png`, fullPage: true });
    assert.deepEqual(page.heard, []);
    await page.context().close();
  }
  console.log("as documented");
} finally {
  await browser.close();
}
