// The loss itself: figures 1 and 4 of Lin et al. 2017.

const gammaColours = (n) =>
  Array.from({ length: n }, (_, i) => {
    const list = isDark()
      ? ["#a7b4c9", "#8fb8de", "#5fc0c9", "#6fcf97", "#c9d267", "#f0b85a", "#f08a6a"]
      : ["#3d4653", "#2f5f9e", "#0d7f8c", "#2a8a4a", "#7d7a00", "#b06a00", "#b8432a"];
    return list[Math.round((i * (list.length - 1)) / Math.max(1, n - 1))];
  });

const drawLosses = () => {
  const { gammas, p_t, loss, share: shares, positives, negatives } = data.losses;
  if (!gammas.length) return;
  const name = (gamma) => (gamma === 0 ? "γ = 0 (CE)" : `γ = ${gamma}`);
  const lines = (curves, xs) => {
    const shades = gammaColours(gammas.length);
    return gammas.map((gamma, i) => ({
      type: "line",
      name: name(gamma),
      data: xs.map((x, k) => [x, curves[i][k]]),
      showSymbol: false,
      symbolSize: 5,
      lineStyle: { color: shades[i], width: 2, type: gamma === 0 ? [6, 4] : "solid" },
      itemStyle: { color: shades[i] },
    }));
  };
  const table = (curves, xs, head) => {
    const every = xs.map((_, k) => k).filter((k) => k % 10 === 0 || k === xs.length - 1);
    return {
      head: [head, ...gammas.map(name)],
      rows: every.map((k) => [axisNumber(xs[k]), ...gammas.map((_, i) => curves[i][k].toFixed(4))]),
    };
  };
  const shape = figure({
    title: "Loss of a row by how well it is classified",
    caption:
      "Figure 1 of Lin et al. 2017 for the swept γ, without α. The greater γ, the less a row counts that has a " +
      "high score for its own class.",
    draw: () => ({
      height: 360,
      summary: "Focal loss falls with the probability of the true class; greater gamma falls faster.",
      option: {
        grid: { left: 52, right: 16, top: 56, bottom: 48 },
        legend: { top: 0, type: "plain" },
        tooltip: {
          trigger: "axis",
          formatter: (items) =>
            tip(
              `p_t = ${items[0].value[0]}`,
              items.map((item) => [item.seriesName, item.value[1].toFixed(4)]),
            ),
        },
        xAxis: axis("probability given to the true class, p_t", { type: "value", min: 0, max: 1 }),
        yAxis: axis("loss", { type: "value", max: 5, nameGap: 34 }),
        series: lines(loss, p_t),
      },
      table: table(loss, p_t, "p_t"),
    }),
  });
  const cumulative = (title, curves, what, caption) =>
    figure({
      title,
      caption,
      draw: () => ({
        height: 360,
        summary: `Cumulative share of the loss over ${what}.`,
        option: {
          grid: { left: 62, right: 16, top: 56, bottom: 48 },
          legend: { top: 0, type: "plain" },
          tooltip: {
            trigger: "axis",
            formatter: (items) =>
              tip(
                `the easiest ${percent(items[0].value[0], 0)} of the ${what} have`,
                items.map((item) => [item.seriesName, `${percent(item.value[1], 1)} of the loss`]),
              ),
          },
          xAxis: axis(`share of the ${what}, easiest first`, { type: "value", min: 0, max: 1, ...share }),
          yAxis: axis("share of their loss", { type: "value", min: 0, max: 1, nameGap: 46, ...share }),
          series: lines(curves, shares),
        },
        table: table(curves, shares, `share of the ${what}`),
      }),
    });
  part(
    "loss",
    "The loss itself",
    "What α and γ do: γ turns down the rows that are easy already, α weighs the two classes against each other.",
    el(
      "div",
      { class: "grid three" },
      shape,
      positives.length
        ? cumulative(
            "Where the loss of the positives lies",
            positives,
            "positives",
            "Figure 4 of Lin et al. 2017, from the winner's test scores: rows in the order of their loss, and " +
              "the share of the whole loss that they have together.",
          )
        : null,
      negatives.length
        ? cumulative(
            "Where the loss of the negatives lies",
            negatives,
            "negatives",
            "The same for the negatives. The lower the curve, the more the loss is about the few hard rows: " +
              "that is what γ is for.",
          )
        : null,
    ),
  );
};
