// What the reader chose: address, folds, the panel of a trial and of two, marks of the maps, notes.

const { test, before, after } = require("node:test");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { launch, ready, withPage, faultsOfAccess, seeAll, picture } = require("./page.cjs");

const RUNS = ["focal", "comparison", "one", "failed", "many", "search"];
const SCREENS = [390, 768, 1440].flatMap((width) => ["light", "dark"].map((scheme) => ({ width, scheme })));
let browser;
before(async () => {
  browser = await launch();
});
after(async () => {
  await browser.close();
});
const withReport = (run, options, act) => withPage(browser, run, options, act);
const json = (run) => JSON.parse(fs.readFileSync(path.join(process.env.RUNS, `${run}.json`), "utf8"));

for (const run of RUNS) {
  test(`${run}: under 8,000 points high, the rest folded; a fold opens by keyboard`, () =>
    withReport(run, { width: 1440, folded: true }, async (page) => {
      await seeAll(page);
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      assert.ok(height < 8000, `${height}`);
      const folds = page.locator("details.fold");
      assert.ok((await folds.count()) >= 3);
      assert.equal(await page.locator("details.fold[open]").count(), 0);
      await page.locator("#run summary").press("Enter");
      await page.getByText("Versions and fingerprints").waitFor();
      await page.getByRole("button", { name: "Open all sections" }).click();
      assert.equal(await page.locator("details.fold[open]").count(), await folds.count());
    }));
}

test("a link to a folded section opens it, and every section has one", () =>
  withReport("focal", { folded: true, address: "#loss" }, async (page) => {
    // Figures above are drawn after the page is ready, and move what is below them.
    await page.locator("#loss details.fold[open]").waitFor();
    await page.waitForFunction(() => {
      const { top } = document.querySelector("#loss").getBoundingClientRect();
      return top > -200 && top < 900;
    });
    // The address changes before the page is told of it.
    await page.locator("#contents").getByRole("link", { name: "The run", exact: true }).click();
    await page.locator("#run details.fold[open]").waitFor();
    const sections = await page.locator("section.part").evaluateAll((parts) => parts.map(({ id }) => id));
    const links = await page
      .locator("a.anchor")
      .evaluateAll((links) => links.map((link) => link.getAttribute("href").slice(1)));
    assert.deepEqual(links, sections);
  }));

