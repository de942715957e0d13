// The answer: winner, how sure, at what price, beside plain cross-entropy; and what to know before believing it.

const drawTop = () => {
  const state = run.state === "finished" ? "" : `, ${run.state}`;
  const replicates = ranking.replicates === 1 ? "1 replicate" : `${ranking.replicates} replicates`;
  byId("top").append(
    el(
      "div",
      {},
      el("h1", {}, run.name),
      el(
        "p",
        { class: "about" },
        `${ranking.all === 1 ? "1 trial" : `${ranking.all.toLocaleString("en")} trials`} of ${replicates}${state} · ` +
          `${run.started_at.replace("T", " ").replace("Z", " UTC")}`,
      ),
    ),
    themeSwitch(),
  );
  const banner = soFarBanner();
  if (banner) byId("top").after(banner);
  byId("foot").append(
    `Written by ${run.program}. Plots by Apache ECharts (Apache License 2.0). This page is whole in itself: ` +
      "nothing is fetched.",
  );
};

const comparisonTable = (title, { columns: heads, rows, note }, className = "") =>
  el(
    "div",
    {},
    el("h3", {}, title),
    el(
      "div",
      { class: "scroll bare", tabindex: "0", role: "region", "aria-label": title },
      el(
        "table",
        { class: `plain ${className}` },
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            heads.map((head) => el("th", { scope: "col" }, head || el("span", { class: "visually-hidden" }, "Metric"))),
          ),
        ),
        el(
          "tbody",
          {},
          rows.map(([name, cells]) =>
            el(
              "tr",
              {},
              el("th", { scope: "row" }, name),
              cells.map((cell) => {
                const [figure, test] = cell.split("\n");
                return el("td", {}, figure, test ? el("small", {}, test) : null);
              }),
            ),
          ),
        ),
      ),
    ),
    el("p", { class: "small" }, note),
  );

const drawHeadline = () => {
  const { winner, sure, price, tiles } = data.headline;
  const body =
    winner === null
      ? [el("p", {}, "No trial has any metrics, so there is no answer. The table says why each failed.")]
      : [
          el("p", { class: "eyebrow" }, `Best on ${splitWords[ranking.on]}`),
          el("p", { class: "winner" }, winner, " ", el("span", { class: "mono" }, trials.id[ranking.winner])),
          el(
            "dl",
            { class: "tiles" },
            tiles.map((tile) =>
              el(
                "div",
                { class: "tile" },
                el("dt", {}, tile.label),
                el("dd", {}, tile.value, tile.note ? el("small", {}, tile.note) : null),
              ),
            ),
          ),
          el(
            "div",
            { class: "columns" },
            el(
              "div",
              { class: "prose stack" },
              el(
                "div",
                {},
                el("h3", {}, "What it buys, and how sure that is"),
                sure.map((sentence) => el("p", {}, sentence)),
              ),
              price.length
                ? el(
                    "div",
                    {},
                    el("h3", {}, "At what price"),
                    price.map((sentence) => el("p", {}, sentence)),
                  )
                : null,
              el(
                "div",
                { class: "controls" },
                el("button", { type: "button", onclick: () => showTrial(ranking.winner) }, "All figures of the winner"),
              ),
            ),
            data.comparison ? comparisonTable("Against plain cross-entropy", data.comparison) : null,
          ),
          data.methods ? comparisonTable("Losses and samplings", data.methods, "methods") : null,
        ];
  const warnings = data.warnings.length
    ? el(
        "div",
        { class: "warnings", role: "note", "aria-label": "Warnings" },
        el(
          "h3",
          {},
          data.warnings.length === 1
            ? "Before you believe it"
            : `Before you believe it: ${data.warnings.length} warnings`,
        ),
        el(
          "ul",
          {},
          data.warnings.map((warning) => el("li", {}, warning)),
        ),
      )
    : null;
  part(
    "answer",
    "The answer",
    null,
    el("div", { class: "stack" }, el("div", { class: "card answer" }, body), warnings),
  );
};
