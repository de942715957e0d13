// The panel of one trial, everything that is known of it, or of two side by side.

const panelState = { trial: null, beside: null };
const panel = el("dialog", { "aria-labelledby": "panel-title" });
document.body.append(panel);
panel.addEventListener("click", (event) => {
  if (event.target === panel) panel.close();
});
panel.addEventListener("close", () => saveAddress());

const facts = (pairs) =>
  el(
    "dl",
    { class: "facts" },
    pairs.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
  );

const intervalsOf = (trial) => data.intervals.find((one) => one.trial === trial) ?? {};

/** A figure with what is known of its precision under it. */
const figureCell = (column, trial) => {
  const metric = metricOf.get(column);
  if (!metric) return NOTHING;
  const error = errorOf(column, trial);
  const ends = intervalsOf(trial)[column]?.map((end) => end.toFixed(metric.count ? 0 : 3));
  return [
    formatMetric(metric, mean(column, trial)),
    error !== null && mean(column, trial) !== null
      ? el("small", {}, `± ${error.toFixed(metric.count ? 1 : 4)}`)
      : null,
    ends ? el("small", {}, `[${ends.join(", ")}]`) : null,
  ];
};

/** Metrics of some rows, in the order of the page: their names without the rows, and what they are called. */
const panelMetrics = () => {
  const names = [...new Set(data.metrics.filter((metric) => metric.split).map((metric) => metric.name))];
  const title = (name) => {
    const metric = metricOf.get(`test_${name}`) ?? metricOf.get(`val_${name}`) ?? metricOf.get(`train_${name}`);
    return metric ? metric.title.replace(/, (test|validation|training)/, "") : name;
  };
  return names.map((name) => [name, title(name)]);
};

/** Validation and test first: they are to be seen without scrolling on any screen. */
const metricsOfOne = (trial) =>
  plainTable(
    ["", "validation", "test", "training"],
    panelMetrics().map(([name, title]) => [
      title,
      ...["val", "test", "train"].map((split) => figureCell(`${split}_${name}`, trial)),
    ]),
    "Metrics of the trial",
    "data figures-of",
  );

const differenceCell = (column, a, b) => {
  const [metric, x, y] = [metricOf.get(column), mean(column, a), mean(column, b)];
  if (x === null || y === null) return NOTHING;
  const text = formatMetric(metric, Math.abs(x - y));
  return x === y || Number(text) === 0 ? "0" : `${x > y ? "+" : "−"}${text}`;
};

const metricsOfTwo = (a, b) =>
  plainTable(
    ["", `rank ${rankOf(a)}`, `rank ${rankOf(b)}`, "difference"],
    panelMetrics().flatMap(([name, title]) =>
      ["val", "test"]
        .map((split) => [split, `${split}_${name}`])
        .filter(([, column]) => metricOf.has(column))
        .map(([split, column]) => [
          `${title}, ${splitWords[split]}`,
          figureCell(column, a),
          figureCell(column, b),
          differenceCell(column, a, b),
        ]),
    ),
    "Metrics of the two trials",
    "data figures-of two",
  );

