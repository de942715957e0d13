// The page on paper: whole, in one column.

const { test, before, after } = require("node:test");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const zlib = require("node:zlib");
const { launch, withPage } = require("./page.cjs");

let browser;
before(async () => {
  browser = await launch();
});
after(async () => {
  await browser.close();
});

/** Pages of a PDF, and how many lines and curves its content draws. */
const drawnIn = (pdf) => {
  const bytes = pdf.toString("latin1");
  const pages = bytes.match(/\/Type\s*\/Page\b(?!s)/g)?.length ?? 0;
  let strokes = 0;
  for (const { index, 0: begin } of bytes.matchAll(/stream\r?\n/g)) {
    const from = index + begin.length;
    const end = bytes.indexOf("endstream", from);
    try {
      const text = zlib.inflateSync(pdf.subarray(from, end)).toString("latin1");
      strokes += text.match(/\s[lc]\s/g)?.length ?? 0;
    } catch {
      /* a font, or the "stream" of "endstream" */
    }
  }
  return { pages, strokes };
};

for (const width of [390, 768, 1440]) {
  for (const scheme of ["light", "dark"]) {
    test(`printed from ${width} points, ${scheme}: every plot is there, then the page is as before`, () =>
      withPage(browser, "focal", { width, scheme, folded: true }, async (page) => {
        const look = () =>
          page.evaluate(() => [
            document.documentElement.dataset.theme,
            document.documentElement.className,
            document.querySelectorAll("details.fold[open]").length,
          ]);
        const before = await look();
        const pdf = await page.pdf({ format: "A4", printBackground: true });
        if (process.env.SCREENSHOTS) {
          fs.mkdirSync(process.env.SCREENSHOTS, { recursive: true });
          fs.writeFileSync(path.join(process.env.SCREENSHOTS, `focal-${width}-${scheme}.pdf`), pdf);
        }
        const { pages, strokes } = drawnIn(pdf);
        assert.ok(pages >= 8 && pages <= 45, `${pages} pages`);
        assert.ok(strokes > 6000, `${strokes} lines and curves`);
        assert.deepEqual(await look(), before);
      }));
  }
}

test("on paper there is one column, wholly within the page, light, without buttons", () =>
  withPage(browser, "search", { width: 703, scheme: "dark", folded: true }, async (page) => {
    await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "light");
    assert.equal(await page.locator(".contents:visible, .tools:visible, .controls:visible").count(), 0);
    const figures = await page.locator("figure").evaluateAll((list) =>
      list.map((figure) => {
        const box = figure.getBoundingClientRect();
        const svg = figure.querySelector(".chart svg, .chart canvas")?.getBoundingClientRect();
        return {
          name: figure.querySelector("h3").innerText,
          left: Math.round(box.left),
          right: box.right,
          drawn: svg && svg.width > 300 && svg.right <= box.right + 1,
          said: figure.querySelector(".notice")?.hidden === false,
        };
      }),
    );
    assert.ok(figures.length > 12, `${figures.length}`);
    assert.deepEqual(
      figures.filter(({ drawn, said }) => !drawn && !said),
      [],
    );
    assert.equal(new Set(figures.map(({ left }) => left)).size, 1, JSON.stringify(figures));
    assert.ok(
      figures.every(({ right }) => right <= 703),
      JSON.stringify(figures),
    );
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 703);
  }));
