// report.html as its readers use it. run.sh makes the runs.

const { test, before, after } = require("node:test");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { launch, withPage, faultsOfAccess, seeAll, undrawn, picture } = require("./page.cjs");

const RUNS = ["focal", "comparison", "one", "failed", "many", "search"];
let browser;
before(async () => {
  browser = await launch();
});
after(async () => {
  await browser.close();
});

const withReport = (run, options, act) => withPage(browser, run, options, act);

/** Opens the list of columns, by keyboard: a figure that is drawn meanwhile moves what a pointer would hit. */
const openColumns = async (page) => {
  await page.getByText("Columns", { exact: true }).press("Enter");
  await page.getByRole("checkbox", { name: "Front", exact: true }).waitFor();
};

const ranks = (page) => page.locator("#trials-table tbody tr td:nth-child(2)").allInnerTexts();
const number = (text) => Number.parseFloat(text);

for (const run of RUNS) {
  test(`${run}: loads whole, every section has something in it, axe finds nothing serious in light and dark`, () =>
    withReport(run, {}, async (page) => {
      const bytes = fs.statSync(path.join(process.env.RUNS, run, "report.html")).size;
      assert.ok(bytes < 6e6, `${bytes} bytes`);
      await seeAll(page);
      const empty = await page.evaluate(() =>
        [...document.querySelectorAll("section.part")]
          .filter((section) => section.innerText.replace(section.querySelector("h2").innerText, "").trim().length < 20)
          .map((section) => section.id),
      );
      assert.deepEqual(empty, []);
      assert.deepEqual(await undrawn(page), []);
      const clipped = await page.evaluate(() =>
        [...document.querySelectorAll(".answer .scroll")]
          .filter((box) => box.scrollWidth > box.clientWidth)
          .map((box) => box.getAttribute("aria-label")),
      );
      assert.deepEqual(clipped, [], "the answer is to be seen without scrolling sideways");
      assert.doesNotMatch(await page.evaluate(() => document.body.innerText), /\b(NaN|undefined|Infinity|null)\b/);
      const headings = await page.evaluate(() =>
        [...document.querySelectorAll("main h2, main h3, main h4")].map((heading) => Number(heading.tagName[1])),
      );
      assert.ok(
        headings.every((level, i) => level - (headings[i - 1] ?? 1) <= 1),
        "a level of headings is left out",
      );
      assert.deepEqual(await faultsOfAccess(page), []);
      await picture(page, `${run}-light`);
      await page.getByRole("button", { name: "Dark", exact: true }).click();
      await page.waitForTimeout(300);
      assert.deepEqual(await faultsOfAccess(page), []);
      await picture(page, `${run}-dark`);
    }));

  test(`${run}: a phone scrolls down, not sideways`, () =>
    withReport(run, { width: 390 }, async (page) => {
      await seeAll(page);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
      await picture(page, `${run}-phone`);
    }));
}

test("a column sorts either way, by keyboard too", () =>
  withReport("focal", {}, async (page) => {
    assert.deepEqual(
      (await ranks(page)).map(number),
      Array.from({ length: 25 }, (_, i) => i + 1),
    );
    const button = page.locator('#trials-table [data-sort="test_fn"]');
    const sorted = async () => {
      const column = await page.evaluate(() =>
        [...document.querySelectorAll("#trials-table thead th")].findIndex((th) =>
          th.querySelector('[data-sort="test_fn"]'),
        ),
      );
      const cells = await page.locator(`#trials-table tbody tr td:nth-child(${column + 1})`).allInnerTexts();
      return cells.map(number);
    };
    const head = () => page.locator("#trials-table thead th", { has: page.locator('[data-sort="test_fn"]') });
    await button.click();
    assert.equal(await head().getAttribute("aria-sort"), "ascending");
    const up = await sorted();
    assert.deepEqual(
      up,
      [...up].sort((a, b) => a - b),
    );
    await page.keyboard.press("Enter");
    assert.equal(await head().getAttribute("aria-sort"), "descending");
    const down = await sorted();
    assert.deepEqual(
      down,
      [...down].sort((a, b) => b - a),
    );
    assert.ok(down[0] > up[0]);
  }));

