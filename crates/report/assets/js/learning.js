// Losses and AUC by epoch.

/** Losses of different settings lie far apart: then each is shown as a share of its first validation loss. */
const lossView = { relative: false };
const comparableLosses = () => {
  const shaping = data.parameters.filter((parameter) => parameter.shapes_loss);
  return new Set(chosenTrials().map((trial) => shaping.map((parameter) => parameter.values[trial]).join())).size <= 1;
};

const historyFigure = (title, caption, lines, { loss = false, last = null } = {}) =>
  figure({
    title,
    caption,
    on: ["chosen"],
    draw: () => {
      const series = [];
      const rows = [];
      for (const trial of chosenTrials()) {
        for (const history of detailOf.get(trial)?.history ?? []) {
          for (const { key, dash, name } of lines) {
            const unit = loss && lossView.relative ? history.val_loss[0] || 1 : 1;
            const values = (last ? history[key].slice(0, last) : history[key]).map((value) =>
              value === null ? null : value / unit,
            );
            const best = mean("best_epoch", trial);
            series.push({
              type: "line",
              name: trialName(trial),
              what: name,
              replicate: history.replicate,
              data: values.map((value, i) => [i + 1, value]),
              showSymbol: false,
              symbolSize: 5,
              connectNulls: false,
              lineStyle: {
                color: chosenColour(trial),
                width: key === "train_loss" ? 1 : 1.5,
                type: dash,
                opacity: key === "train_loss" ? 0.5 : 0.9,
              },
              itemStyle: { color: chosenColour(trial) },
              tooltip: {
                formatter: ({ data: [epoch, value], color }) =>
                  tip(
                    trialName(trial),
                    [
                      [`${name}, replicate ${history.replicate}`, value.toPrecision(5)],
                      ["epoch", epoch],
                      best === null ? null : ["best epoch (mean)", formatCount(best)],
                    ].filter(Boolean),
                    color,
                  ),
              },
            });
            values.forEach((value, i) =>
              rows.push([
                `${trialName(trial)}, replicate ${history.replicate}, ${name}`,
                String(i + 1),
                value === null ? NOTHING : value.toPrecision(5),
              ]),
            );
          }
        }
      }
      if (!series.length)
        return { empty: chosenTrials().length ? "No epochs were recorded for the chosen trials." : NONE_CHOSEN };
      return {
        summary: `${title} by epoch for ${chosenTrials().length} trials.`,
        option: {
          grid: { left: 62, right: 16, top: 12, bottom: 46 },
          tooltip: {},
          xAxis: axis("epoch", {
            type: "value",
            min: 1,
            max: last ?? undefined,
            minInterval: 1,
            splitLine: { show: false },
          }),
          yAxis: axis(
            loss && lossView.relative ? "share of the first validation loss" : title.replace(" by epoch", ""),
            { type: "value", scale: true, nameGap: 48, axisLabel: { formatter: axisNumber } },
          ),
          series,
        },
        table: { head: ["curve", "epoch", title], rows },
      };
    },
  });

const drawLearning = () => {
  if (!data.details.some((detail) => detail.history.length)) return;
  const both = [
    { key: "train_loss", dash: [5, 4], name: "training loss" },
    { key: "val_loss", dash: "solid", name: "validation loss" },
  ];
  const figures = [
    historyFigure(
      "Loss by epoch",
      "Dashed: training rows, with dropout; solid: validation rows. One line for each replicate. Losses of " +
        "different loss functions, alpha or gamma do not compare; shapes do.",
      both,
      { loss: true },
    ),
    historyFigure(
      "Validation AUC by epoch",
      "One line for each replicate. Early stopping keeps the weights of the best epoch.",
      [{ key: "val_auc", dash: "solid", name: "validation AUC" }],
    ),
  ];
  const biases = biasTrials();
  if (biases.length > 1) {
    figures.push(
      historyFigure(
        "The first 20 epochs",
        "With an initial bias of ln(positives / negatives) the first epochs are not spent on learning that " +
          "positives are rare. Dashed: training rows; solid: validation rows.",
        both,
        { loss: true, last: 20 },
      ),
    );
  }
  const redraw = () => figures.forEach((one) => one.redraw());
  const host = el("span", {});
  const look = () => {
    lossView.relative = !comparableLosses();
    host.replaceChildren(
      segments(
        "Losses",
        [
          [false, "Loss as trained"],
          [true, "Relative to the first epoch"],
        ],
        lossView.relative,
        (value) => {
          lossView.relative = value;
          redraw();
        },
      ),
    );
  };
  listeners.chosen.unshift(look);
  look();
  part(
    "learning",
    "Learning",
    "What happened epoch by epoch to the chosen trials.",
    el(
      "div",
      { class: "bar" },
      host,
      biases.length > 1
        ? el(
            "button",
            { type: "button", onclick: () => choose(biases) },
            `Compare the initial biases${leftOut(biases)}`,
          )
        : null,
    ),
    el("div", { class: figures.length > 2 ? "grid three" : "grid" }, figures),
  );
};
