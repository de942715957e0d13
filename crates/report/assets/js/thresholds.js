// The price of a threshold: a slider over counts, confusion matrices, and how the scores are spread.

const confusionTable = (title, counts) => {
  const { tp, fp, tn, fn } = counts;
  const cell = (value, name, whole, className) =>
    el(
      "td",
      { class: className },
      formatCount(value),
      el("small", {}, name),
      whole ? el("small", {}, percent(value / whole)) : null,
    );
  return el(
    "div",
    {},
    el("h4", { style: "margin:0 0 .3rem;font-size:.88rem;font-weight:600" }, title),
    [tp, fp, tn, fn].includes(null)
      ? el("p", { class: "notice" }, "Not defined for this trial.")
      : el(
          "table",
          { class: "matrix" },
          el(
            "thead",
            {},
            el(
              "tr",
              {},
              el("td", { style: "background:none" }),
              el("th", { scope: "col" }, "flagged"),
              el("th", { scope: "col" }, "not flagged"),
            ),
          ),
          el(
            "tbody",
            {},
            el(
              "tr",
              {},
              el("th", { scope: "row" }, "positive"),
              cell(tp, "TP, caught", tp + fn, "hit"),
              cell(fn, "FN, missed", tp + fn, "miss"),
            ),
            el(
              "tr",
              {},
              el("th", { scope: "row" }, "negative"),
              cell(fp, "FP, false alarms", fp + tn, "miss"),
              cell(tn, "TN, left alone", fp + tn, "hit"),
            ),
          ),
        ),
  );
};

const focusPicker = () => {
  const host = el("span", {});
  const draw = () =>
    host.replaceChildren(
      chosenTrials().length
        ? selectField(
            "Trial",
            [...namesOf(chosenTrials())],
            state.focus,
            (value) => setFocus(Number(value)),
          )
        : "",
    );
  listen(["chosen", "focus"], draw);
  draw();
  return host;
};

/** What the address of the page keeps of the slider; filled when there is one. */
const thresholdView = { shown: () => null, move: () => {} };

