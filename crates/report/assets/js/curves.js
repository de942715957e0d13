// ROC and precision-recall curves of the chosen trials.

/** Lines with bands for the chosen trials; `pick(detail)` gives curves with the look of each. */
const curveSeries = (pick, { bands, step }) => {
  const series = [];
  for (const trial of chosenTrials()) {
    for (const { curve, dash, opacity } of pick(detailOf.get(trial))) {
      const shade = chosenColour(trial);
      const points = curve.x.map((x, i) => [x, curve.y[i]]);
      if (bands && curve.low.length) {
        const corners = [
          ...curve.x.map((x, i) => [x, curve.high[i]]),
          ...curve.x.map((x, i) => [x, curve.low[i]]).reverse(),
        ];
        series.push({
          type: "custom",
          silent: true,
          name: trialName(trial),
          data: [0],
          clip: true,
          z: 1,
          tooltip: { show: false },
          renderItem: (_, api) => ({
            type: "polygon",
            shape: { points: corners.map((corner) => api.coord(corner)) },
            style: { fill: shade, opacity: 0.12 },
          }),
        });
      }
      series.push({
        type: "line",
        name: trialName(trial),
        trial,
        split: curve.split,
        data: points,
        showSymbol: false,
        symbolSize: 6,
        step: step ?? false,
        z: 3,
        sampling: "none",
        lineStyle: { color: shade, width: 2, type: dash ?? chosenDash(trial), opacity: opacity ?? 1 },
        itemStyle: { color: shade },
        emphasis: { lineStyle: { width: 2.5 } },
      });
    }
  }
  return series;
};

const curveTable = (pick, x, y) => {
  const rows = [];
  for (const trial of chosenTrials()) {
    for (const { curve } of pick(detailOf.get(trial))) {
      const every = Math.max(1, Math.floor(curve.x.length / 20));
      curve.x.forEach((value, i) => {
        if (i % every === 0 || i === curve.x.length - 1)
          rows.push([`${trialName(trial)}, ${splitWords[curve.split]}`, percent(value, 2), percent(curve.y[i], 2)]);
      });
    }
  }
  return { head: ["curve", x, y], rows };
};

const capitalised = (word) => `${word[0].toUpperCase()}${word.slice(1)}`;
const share = { axisLabel: { formatter: (value) => `${Number((value * 100).toFixed(4))} %` } };
const NONE_CHOSEN = "No trial is chosen: tick one in the table, or take a suggestion above.";

const curveTip = (x, y) => ({
  trigger: "item",
  formatter: ({ seriesName, data: point, color, seriesIndex }) =>
    tip(
      seriesName,
      [
        [x, percent(point[0], 2)],
        [y, percent(point[1], 2)],
      ],
      color,
    ),
});

