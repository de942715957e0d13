// Losses and AUC by epoch.

const historyFigure = (title, caption, lines, { scale = true, log = false, last = null } = {}) =>
  figure({
    title, caption, on: ["chosen"],
    draw: () => {
      const series = [];
      const rows = [];
      for (const trial of chosenTrials()) {
        for (const history of detailOf.get(trial)?.history ?? []) {
          for (const { key, dash, name } of lines) {
            const values = last ? history[key].slice(0, last) : history[key];
            const best = mean("best_epoch", trial);
            series.push({
              type: "line", name: trialName(trial), what: name, replicate: history.replicate, data: values.map((value, i) => [i + 1, value]), showSymbol: false, symbolSize: 5, connectNulls: false,
              lineStyle: { color: chosenColour(trial), width: 1.4, type: dash, opacity: 0.85 }, itemStyle: { color: chosenColour(trial) },
              tooltip: { formatter: ({ data: [epoch, value], color }) => tip(trialName(trial), [[`${name}, replicate ${history.replicate}`, value.toPrecision(5)], ["epoch", epoch], best === null ? null : ["best epoch (mean)", formatCount(best)]].filter(Boolean), color) },
            });
            values.forEach((value, i) => rows.push([`${trialName(trial)}, replicate ${history.replicate}, ${name}`, String(i + 1), value === null ? NOTHING : value.toPrecision(5)]));
          }
        }
      }
      if (!series.length) return { empty: chosenTrials().length ? "No epochs were recorded for the chosen trials." : NONE_CHOSEN };
      return {
        summary: `${title} by epoch for ${chosenTrials().length} trials.`,
        option: {
          grid: { left: 62, right: 16, top: 12, bottom: 46 },
          tooltip: {},
          xAxis: axis("epoch", { type: "value", min: 1, minInterval: 1, splitLine: { show: false } }),
          yAxis: axis("", { type: log ? "log" : "value", scale, axisLabel: { formatter: axisNumber } }),
          series,
        },
        table: { head: ["curve", "epoch", title], rows },
      };
    },
  });

const drawLearning = () => {
  if (!data.details.some((detail) => detail.history.length)) return;
  const both = [{ key: "train_loss", dash: [5, 4], name: "training loss" }, { key: "val_loss", dash: "solid", name: "validation loss" }];
  const figures = [
    historyFigure("Loss by epoch", "Dashed: training rows, with dropout; solid: validation rows. One line for each replicate. Losses of different loss functions, alpha or gamma do not compare; shapes do.", both, { log: true }),
    historyFigure("Validation AUC by epoch", "One line for each replicate. Early stopping keeps the weights of the best epoch.", [{ key: "val_auc", dash: "solid", name: "validation AUC" }]),
  ];
  const biases = biasTrials();
  if (biases.length > 1) {
    figures.push(historyFigure("The first 20 epochs", "With an initial bias of ln(positives / negatives) the first epochs are not spent on learning that positives are rare. Dashed: training rows; solid: validation rows.", both, { log: true, last: 20 }));
  }
  part("learning", "Learning", "What happened epoch by epoch to the chosen trials.",
    biases.length > 1 ? el("div", { class: "bar" }, el("button", { type: "button", onclick: () => choose(biases) }, "Compare the initial biases")) : null,
    el("div", { class: "grid" }, figures));
};
