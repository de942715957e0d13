// A browser, and pages that keep what went wrong in them.

const { chromium } = require("playwright-core");
const fs = require("node:fs");
const path = require("node:path");

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts the browser that BROWSER names, with a profile of its own. */
const launch = () => chromium.launch({ executablePath: process.env.BROWSER, headless: true, args: FLAGS });

/**
 * Opens the report of a run. `faults` collects console errors, exceptions, dialogs and every request for anything but
 * the page itself; `seconds` is how long the page took until it was ready.
 */
const open = async (browser, run, { width = 1280, scheme = "light" } = {}) => {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: scheme,
    acceptDownloads: true,
  });
  const page = await context.newPage();
  const file = `file://${path.join(process.env.RUNS, run, "report.html")}`;
  const faults = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`exception: ${error.message}`));
  page.on("dialog", (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("requestfailed", (request) => faults.push(`failed: ${request.url().slice(0, 200)}`));
  page.on("request", (request) => {
    if (!/^(data|blob):/.test(request.url()) && request.url() !== file)
      faults.push(`fetched: ${request.url().slice(0, 200)}`);
  });
  const start = Date.now();
  await page.goto(file);
  await page.waitForFunction(() => document.documentElement.dataset.ready === "true", null, { timeout: 30000 });
  return { page, context, faults, seconds: (Date.now() - start) / 1000 };
};

/** Goes down the page, so that every figure is drawn. */
const seeAll = async (page) => {
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  for (let y = 0; y < height; y += 800) {
    await page.evaluate((to) => scrollTo(0, to), y);
    await page.waitForTimeout(25);
  }
  await page.evaluate(() => scrollTo(0, 0));
  await page.waitForTimeout(400);
};

/** Keeps a picture where SCREENSHOTS names a folder. */
const picture = async (page, name) => {
  if (!process.env.SCREENSHOTS) return;
  fs.mkdirSync(process.env.SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: path.join(process.env.SCREENSHOTS, `${name}.png`), fullPage: true });
};

module.exports = { launch, open, seeAll, picture };