test("the filter takes words and conditions, and says what it does not understand", () =>
  withReport("focal", {}, async (page) => {
    const filter = page.locator("#filter");
    const status = page.locator("#trials [role=status]");
    await filter.fill("gamma=2 alpha>=0.8");
    await page.waitForFunction(() => document.querySelectorAll("#trials-table tbody tr").length === 2);
    assert.equal(await status.innerText(), "2 of 81 trials");
    await filter.fill("colour>3");
    await page.locator("#filter-hint:not([hidden])").waitFor();
    assert.match(await page.locator("#filter-hint").innerText(), /no column colour/);
    await filter.fill("");
    await page.waitForFunction(() => document.querySelectorAll("#trials-table tbody tr").length === 25);
  }));

test("figures and order are those of report --format json, in the CSV too", () =>
  withReport("focal", {}, async (page) => {
    const { ranking } = JSON.parse(fs.readFileSync(path.join(process.env.RUNS, "focal.json"), "utf8"));
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download CSV" }).click(),
    ]);
    const [head, ...rows] = fs
      .readFileSync(await file.path(), "utf8")
      .trim()
      .split(/\r?\n/)
      .map((line) => line.split(","));
    assert.equal(rows.length, ranking.length);
    const at = (name) => head.indexOf(name);
    rows.forEach((row, i) => {
      assert.equal(row[at("trial_id")], ranking[i].trial_id);
      for (const metric of ["val_auc", "test_auc", "test_op_fn"]) {
        const difference = Math.abs(Number(row[at(metric)]) - ranking[i].metrics[metric]);
        assert.ok(difference <= 1e-5 * Math.abs(ranking[i].metrics[metric]), `${metric} of ${row[0]}`);
      }
    });
  }));

test("columns can be chosen", () =>
  withReport("focal", {}, async (page) => {
    assert.equal(await page.locator('[data-sort="test_mcc"]').count(), 0);
    await openColumns(page);
    await page.getByRole("checkbox", { name: "Matthews correlation, test at 0.5", exact: true }).check();
    assert.equal(await page.locator('[data-sort="test_mcc"]').count(), 1);
  }));

test("p-values say what corrected them, and seconds of training are no figure of the training rows", async () => {
  // With more than 200 trials pairs are counted.
  for (const [run, by] of [
    ["focal", "all pairs (max-T)"],
    ["many", "all pairs (Bonferroni)"],
  ]) {
    await withReport(run, {}, async (page) => {
      await openColumns(page);
      const boxes = (name) => page.getByRole("checkbox", { name, exact: true }).count();
      assert.equal(await boxes(`p against the winner, ${by}`), 1);
      assert.equal(await boxes("Training time, seconds"), 1);
      assert.equal(await page.getByRole("checkbox", { name: /seconds, training/ }).count(), 0);
    });
  }
});

test("a figure says what is under the pointer", () =>
  withReport("focal", {}, async (page) => {
    const chart = page.locator("figure", { has: page.getByRole("heading", { name: "ROC AUC" }) }).locator(".chart");
    await chart.scrollIntoViewIfNeeded();
    await chart.locator("svg").waitFor();
    const box = await chart.boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 3);
    await page.mouse.move(box.x + box.width / 2 + 2, box.y + box.height / 3 + 2);
    const tip = page.locator(".tip").first();
    await tip.waitFor({ state: "visible" });
    assert.match(await tip.innerText(), /focal loss, alpha .*AUC/s);
  }));

test("a figure is there as a table and as a file", () =>
  withReport("focal", {}, async (page) => {
    const figure = page.locator("figure", { has: page.getByRole("heading", { name: "ROC AUC" }) });
    await figure.scrollIntoViewIfNeeded();
    await figure.locator("svg").waitFor();
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      figure.getByRole("button", { name: "SVG" }).click(),
    ]);
    assert.match(fs.readFileSync(await file.path(), "utf8"), /^<svg .*<path /s);
    await figure.getByRole("button", { name: "Table" }).click();
    assert.equal(await figure.locator("table tbody tr").count(), 9);
    assert.equal(await figure.locator("table tbody tr").first().locator("td").count(), 9);
  }));

