// Whether a score of 0.3 means 30 %: focal loss is no proper loss, so its scores need recalibration before they decide
// costs.

const drawCalibration = () => {
  if (!data.details.some((detail) => detail.calibration)) return;
  const figures = el("div", {});
  const kindName = { raw: "as trained", platt: "Platt", isotonic: "isotonic", closed_form: "as the loss means them" };
  const diagram = figure({
    title: "Reliability",
    on: ["focus"],
    caption:
      "Test rows of all replicates in bins of equally many rows. On the diagonal a score is the share of " +
      "positives. Platt scaling and isotonic regression are fitted on the validation rows; what focal loss and " +
      "class weights mean by a score follows from their formula. Both axes are logarithmic; a bin without positives lies on the lower edge.",
    draw: ({ width }) => {
      const calibration = detailOf.get(state.focus)?.calibration;
      if (!calibration) return { empty: NONE_CHOSEN };
      const points = calibration.kinds
        .flatMap((kind) => kind.bins.flatMap(([score, observed]) => [score, observed]))
        .filter((value) => value > 0);
      const least = 10 ** Math.floor(Math.log10(Math.max(1e-5, Math.min(...points))));
      const safe = (value) => Math.max(value, least);
      const look = {
        raw: ["circle", "solid"],
        platt: ["diamond", "dashed"],
        isotonic: ["rect", "dotted"],
        closed_form: ["triangle", "solid"],
      };
      return {
        height: Math.min(440, Math.max(300, width * 0.8)),
        summary: calibration.kinds
          .map((kind) => `${kindName[kind.name]}: expected calibration error ${kind.ece ?? NOTHING}`)
          .join("; "),
        option: {
          grid: { left: 66, right: 18, top: 34, bottom: 50 },
          legend: { top: 0, left: 56, itemHeight: 10 },
          tooltip: {
            formatter: ({ seriesName, data: point, color }) =>
              tip(
                seriesName,
                [
                  ["mean score", percent(point.value[0], 2)],
                  ["share of positives", percent(point.observed, 2)],
                  ["rows", point.rows.toLocaleString("en")],
                ],
                color,
              ),
          },
          xAxis: axis("mean score of the bin", {
            type: "log",
            min: least,
            max: 1,
            axisLabel: { formatter: (value) => `${Number((value * 100).toPrecision(3))} %` },
          }),
          yAxis: axis("share of positives", {
            type: "log",
            min: least,
            max: 1,
            nameGap: 50,
            axisLabel: { formatter: (value) => `${Number((value * 100).toPrecision(3))} %` },
          }),
          series: [
            ...calibration.kinds.map((kind, i) => ({
              type: "line",
              name: kindName[kind.name],
              symbol: look[kind.name][0],
              symbolSize: 8,
              lineStyle: { type: look[kind.name][1], color: categorical()[i], width: 2 },
              itemStyle: { color: categorical()[i] },
              data: kind.bins.map(([score, observed, rows]) => ({
                value: [safe(score), safe(observed)],
                observed,
                rows,
              })),
            })),
            {
              type: "line",
              silent: true,
              data: [
                [least, least],
                [1, 1],
              ],
              showSymbol: false,
              lineStyle: { color: colour("line-strong"), type: "dashed", width: 1 },
            },
          ],
        },
        table: {
          head: ["scores", "mean score", "share of positives", "rows"],
          rows: calibration.kinds.flatMap((kind) =>
            kind.bins.map(([score, observed, rows]) => [
              kindName[kind.name],
              percent(score, 2),
              percent(observed, 2),
              String(rows),
            ]),
          ),
        },
      };
    },
  });
  const draw = () => {
    const calibration = detailOf.get(state.focus)?.calibration;
    figures.replaceChildren(
      calibration
        ? plainTable(
            ["Scores", "expected calibration error", "Brier score"],
            calibration.kinds.map((kind) => [
              kindName[kind.name],
              kind.ece?.toFixed(4) ?? NOTHING,
              kind.brier?.toFixed(4) ?? NOTHING,
            ]),
            "Calibration before and after",
            "plain",
          )
        : el("p", { class: "notice" }, NONE_CHOSEN),
    );
  };
  listen(["focus"], draw);
  draw();
  part(
    "calibration",
    "Calibration",
    "Whether a score of 0.3 means 30 %. Focal loss is not a proper loss: its scores order rows but are no " +
      "probabilities, so recalibrate them before costs are weighed against them.",
    el("div", { class: "bar" }, focusPicker()),
    el(
      "div",
      { class: "grid", style: "align-items:start" },
      diagram,
      el(
        "div",
        { class: "card" },
        el("h3", { style: "margin-bottom:.6rem" }, "Before and after"),
        figures,
        el(
          "p",
          { style: "font-size:.85rem;color:var(--ink-soft);margin-top:.7rem" },
          "Test rows, means over the replicates; less is better in both.",
        ),
      ),
    ),
  );
};