const drawThresholds = () => {
  if (!data.details.some((detail) => detail.thresholds)) return;
  const view = { at: null };
  const slider = el("input", { type: "range", min: "0", max: "1", step: "1", "aria-label": "Threshold" });
  const output = el("output", {});
  const counts = el("div", {});
  const matrices = el("div", { class: "grid four" });
  const of = () => detailOf.get(state.focus)?.thresholds ?? null;
  const nearest = (list, value) =>
    list.reduce((best, t, i) => (Math.abs(t - value) < Math.abs(list[best] - value) ? i : best), 0);

  const histogram = figure({
    title: "Scores by class",
    on: ["focus"],
    draw: ({ width }) => {
      const bars = detailOf.get(state.focus)?.histogram;
      if (!bars) return { empty: NONE_CHOSEN };
      const t = of();
      const total = (list) => list.reduce((sum, n) => sum + n, 0);
      const shareOf = (list) =>
        list.map((n, i) => [bars.low + (i + 0.5) * bars.width, n ? (n / total(list)) * 100 : null]);
      const lines = [
        ["0.5", 0.5],
        ["operating point", mean("threshold", state.focus)],
        ["slider", t?.threshold[view.at] ?? null],
      ].filter(([, value]) => value !== null);
      const shares = [bars.negatives, bars.positives].flatMap((list) =>
        list.filter(Boolean).map((n) => (n / total(list)) * 100),
      );
      const floor = 10 ** Math.floor(Math.log10(Math.min(...shares) * 0.7));
      const high = bars.low + bars.width * bars.positives.length;
      const bar = (name, list, fill) => ({
        type: "bar",
        name,
        data: shareOf(list),
        barWidth: Math.max(1.5, (width - 80) / bars.positives.length - 1),
        barGap: "-100%",
        itemStyle: { color: fill, opacity: 0.55 },
        emphasis: { disabled: false },
      });
      return {
        height: 300,
        caption:
          "Test rows of all replicates; each class sums to 100 %, on a logarithmic scale, " +
          `so that the rare end can be seen. ${formatCount(total(bars.positives))} positives against ` +
          `${total(bars.negatives).toLocaleString("en")} negatives.`,
        summary: "Histogram of the scores of positives and negatives with the thresholds.",
        option: {
          grid: { left: 62, right: 16, top: 46, bottom: 46 },
          legend: { top: 0, left: 56, itemHeight: 10 },
          tooltip: {
            trigger: "axis",
            axisPointer: { type: "shadow" },
            formatter: (items) =>
              tip(
                `Scores about ${items[0].value[0].toFixed(3)}`,
                items
                  .filter((item) => item.value[1] !== null)
                  .map((item) => [item.seriesName, `${item.value[1].toPrecision(3)} %`]),
              ),
          },
          xAxis: axis("score", {
            type: "value",
            min: bars.low,
            max: Math.max(high, 0.5),
            splitLine: { show: false },
            axisLabel: { formatter: axisNumber },
          }),
          yAxis: axis("share of the class", {
            type: "log",
            min: floor,
            max: 100,
            startValue: floor,
            nameGap: 48,
            axisLabel: { formatter: (value) => `${axisNumber(value)} %` },
          }),
          series: [
            bar("negatives", bars.negatives, categorical()[0]),
            bar("positives", bars.positives, categorical()[1]),
            {
              type: "line",
              data: [],
              markLine: {
                silent: true,
                symbol: "none",
                animation: false,
                data: lines.map(([name, value]) => ({
                  xAxis: value,
                  name,
                  lineStyle: {
                    color: name === "slider" ? colour("accent") : colour("ink"),
                    type: name === "0.5" ? "dotted" : name === "slider" ? "solid" : "dashed",
                    width: 1.5,
                  },
                  label: {
                    show: name !== "slider",
                    formatter: name,
                    color: colour("ink-soft"),
                    fontSize: 11,
                    position: "end",
                    align: value > bars.low + 0.75 * (Math.max(high, 0.5) - bars.low) ? "right" : "left",
                  },
                })),
              },
            },
          ],
        },
        table: {
          head: ["scores from", "to", "positives", "negatives"],
          rows: bars.positives.map((n, i) => [
            (bars.low + i * bars.width).toFixed(3),
            (bars.low + (i + 1) * bars.width).toFixed(3),
            formatCount(n),
            formatCount(bars.negatives[i]),
          ]),
        },
      };
    },
  });

  const drawCounts = () => {
    const t = of();
    slider.disabled = !t;
    if (!t) {
      output.textContent = NOTHING;
      counts.replaceChildren(el("p", { class: "notice" }, NONE_CHOSEN));
      return;
    }
    const at = view.at;
    output.textContent = `threshold ${axisNumber(t.threshold[at])}`;
    slider.setAttribute("aria-valuetext", `threshold ${axisNumber(t.threshold[at])}`);
    const columnsOf = [0, 1].map((split) => {
      const [tp, fp, positives, negatives] = [t.tp[split][at], t.fp[split][at], t.positives[split], t.negatives[split]];
      const rows = positives + negatives;
      return [
        formatCount(tp),
        formatCount(positives - tp),
        formatCount(fp),
        percent(t.recall[split][at]),
        percent(t.precision[split][at]),
        percent(fp / negatives, 2),
        ((1000 * (tp + fp)) / rows).toFixed(1),
      ];
    });
    const names = [
      "caught (TP)",
      "missed (FN)",
      "false alarms (FP)",
      "recall",
      "precision",
      "false-positive rate",
      "flagged per 1,000 rows",
    ];
    counts.replaceChildren(
      plainTable(
        ["", "validation", "test"],
        names.map((name, i) => [name, columnsOf[0][i], columnsOf[1][i]]),
        "Counts at the threshold of the slider",
        "plain",
      ),
    );
  };
  const drawMatrices = () => {
    const trial = state.focus;
    if (trial === null) {
      matrices.replaceChildren();
      return;
    }
    const at = (prefix) =>
      Object.fromEntries(["tp", "fp", "tn", "fn"].map((name) => [name, mean(`${prefix}${name}`, trial)]));
    matrices.replaceChildren(
      ...[
        ["Test, at 0.5", "test_"],
        ["Test, operating point", "test_op_"],
        ["Validation, at 0.5", "val_"],
        ["Validation, operating point", "val_op_"],
      ].map(([title, prefix]) => confusionTable(title, at(prefix))),
    );
  };
  const reset = () => {
    const t = of();
    if (t) {
      slider.max = String(t.threshold.length - 1);
      view.at = nearest(t.threshold, mean("threshold", state.focus) ?? 0.5);
      slider.value = String(view.at);
    }
    drawCounts();
    drawMatrices();
  };
  const moveTo = (at) => {
    view.at = at;
    slider.value = String(at);
    drawCounts();
    histogram.redraw();
    saveAddress();
  };
  slider.addEventListener("input", () => moveTo(Number(slider.value)));
  const operatingPoint = () => nearest(of().threshold, mean("threshold", state.focus) ?? 0.5);
  Object.assign(thresholdView, {
    /** The threshold as a text; null at the operating point, where the slider stands at first. */
    shown: () =>
      !of() || view.at === null || view.at === operatingPoint() ? null : String(of().threshold[view.at]),
    move: (value) => {
      if (of() && Number.isFinite(value)) moveTo(nearest(of().threshold, value));
    },
  });
  const jump = (text, value) =>
    el(
      "button",
      {
        type: "button",
        onclick: () => {
          const t = of();
          if (!t || value() === null) return;
          moveTo(nearest(t.threshold, value()));
        },
      },
      text,
    );
  listeners.focus.unshift(reset);
  reset();
  part(
    "thresholds",
    "The price of a threshold",
    "Who is flagged is a choice made after training. Move the threshold and see what it catches and costs, " +
      "without training anything again.",
    el("div", { class: "bar" }, focusPicker()),
    el(
      "div",
      { class: "grid" },
      el(
        "div",
        { class: "card" },
        el("h3", { style: "margin-bottom:.5rem" }, "Move the threshold"),
        el("div", { class: "slider" }, output, slider),
        el(
          "div",
          { class: "controls", style: "margin-bottom:.7rem" },
          jump("0.5", () => 0.5),
          jump("Operating point", () => mean("threshold", state.focus)),
        ),
        el("div", { "aria-live": "polite" }, counts),
        el(
          "p",
          { style: "font-size:.85rem;color:var(--ink-soft);margin-top:.6rem" },
          "Means over the replicates, with the same threshold in each. The operating point of the tables has a " +
            "threshold of its own in each replicate.",
        ),
      ),
      histogram,
    ),
    el(
      "div",
      { class: "card", style: "margin-top:1rem" },
      el("h3", { style: "margin-bottom:.7rem" }, "Confusion matrices"),
      matrices,
      el(
        "p",
        { style: "font-size:.85rem;color:var(--ink-soft);margin-top:.7rem" },
        "Means over the replicates, at 0.5 and at the operating point, whose threshold was chosen on the " +
          "validation rows of each replicate.",
      ),
    ),
  );
};
