// Two tabs of one browser that refresh their common session at once, many times each, in real Chromium.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const { BASE_URL, CHROMIUM, REFRESH_TOKEN, ROUNDS, TIMES } = process.env;
const quiet = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", ...quiet] });

// Runs in a tab: takes the token of the store that both tabs share, and puts its successor there.
async function refresh(times) {
  const token = localStorage.getItem("refreshToken");
  const ask = async () => {
    const response = await fetch("/auth/refresh", { method: "POST", headers: { Authorization: `Bearer ${token}` } });
    return { status: response.status, refreshToken: (await response.json()).data?.refreshToken };
  };
  const answers = await Promise.all(Array.from({ length: times }, ask));
  localStorage.setItem("refreshToken", answers.at(-1).refreshToken);
  return answers;
}

try {
  const context = await browser.newContext({ bypassCSP: true });
  const tabs = [await context.newPage(), await context.newPage()];
  for (const tab of tabs) await tab.goto(`${BASE_URL}/health/live`);
  await tabs[0].evaluate((token) => localStorage.setItem("refreshToken", token), REFRESH_TOKEN);
  const seen = new Set([REFRESH_TOKEN]);
  for (let round = 1; round <= Number(ROUNDS); round += 1) {
    const answers = (await Promise.all(tabs.map((tab) => tab.evaluate(refresh, Number(TIMES))))).flat();
    assert.equal(answers.length, 2 * Number(TIMES));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200], `round ${round}`);
    for (const { refreshToken } of answers) seen.add(refreshToken);
    assert.equal(seen.size, round + 1, `round ${round}`);
  }
  console.log("as documented");
} finally {
  await browser.close();
}
