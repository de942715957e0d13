// The page over many runs.

const { test, before, after } = require("node:test");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { launch, ready, withPage, faultsOfAccess, picture } = require("./page.cjs");

let browser;
before(async () => {
  browser = await launch();
});
after(async () => {
  await browser.close();
});
const withIndex = (options, act) => withPage(browser, ".", { file: "index.html", ...options }, act);
const column = (page, key) =>
  page.evaluate((key) => {
    const at = [...document.querySelectorAll("table.runs thead th")].findIndex((th) =>
      th.querySelector(`[data-sort="${key}"]`),
    );
    return [...document.querySelectorAll("table.runs tbody tr")].map((row) => row.children[at].innerText.trim());
  }, key);

for (const width of [390, 768, 1440]) {
  for (const scheme of ["light", "dark"]) {
    test(`the index at ${width} points, ${scheme}: no fault of access, it scrolls down and not sideways`, () =>
      withIndex({ width, scheme }, async (page) => {
        assert.deepEqual(await faultsOfAccess(page), []);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
        assert.doesNotMatch(await page.evaluate(() => document.body.innerText), /\b(NaN|undefined|Infinity|null)\b/);
        await picture(page, `index-${width}-${scheme}`);
      }));
  }
}

test("the index has every run with its decision and figures, and leads to the pages", () =>
  withIndex({ width: 1440 }, async (page) => {
    const links = await page.locator("table.runs tbody a").evaluateAll((links) => links.map(({ href }) => href));
    assert.ok(links.length >= 6, String(links));
    for (const link of links) assert.ok(fs.existsSync(decodeURIComponent(new URL(link).pathname)), link);
    const { ranking, decision } = JSON.parse(fs.readFileSync(path.join(process.env.RUNS, "focal.json"), "utf8"));
    const focal = page.locator("table.runs tbody tr", { has: page.locator('a[href="focal/report.html"]') });
    const text = await focal.innerText();
    assert.ok(text.includes(decision.outcome), text);
    assert.ok(text.includes(ranking[0].metrics.test_auc.toFixed(4)), text);
    assert.ok(text.includes("Why this sweep"), text);
  }));

test("the index sorts either way by keyboard, filters, and its address keeps both", () =>
  withIndex({ width: 1440 }, async (page) => {
    const numbers = async () => (await column(page, "test_auc")).map(Number).filter((value) => !Number.isNaN(value));
    await page.locator('[data-sort="test_auc"]').press("Enter");
    const down = await numbers();
    assert.deepEqual(
      down,
      [...down].sort((a, b) => b - a),
    );
    await page.keyboard.press("Enter");
    const up = await numbers();
    assert.deepEqual(up, [...down].reverse());
    assert.ok(up.length > 3 && up[0] < up.at(-1));
    await page.locator("#filter").fill("hostile");
    assert.deepEqual(await column(page, "data"), ["hostile.csv"]);
    await page.waitForFunction(() => location.hash.includes("filter=hostile"));
    await page.reload();
    await ready(page);
    assert.deepEqual(await column(page, "data"), ["hostile.csv"]);
    assert.equal(
      await page
        .locator("table.runs th", { has: page.locator('[data-sort="test_auc"]') })
        .getAttribute("aria-sort"),
      "ascending",
    );
  }));
