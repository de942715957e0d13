// The page of a run that goes on.

const { test, before, after } = require("node:test");
const assert = require("node:assert/strict");
const { launch, ready, withPage, faultsOfAccess, picture } = require("./page.cjs");

let browser;
before(async () => {
  browser = await launch();
});
after(async () => {
  await browser.close();
});

const live = { file: "live.html", folded: true };

test("the page of a run that goes on says so", () =>
  withPage(browser, "live", { ...live, width: 390 }, async (page) => {
    await page.getByRole("button", { name: "Pause" }).click();
    const banner = page.getByRole("status").first();
    assert.match(await banner.innerText(), /The run goes on: [\d,]+ of 48,000 rows so far/);
    assert.deepEqual(await faultsOfAccess(page), []);
    await picture(page, "live-390");
  }));

test("it loads itself again with what has ended since, and its reader keeps what was chosen", () =>
  withPage(browser, "live", live, async (page) => {
    const rows = () => page.locator(".so-far progress").evaluate((bar) => bar.value);
    const before = await rows();
    await page.locator("#filter").fill("gamma>1");
    await page.locator('[data-sort="test_auc"]').click();
    await page.waitForFunction(() => location.hash.includes("sort="));
    await page.waitForFunction(
      (before) => document.querySelector(".so-far progress")?.value > before,
      before,
      { timeout: 120000, polling: 250 },
    );
    await ready(page);
    assert.equal(await page.locator("#filter").inputValue(), "gamma>1");
    const head = page.locator("#trials-table th", { has: page.locator('[data-sort="test_auc"]') });
    assert.equal(await head.getAttribute("aria-sort"), "descending");
    await page.getByRole("button", { name: "Pause" }).click();
    await page.evaluate(() => {
      window.isTheSame = true;
    });
    await page.waitForTimeout(11000);
    assert.equal(await page.evaluate(() => window.isTheSame), true, "a page that is paused is left alone");
  }));
