// The panel of one trial: everything that is known of it.

const panel = el("dialog", { "aria-labelledby": "panel-title" });
document.body.append(panel);
panel.addEventListener("click", (event) => {
  if (event.target === panel) panel.close();
});

const showTrial = (trial) => {
  const hyperparameters = data.parameters.map((parameter) => [parameter.title, formatValue(parameter.values[trial])]);
  const names = [...new Set(data.metrics.filter((metric) => metric.split).map((metric) => metric.name))];
  const splits = ["train", "val", "test"];
  const cell = (column) =>
    metricOf.has(column) ? withError(metricOf.get(column), mean(column, trial), errorOf(column, trial)) : NOTHING;
  const title = (name) => {
    const metric = metricOf.get(`test_${name}`) ?? metricOf.get(`val_${name}`);
    return metric ? metric.title.replace(/, (test|validation)/, "") : name;
  };
  const intervals = data.intervals.find((one) => one.trial === trial) ?? {};
  const interval = (column) => {
    const ends = intervals[column]?.map((end) => end.toFixed(metricOf.get(column).count ? 0 : 3));
    return ends ? ` [${ends.join(", ")}]` : "";
  };
  const rows = names.map((name) => [
    title(name),
    ...splits.map((split) => cell(`${split}_${name}`) + interval(`${split}_${name}`)),
  ]);
  const place = [
    ["Trial", el("span", { class: "mono" }, trials.id[trial])],
    ["Place", `${rankOf(trial)} of ${ranking.all}${trials.front[trial] ? `, front ${trials.front[trial]}` : ""}`],
    [
      "Against the winner",
      trial === ranking.winner
        ? "is the winner"
        : trials.tied[trial] === null
          ? "not compared"
          : `${trials.tied[trial] ? "cannot be told from it" : "differs"}, p = ${formatP(trials.p[trial])}`,
    ],
    ["State", `${trials.state[trial]}, ${trials.replicates[trial]} of ${ranking.replicates} replicates`],
    trials.error[trial] ? ["Error", trials.error[trial]] : null,
    ["Threshold", formatMetric({ decimals: 3 }, mean("threshold", trial))],
    [
      "Best epoch",
      `${formatMetric({ count: true }, mean("best_epoch", trial))} of ` +
        `${formatMetric({ count: true }, mean("epochs_run", trial))} run`,
    ],
    ["Device", trials.devices[trial]],
  ].filter(Boolean);
  const facts = (pairs) =>
    el(
      "dl",
      { class: "facts" },
      pairs.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
    );
  const isChosen = () => chosenTrials().includes(trial);
  const chooseButton = el(
    "button",
    {
      type: "button",
      "aria-pressed": String(isChosen()),
      disabled: !detailOf.has(trial),
      onclick: () => {
        toggleChosen(trial);
        chooseButton.setAttribute("aria-pressed", String(isChosen()));
      },
    },
    "Show its curves",
  );
  const step = (by, text) =>
    el(
      "button",
      { type: "button", disabled: trial + by < 0 || trial + by >= N, onclick: () => showTrial(trial + by) },
      text,
    );
  panel.replaceChildren(
    el(
      "div",
      { class: "head" },
      el(
        "div",
        {},
        el("p", { class: "eyebrow", style: "margin:0" }, `Rank ${rankOf(trial)}`),
        el("h2", { id: "panel-title", style: "font-size:1.15rem" }, trials.words[trial]),
      ),
      el("button", { type: "button", "aria-label": "Close", onclick: () => panel.close() }, "✕"),
    ),
    el(
      "div",
      { class: "body" },
      el("div", { class: "controls" }, chooseButton, step(-1, "← Better"), step(1, "Worse →")),
      facts(place),
      el(
        "div",
        {},
        el("h3", { style: "margin-bottom:.4rem" }, "Metrics"),
        scrollBox(
          "Metrics of the trial",
          plainTable(["", "training", "validation", "test"], rows, "Metrics of the trial"),
        ),
        Object.keys(intervals).length
          ? el("p", { class: "small" }, "± is a standard error; brackets are 95 % bootstrap intervals.")
          : null,
      ),
      el("div", {}, el("h3", { style: "margin-bottom:.4rem" }, "Hyperparameters"), facts(hyperparameters)),
    ),
  );
  if (!panel.open) panel.showModal();
  panel.scrollTop = 0;
};