test("trials that are ticked have curves", () =>
  withReport("focal", {}, async (page) => {
    const chips = page.locator(".chip");
    const before = await chips.count();
    await page.getByLabel("Show curves of trial 2", { exact: true }).check();
    assert.equal(await chips.count(), before + 1);
    const roc = page.locator("#curves figure").first();
    await roc.scrollIntoViewIfNeeded();
    await roc.locator("svg").waitFor();
    await roc.getByRole("button", { name: "Table" }).click();
    assert.match(await roc.locator("table").innerText(), /\n2\. focal loss/);
    await page.getByLabel("Take away trial 2", { exact: true }).click();
    assert.equal(await chips.count(), before);
    assert.doesNotMatch(await roc.locator("table").innerText(), /\n2\. focal loss/);
  }));

test("the slider moves the threshold from all flagged to none", () =>
  withReport("focal", {}, async (page) => {
    const slider = page.getByRole("slider", { name: "Threshold" });
    const cell = (row, column) =>
      page.locator("#thresholds table.plain tbody tr").nth(row).locator("td").nth(column).innerText();
    await slider.focus();
    await page.keyboard.press("Home");
    assert.equal(await cell(1, 1), "0", "nobody is missed when all are flagged");
    await page.keyboard.press("End");
    assert.equal(await cell(0, 1), "0", "nobody is caught when none is flagged");
    await page.locator("#thresholds").getByRole("button", { name: "0.5", exact: true }).click();
    const winner = JSON.parse(fs.readFileSync(path.join(process.env.RUNS, "focal.json"), "utf8")).winner.metrics;
    assert.ok(Math.abs(number(await cell(1, 1)) - winner.test_fn) < 0.06, "the counts at 0.5 are those of the table");
    assert.ok(Math.abs(number(await cell(2, 1)) - winner.test_fp) < 0.06);
  }));

test("the panel of a trial opens and closes by keyboard", () =>
  withReport("focal", {}, async (page) => {
    await page.getByRole("button", { name: "All figures of trial 3", exact: true }).focus();
    await page.keyboard.press("Enter");
    const panel = page.getByRole("dialog");
    await panel.waitFor();
    assert.match(await panel.innerText(), /Rank 3.*Average precision.*learning_rate/is);
    await page.keyboard.press("Escape");
    await panel.waitFor({ state: "hidden" });
    assert.equal(
      await page.evaluate(() => document.activeElement.getAttribute("aria-label")),
      "All figures of trial 3",
    );
  }));

test("the theme follows the system until one is chosen, which is remembered", () =>
  withReport("focal", { scheme: "dark" }, async (page) => {
    const theme = () =>
      page.evaluate(() => [document.documentElement.dataset.theme, getComputedStyle(document.body).backgroundColor]);
    const [dark, night] = await theme();
    assert.equal(dark, "dark");
    await page.getByRole("button", { name: "Light", exact: true }).click();
    const [light, day] = await theme();
    assert.equal(light, "light");
    assert.notEqual(day, night);
    await page.reload();
    await page.waitForFunction(() => document.documentElement.dataset.ready === "true");
    assert.equal((await theme())[0], "light");
  }));

test("the first key leads past the header, links lead to their sections", () =>
  withReport("focal", {}, async (page) => {
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
    const dead = await page.evaluate(
      () =>
        [...document.querySelectorAll('a[href^="#"]')].filter(
          (link) => !document.querySelector(link.getAttribute("href")),
        ).length,
    );
    assert.equal(dead, 0);
  }));

test("what a data set calls itself is text", () =>
  withReport("failed", {}, async (page) => {
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    assert.ok((await page.locator("#run").innerText()).includes("</script><script>window.hacked = 1</script><b>"));
    assert.match(await page.locator("#trials").innerText(), /Failed/);
  }));

test("the page may load and send nothing, and run no other script", () =>
  withReport("one", {}, async (page, opened) => {
    const policy = await page.locator('meta[http-equiv="Content-Security-Policy"]').getAttribute("content");
    assert.match(policy, /default-src 'none'; script-src 'sha256-[^ ]+' 'sha256-[^ ]+'; /);
    await page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "window.injected = 1";
      document.body.append(script);
    });
    assert.equal(await page.evaluate(() => window.injected), undefined);
    // The browser says that it refused.
    assert.equal(opened.faults.length, 1);
    opened.faults.length = 0;
  }));

const figureCalled = (page, name) => page.locator("figure", { has: page.getByRole("heading", { name, exact: true }) });