const drawCurves = () => {
  const view = { split: "test", bands: true, zoom: "published" };
  const zooms = { published: [0.2, 0.8, 0.05], five: [0.05, 0, 0.01], one: [0.01, 0, 0.002] };
  const has = (split) => data.details.some((detail) => detail.roc.some((curve) => curve.split === split));
  const splits = ["val", "test", "train"].filter(has);
  if (!splits.length) {
    const why = ranking.weight
      ? `Rows count by ${ranking.weight}, and curves of scores would count each once: there are none.`
      : "The scores of these trials were not kept (scores: none), so there are no curves.";
    return part("curves", "Curves", null, el("p", { class: "notice" }, why));
  }
  const of = (kind) => (detail) =>
    detail[kind].filter((curve) => curve.split === view.split).map((curve) => ({ curve }));
  const several = ranking.replicates > 1;
  const recallBands = several
    ? "Lines are means of the replicates' curves at each recall; bands reach from the lowest replicate to the highest."
    : "One replicate, so there is no band.";
  const roc = figure({
    title: "ROC",
    on: ["chosen"],
    draw: ({ width }) => {
      const series = curveSeries(of("roc"), { bands: view.bands });
      if (!series.length) return { empty: NONE_CHOSEN };
      return {
        height: Math.min(460, Math.max(300, width * 0.8)),
        caption: `${capitalised(splitWords[view.split])} rows. ${ranking.roc_bands} The diagonal is chance.`,
        summary: `ROC curves of ${chosenTrials().length} trials.`,
        option: {
          grid: { left: 62, right: 16, top: 10, bottom: 50 },
          tooltip: curveTip("false-positive rate", "true-positive rate"),
          xAxis: axis("false-positive rate", { type: "value", min: 0, max: 1, ...share }),
          yAxis: axis("true-positive rate", { type: "value", min: 0, max: 1, nameGap: 46, ...share }),
          series: [
            ...series,
            {
              type: "line",
              silent: true,
              data: [
                [0, 0],
                [1, 1],
              ],
              showSymbol: false,
              lineStyle: { color: colour("line-strong"), type: "dashed", width: 1 },
              tooltip: { show: false },
            },
          ],
        },
        table: curveTable(of("roc"), "false-positive rate", "true-positive rate"),
      };
    },
  });
  const zoomPick = (detail) =>
    detail.roc
      .filter((curve) => curve.split !== "val")
      .map((curve) => ({
        curve,
        dash: curve.split === "train" ? [5, 4] : "solid",
        opacity: curve.split === "train" ? 0.8 : 1,
      }));
  const zoom = figure({
    title: "ROC, zoomed in",
    on: ["chosen"],
    controls: [
      segments(
        "Zoom",
        [
          ["published", "Published: 20 %"],
          ["five", "5 %"],
          ["one", "1 %"],
        ],
        view.zoom,
        (value) => {
          view.zoom = value;
          zoom.redraw();
        },
      ),
    ],
    draw: ({ width }) => {
      const series = curveSeries(zoomPick, { bands: view.bands });
      if (!series.length) return { empty: NONE_CHOSEN };
      const [xMax, yMin, step] = zooms[view.zoom];
      const range =
        view.zoom === "published"
          ? "False-positive rates up to 20 %, true-positive rates from 80 %, as the published figure shows them."
          : `False-positive rates up to ${percent(xMax, 0)}.`;
      return {
        height: Math.min(460, Math.max(300, width * 0.8)),
        caption: `${range} Solid: test rows${splits.includes("train") ? "; dashed: training rows." : "."}`,
        summary: `ROC curves of ${chosenTrials().length} trials where few negatives are flagged.`,
        option: {
          grid: { left: 62, right: 16, top: 10, bottom: 50 },
          tooltip: curveTip("false-positive rate", "true-positive rate"),
          xAxis: axis("false-positive rate", { type: "value", min: 0, max: xMax, interval: step, ...share }),
          yAxis: axis("true-positive rate", {
            type: "value",
            min: yMin,
            max: 1,
            interval: yMin ? 0.05 : 0.2,
            nameGap: 46,
            ...share,
          }),
          series: series.map((one) => ({ ...one, clip: true })),
        },
        table: curveTable(zoomPick, "false-positive rate", "true-positive rate"),
      };
    },
  });
  const precisionRecall = figure({
    title: "Precision and recall",
    on: ["chosen"],
    draw: ({ width }) => {
      const series = curveSeries(of("precision_recall"), { bands: view.bands });
      if (!series.length)
        return {
          empty: view.split === "train" ? "There are no precision-recall curves of the training rows." : NONE_CHOSEN,
        };
      const counts = detailOf.get(chosenTrials()[0])?.thresholds;
      const at = view.split === "val" ? 0 : 1;
      const prevalence = counts ? counts.positives[at] / (counts.positives[at] + counts.negatives[at]) : null;
      const chance = prevalence ? ` Chance is the share of positives, ${percent(prevalence, 2)}.` : "";
      return {
        height: Math.min(460, Math.max(300, width * 0.8)),
        caption: `${view.split === "val" ? "Validation" : "Test"} rows. ${recallBands}${chance}`,
        summary: `Precision-recall curves of ${chosenTrials().length} trials.`,
        option: {
          grid: { left: 62, right: 16, top: 10, bottom: 50 },
          tooltip: curveTip("recall", "precision"),
          xAxis: axis("recall", { type: "value", min: 0, max: 1, ...share }),
          yAxis: axis("precision", { type: "value", min: 0, max: 1, nameGap: 46, ...share }),
          series: [
            ...series,
            ...(prevalence
              ? [
                  {
                    type: "line",
                    silent: true,
                    data: [
                      [0, prevalence],
                      [1, prevalence],
                    ],
                    showSymbol: false,
                    lineStyle: { color: colour("line-strong"), type: "dashed", width: 1 },
                  },
                ]
              : []),
          ],
        },
        table: curveTable(of("precision_recall"), "recall", "precision"),
      };
    },
  });
  const redraw = () => [roc, zoom, precisionRecall].forEach((one) => one.redraw());
  part(
    "curves",
    "Curves",
    "How well scores separate the classes at every threshold. Move over a line for its figures.",
    el(
      "div",
      { class: "bar" },
      segments(
        "Rows of the curves",
        splits.map((split) => [split, { val: "Validation", test: "Test", train: "Training" }[split]]),
        view.split,
        (split) => {
          view.split = split;
          redraw();
        },
      ),
      checkField("bands", true, (on) => {
        view.bands = on;
        redraw();
      }),
    ),
    el("div", { class: "grid three" }, roc, zoom, precisionRecall),
  );
};