const placeOf = (trial) =>
  [
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

/** What is known of the difference of two trials: each was held against the winner, not against any other. */
const toldApart = (a, b) => {
  const other = a === ranking.winner ? b : b === ranking.winner ? a : null;
  if (other === null)
    return "Differences of the means. Whether they are real is not tested: trials are held against the winner only.";
  return trials.tied[other] === null
    ? "Differences of the means. The two were not compared by a test."
    : `Differences of the means. By their ${ranking.told_by} the two ` +
        `${trials.tied[other] ? "cannot be told apart" : "can be told apart"}, p = ${formatP(trials.p[other])}.`;
};

/** Names what the panel is of: one trial, or two that differ in what is said. */
const panelTitle = (trial, beside) => {
  if (beside === null)
    return [
      el("p", { class: "eyebrow", style: "margin:0" }, `Rank ${rankOf(trial)}`),
      el("h2", { id: "panel-title", style: "font-size:1.15rem" }, trials.words[trial]),
    ];
  const names = namesOf([trial, beside]);
  return [
    el("p", { class: "eyebrow", style: "margin:0" }, "Two trials side by side"),
    el("h2", { id: "panel-title", style: "font-size:1.15rem" }, names.get(trial), el("br"), names.get(beside)),
  ];
};

const besidePicker = (trial, beside) => {
  const picker = el("input", {
    type: "search",
    list: "every-trial",
    value: beside === null ? "" : String(rankOf(beside)),
    placeholder: "rank or name",
    "aria-label": "Set another trial beside it, by rank or name",
    style: "width:9rem;max-width:100%",
  });
  picker.addEventListener("change", () => {
    if (!picker.value.trim()) return showTrial(trial);
    const other = trials.rank.indexOf(Number.parseInt(picker.value, 10));
    if (other >= 0 && other !== trial) showTrial(trial, other);
  });
  return el(
    "label",
    { class: "field" },
    el("span", {}, "beside"),
    picker,
    el(
      "datalist",
      { id: "every-trial" },
      everyTrial
        .slice(0, 500)
        .filter((other) => other !== trial)
        .map((other) => el("option", { value: trialName(other) })),
    ),
  );
};

const bodyOfOne = (trial) => {
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
  return [
    el(
      "div",
      { class: "controls" },
      chooseButton,
      step(-1, "← Better"),
      step(1, "Worse →"),
      N > 1 ? besidePicker(trial, null) : null,
    ),
    facts(placeOf(trial)),
    el(
      "div",
      {},
      el("h3", { style: "margin-bottom:.4rem" }, "Metrics"),
      scrollBox("Metrics of the trial", metricsOfOne(trial)),
      Object.keys(intervalsOf(trial)).length
        ? el("p", { class: "small" }, "± is a standard error; brackets are 95 % bootstrap intervals.")
        : null,
    ),
    el(
      "div",
      {},
      el("h3", { style: "margin-bottom:.4rem" }, "Hyperparameters"),
      facts(data.parameters.map((parameter) => [parameter.title, formatValue(parameter.values[trial])])),
    ),
  ];
};

const bodyOfTwo = (a, b) => {
  const differ = ({ values }) => JSON.stringify(values[a]) !== JSON.stringify(values[b]);
  const shared = data.parameters.filter((parameter) => !differ(parameter) && parameter.values[a] !== null);
  return [
    el(
      "div",
      { class: "controls" },
      el("button", { type: "button", onclick: () => showTrial(b, a) }, "Swap"),
      el("button", { type: "button", onclick: () => showTrial(a) }, `Rank ${rankOf(a)} alone`),
      besidePicker(a, b),
    ),
    el("p", {}, toldApart(a, b)),
    el(
      "div",
      {},
      el("h3", { style: "margin-bottom:.4rem" }, "In what they differ"),
      scrollBox(
        "Hyperparameters in which the two trials differ",
        plainTable(
          ["", `rank ${rankOf(a)}`, `rank ${rankOf(b)}`],
          data.parameters
            .filter(differ)
            .map(({ title, values }) => [title, formatValue(values[a]), formatValue(values[b])]),
          "Hyperparameters in which the two trials differ",
          "data figures-of",
        ),
      ),
    ),
    el(
      "div",
      {},
      el("h3", { style: "margin-bottom:.4rem" }, "Metrics"),
      scrollBox("Metrics of the two trials", metricsOfTwo(a, b)),
    ),
    shared.length
      ? el(
          "div",
          {},
          el("h3", { style: "margin-bottom:.4rem" }, "The same in both"),
          facts(shared.map(({ title, values }) => [title, formatValue(values[a])])),
        )
      : null,
  ];
};

/** Opens the panel of a trial, with another beside it where one is named. */
const showTrial = (trial, beside = null) => {
  Object.assign(panelState, { trial, beside });
  panel.replaceChildren(
    el(
      "div",
      { class: "head" },
      el("div", {}, panelTitle(trial, beside)),
      el("button", { type: "button", "aria-label": "Close", onclick: () => panel.close() }, "✕"),
    ),
    el("div", { class: "body" }, beside === null ? bodyOfOne(trial) : bodyOfTwo(trial, beside)),
  );
  if (!panel.open) panel.showModal();
  panel.scrollTop = 0;
  saveAddress();
};