/** Rows of a figure's table, as lists of texts. */
const tableOf = async (figure) => {
  await figure.scrollIntoViewIfNeeded();
  await figure.locator(".chart svg, .chart canvas").first().waitFor();
  await figure.getByRole("button", { name: "Table" }).click();
  const rows = await figure
    .locator("table tbody tr")
    .evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.innerText)));
  await figure.getByRole("button", { name: "Table" }).click();
  return rows;
};

test("the best so far rises to the winner, along trials and along seconds", () =>
  withReport("search", {}, async (page) => {
    const { winner, training_seconds: seconds } = JSON.parse(
      fs.readFileSync(path.join(process.env.RUNS, "search.json"), "utf8"),
    );
    const figure = figureCalled(page, "Best so far");
    for (const along of ["Trials", "Seconds of training"]) {
      await figure.getByRole("button", { name: along, exact: true }).press("Enter");
      const rows = await tableOf(figure);
      const best = rows.map((row) => number(row[3]));
      assert.ok(rows.length > 1 && best.every((value, i) => i === 0 || value >= best[i - 1]), String(best));
      const place = rows.map((row) => number(row[along === "Trials" ? 0 : 2]));
      assert.ok(
        place.every((value, i) => i === 0 || value >= place[i - 1]),
        String(place),
      );
      assert.ok(place.at(-1) <= (along === "Trials" ? 80 : seconds + 0.01));
      assert.match(rows.at(-1)[1], /^1\. /);
      for (const [cell, metric] of [
        [3, "val_auc"],
        [4, "test_auc"],
      ])
        assert.ok(Math.abs(number(rows.at(-1)[cell]) - winner.metrics[metric]) < 6e-5, metric);
    }
    assert.match(await figure.locator("figcaption").innerText(), /flattered by chance/);
  }));

test("what mattered is a share of one whole, among all trials and among those that read more", () =>
  withReport("search", {}, async (page) => {
    const figure = figureCalled(page, "Which hyperparameter matters");
    for (const [group, own] of [
      ["0", false],
      ["1", true],
    ]) {
      await figure.getByLabel("Trials", { exact: true }).selectOption(group);
      const rows = await tableOf(figure);
      const names = rows.map(([name]) => name);
      assert.ok(names.includes("learning_rate") && names.includes("alpha") === own, String(names));
      const sum = rows.reduce((sum, [, share]) => sum + number(share), 0);
      assert.ok(Math.abs(sum - 100) < 1, String(sum));
    }
    assert.match(await figure.locator("figcaption").innerText(), /explains \d+ % of the variation/);
    assert.match(await figure.locator(".chart").getAttribute("aria-label"), /learning_rate \d/);
  }));

test("of noise, or of a few trials, there is no order of importance", () =>
  withReport("failed", {}, async (page) => {
    const figure = figureCalled(page, "Which hyperparameter matters");
    await figure.scrollIntoViewIfNeeded();
    await figure.locator(".notice:not([hidden])").waitFor();
    assert.match(await figure.locator(".notice").first().innerText(), /say nothing of what matters/);
    assert.equal(await figure.locator(".chart").isVisible(), false);
  }));

test("rates that were drawn by factors have logarithmic axes", () =>
  withReport("search", {}, async (page) => {
    const slices = figureCalled(page, "Slices");
    await slices.scrollIntoViewIfNeeded();
    await slices.locator(".chart svg").waitFor();
    const texts = await slices.locator(".chart svg text").allTextContents();
    assert.ok(
      ["0.001", "0.01"].every((tick) => texts.includes(tick)),
      texts.join(" "),
    );
    const lines = figureCalled(page, "Parallel coordinates");
    await lines.scrollIntoViewIfNeeded();
    await lines.locator(".chart svg").waitFor();
    const ticks = await lines.locator(".chart svg text").allTextContents();
    assert.ok(
      ["0.001", "0.01"].every((tick) => ticks.includes(tick)),
      ticks.join(" "),
    );
  }));

test("a map of drawn numbers has ranges, and every trial that has both is in one", () =>
  withReport("search", {}, async (page) => {
    const map = figureCalled(page, "ROC AUC");
    const rows = await tableOf(map);
    assert.equal(rows.length, 12);
    assert.ok(
      rows.every((row) => row.length === 13 && /^[\de.-]+–[\de.-]+$/.test(row[0])),
      String(rows[0]),
    );
    assert.ok(rows.flatMap((row) => row.slice(1)).filter((cell) => cell !== "–").length > 10);
  }));
