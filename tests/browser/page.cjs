// A browser, and pages that keep what went wrong in them.

const assert = require("node:assert/strict");
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
 * Opens the report of a run, or another `file` of it, at an address. `faults` collects console errors, exceptions,
 * dialogs and every request for anything but the page itself.
 * All sections are open unless they are wanted `folded`.
 */
const open = async (browser, run, options = {}) => {
  const { width = 1280, scheme = "light", file: name = "report.html", address = "", folded = false } = options;
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme: scheme,
    acceptDownloads: true,
  });
  const page = await context.newPage();
  const file = `file://${path.join(process.env.RUNS, run, name)}`;
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
    if (!/^(data|blob):/.test(request.url()) && request.url().split("#")[0] !== file)
      faults.push(`fetched: ${request.url().slice(0, 200)}`);
  });
  await page.goto(file + address);
  await ready(page);
  if (!folded) await unfold(page);
  return { page, context, faults };
};

/** Waits until the page is drawn. */
const ready = (page) =>
  page.waitForFunction(() => document.documentElement.dataset.ready === "true", null, { timeout: 60000 });

/** Opens every section. */
const unfold = (page) =>
  page.evaluate(() =>
    document.querySelectorAll("details.fold").forEach((fold) => {
      fold.open = true;
    }),
  );

/** Runs `act` with a page, and asserts that nothing went wrong in it. */
const withPage = async (browser, run, options, act) => {
  const opened = await open(browser, run, options);
  try {
    await act(opened.page, opened);
    assert.deepEqual(opened.faults, []);
  } finally {
    await opened.context.close();
  }
};

const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** Serious faults that axe finds; what a plot draws is one image to it. */
const faultsOfAccess = async (page) => {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    axe.run({ exclude: [[".chart svg"]] }, { resultTypes: ["violations"] }),
  );
  return violations
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .slice(0, 3)
          .map((node) => `${node.html.slice(0, 150)} ${node.any[0]?.message ?? ""}`)
          .join(" | ")}`,
    );
};

/** Titles of the figures that are neither drawn nor say why. */
const undrawn = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll("figure")]
      .filter(
        (figure) =>
          !figure.querySelector(".chart svg, .chart canvas") && figure.querySelector(".notice")?.hidden !== false,
      )
      .map((figure) => figure.querySelector("h3").innerText),
  );

/** Goes down the page until every figure is drawn, or for half a minute. */
const seeAll = async (page) => {
  const deadline = Date.now() + 30000;
  do {
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    for (let y = 0; y < height; y += 800) {
      await page.evaluate((to) => scrollTo(0, to), y);
      await page.waitForTimeout(25);
    }
  } while ((await undrawn(page)).length > 0 && Date.now() < deadline);
  await page.evaluate(() => scrollTo(0, 0));
  await page.waitForTimeout(400);
};

/** Keeps a picture where SCREENSHOTS names a folder. */
const picture = async (page, name) => {
  if (!process.env.SCREENSHOTS) return;
  fs.mkdirSync(process.env.SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: path.join(process.env.SCREENSHOTS, `${name}.png`), fullPage: true });
};

module.exports = { launch, open, ready, withPage, faultsOfAccess, seeAll, undrawn, picture };