test("the address has the trial, sort, filter and threshold, and gives them back", () =>
  withReport("focal", { folded: true }, async (page, { context, faults }) => {
    await page.locator("#filter").fill("gamma>=1");
    await page.locator('#trials-table [data-sort="test_op_fn"]').click();
    await page.waitForFunction(() => /filter=.*sort=|sort=.*filter=/.test(location.hash));
    await page.locator("#thresholds").getByRole("button", { name: "0.5", exact: true }).click();
    await page.locator("#contents").getByRole("link", { name: "All trials" }).click();
    await page.locator("#trials-table button.link").nth(2).click();
    await page.waitForFunction(() => location.hash.includes("trial="));
    const seen = () =>
      page.evaluate(() => ({
        rows: [...document.querySelectorAll("#trials-table tbody tr")].map((row) => row.innerText),
        filter: document.querySelector("#filter").value,
        sorted: document.querySelector('#trials-table th:not([aria-sort="none"])[aria-sort]')?.innerText,
        slider: document.querySelector("#thresholds output").textContent,
        counts: document.querySelector("#thresholds table.plain").innerText,
        dialog: document.querySelector("dialog[open] h2")?.innerText,
      }));
    const before = await seen();
    const address = await page.evaluate(() => location.hash);
    assert.match(address, /^#trials\?/);
    assert.match(before.slider, /0\.5/);
    for (const again of ["reload", "another tab"]) {
      if (again === "reload") {
        await page.reload();
        await ready(page);
        assert.deepEqual(await seen(), before);
      } else {
        const other = await context.newPage();
        await other.goto(page.url());
        await ready(other);
        assert.equal(await other.locator("dialog[open] h2").innerText(), before.dialog);
        assert.equal(await other.evaluate(() => location.hash), address);
      }
    }
    // What was chosen goes out of the address when it is as at first.
    await page.keyboard.press("Escape");
    await page.locator("#filter").fill("");
    await page.waitForFunction(() => !/trial=|filter=/.test(location.hash));
    assert.match(await page.evaluate(() => location.hash), /sort=test_op_fn/);
    faults.splice(0, faults.length, ...faults.filter((fault) => !fault.startsWith("fetched: file:")));
  }));

test("trials that are chosen are in the address; what means nothing in one is left out", async () => {
  await withReport("focal", {}, async (page) => {
    const winner = json("focal").winner.trial_id;
    await page.locator("#contents").getByRole("link", { name: "Curves", exact: true }).click();
    await page.getByRole("button", { name: "Best 5" }).click();
    await page.waitForFunction(() => location.hash.includes("chosen="));
    assert.ok((await page.evaluate(() => location.hash)).includes(winner.slice(0, 8)));
  });
  const bad = "#nowhere?trial=ffffffffff&beside=0&sort=colour&threshold=much&chosen=,,x&page=-4&open=a&columns=b";
  await withReport("focal", { address: bad }, async (page) => {
    assert.equal(await page.locator("dialog[open]").count(), 0);
    assert.equal(await page.locator("#trials-table tbody tr").count(), 25);
  });
});

/** Whether an element lies within its box and the window, sideways. */
const isSeen = (locator) =>
  locator.evaluate((cell) => {
    const box = cell.closest(".scroll").getBoundingClientRect();
    const { left, right, width } = cell.getBoundingClientRect();
    return width > 0 && left >= box.left - 1 && right <= Math.min(box.right, innerWidth) + 1;
  });

for (const { width, scheme } of SCREENS) {
  test(`a trial shows validation and test, and two trials their difference, at ${width} points, ${scheme}`, () =>
    withReport("focal", { width, scheme, folded: true }, async (page) => {
      const { ranking } = json("focal");
      await page.getByRole("button", { name: "All figures of trial 3", exact: true }).click();
      const dialog = page.getByRole("dialog");
      const row = (name) =>
        dialog.locator("table.figures-of tr", { has: page.getByRole("rowheader", { name, exact: true }) });
      for (const cell of [0, 1]) {
        assert.ok(await isSeen(row("ROC AUC").locator("td").nth(cell)), `cell ${cell}`);
        assert.ok(await isSeen(dialog.locator("table.figures-of thead th").nth(cell + 1)), `head ${cell}`);
      }
      const figures = await row("ROC AUC").locator("td").allInnerTexts();
      const { val_auc, test_auc } = ranking[2].metrics;
      assert.ok(Math.abs(Number.parseFloat(figures[0]) - val_auc) < 6e-5, figures[0]);
      assert.ok(Math.abs(Number.parseFloat(figures[1]) - test_auc) < 6e-5, figures[1]);
      assert.deepEqual(await faultsOfAccess(page), []);
      await picture(page, `trial-${width}-${scheme}`);
      const picker = dialog.getByLabel("Set another trial beside it, by rank or name");
      await picker.fill("81");
      await picker.press("Enter");
      const last = ranking[80];
      const difference = row("ROC AUC, test").locator("td").nth(2);
      await difference.waitFor();
      const told = Number.parseFloat((await difference.innerText()).replace("−", "-"));
      assert.ok(Math.abs(told - (test_auc - last.metrics.test_auc)) < 1.1e-4, `${told}`);
      for (const cell of [0, 1, 2])
        assert.ok(await isSeen(row("ROC AUC, test").locator("td").nth(cell)), `cell ${cell} of two`);
      const differ = await dialog.locator("table.figures-of").first().locator("tbody th").allInnerTexts();
      const names = Object.keys(last.parameters).filter(
        (name) => JSON.stringify(last.parameters[name]) !== JSON.stringify(ranking[2].parameters[name]),
      );
      assert.deepEqual(differ.sort(), names.sort());
      assert.deepEqual(await faultsOfAccess(page), []);
      await picture(page, `two-${width}-${scheme}`);
    }));
}

test("names in a plot are of what differs", () =>
  withReport("search", {}, async (page) => {
    const heading = page.getByRole("heading", { name: "Trials with their uncertainty" });
    const figure = page.locator("figure", { has: heading });
    await figure.scrollIntoViewIfNeeded();
    await figure.locator(".chart svg").waitFor();
    const names = (await figure.locator(".chart svg text").allTextContents()).filter((text) => /^\d+\. /.test(text));
    assert.equal(names.length, 25);
    assert.equal(new Set(names.map((name) => name.replace(/^\d+\. /, ""))).size, 25, names.join("\n"));
    assert.ok(names.every((name) => !/loss|batch_size/.test(name)), names.join("\n"));
  }));

test("the outline of a map and its words agree, and colours are quiet where most is tied", () =>
  withReport("focal", {}, async (page) => {
    const { ranking } = json("focal");
    const others = ranking.filter(({ rank }) => rank > 1);
    const tied = others.filter((trial) => trial.tied_with_best).length;
    const words = await page.locator("#maps p.lead").innerText();
    const figure = page.locator("figure", { has: page.getByRole("heading", { name: "ROC AUC", exact: true }) });
    await figure.scrollIntoViewIfNeeded();
    await figure.locator(".chart svg").waitFor();
    const outlined = await figure.locator(".chart svg path").evaluateAll((paths) => {
      const ink = getComputedStyle(document.documentElement).getPropertyValue("--outline").trim();
      return paths.filter((path) => path.getAttribute("stroke") === ink).length;
    });
    if (tied === others.length) {
      assert.match(words, /none is outlined/);
      assert.equal(outlined, 0);
    } else if (tied * 2 > others.length) {
      assert.match(words, /Outlined cells can be told from the winner/);
      assert.equal(outlined, others.length - tied);
    } else {
      assert.match(words, /Outlined cells cannot be told from the winner/);
      // The winner is tied with itself.
      assert.equal(outlined, tied + 1);
    }
    if (tied * 2 > others.length) {
      const values = ranking.map(({ metrics }) => metrics.val_auc);
      const errors = ranking.map(({ standard_errors: errors }) => errors.val_auc).sort((a, b) => a - b);
      const least = Math.max(Math.max(...values) - Math.min(...values), 4 * errors[40]);
      const texts = await figure.locator(".chart svg text").allTextContents();
      const ends = texts.filter((text) => /^0\.\d{4}$/.test(text)).map(Number).sort((a, b) => a - b);
      assert.ok(Math.abs(ends.at(-1) - ends[0] - least) < 3e-4, `${ends} for ${least}`);
    }
  }));

test("notes are shown as elements, and nothing in them runs", () =>
  withReport("focal", {}, async (page) => {
    const notes = page.locator("#notes");
    assert.equal(await notes.getByRole("heading", { name: "Why this sweep" }).evaluate((h) => h.tagName), "H3");
    assert.equal(await notes.locator("em").innerText(), "old");
    assert.equal(await notes.locator("li code").innerText(), "gamma");
    assert.deepEqual(
      await notes.locator(".notes a").evaluateAll((links) => links.map((link) => link.getAttribute("href"))),
      ["https://example.org/17"],
    );
    assert.equal(await notes.locator("b, script").count(), 0);
    assert.match(await notes.innerText(), /<b onclick.*<script>window\.hacked = 1<\/script>/s);
    assert.equal(await page.evaluate(() => window.hacked), undefined);
  }));
