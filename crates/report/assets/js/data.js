// What the page was given, and ways to ask for it. A trial is its index in the lists: its rank - 1, unless trials
// before it were left out.

const data = JSON.parse(byId("payload").textContent);
const { run, trials, ranking } = data;
const N = trials.id.length;
/** Its place among all trials, from 1. */
const rankOf = (trial) => trials.rank[trial];
const everyTrial = Array.from({ length: N }, (_, i) => i);

/** What plots and tables leave out where the page does not have all trials; a sentence after others, or nothing. */
const onlyTheFirst = () =>
  N < ranking.all
    ? ` Of ${ranking.all.toLocaleString("en")} trials only these ${N.toLocaleString("en")} are in this page: ` +
      "the best, and those that it names."
    : "";

const metricOf = new Map(data.metrics.map((metric) => [metric.column, metric]));
const parameterOf = new Map(data.parameters.map((parameter) => [parameter.name, parameter]));
const detailOf = new Map(data.details.map((detail) => [detail.trial, detail]));
const sweptParameters = ranking.swept.map((name) => parameterOf.get(name)).filter(Boolean);

const mean = (column, trial) => metricOf.get(column)?.mean[trial] ?? null;
const errorOf = (column, trial) => metricOf.get(column)?.error[trial] ?? null;
const trialName = (trial) => `${rankOf(trial)}. ${trials.words[trial]}`;

/**
 * Names of trials that stand together, by trial: of hyperparameters only those in which they differ, so that a name
 * that is cut still says what is its own.
 */
const namesOf = (list) => {
  const differs = ({ values }) => new Set(list.map((trial) => JSON.stringify(values[trial]))).size > 1;
  const differing = list.length > 1 ? data.parameters.filter(differs) : [];
  const words = (trial) =>
    differing
      .filter(({ values }) => values[trial] !== null)
      .map(({ title, makes_method: method, values }) =>
        method ? formatValue(values[trial]) : `${title} ${formatValue(values[trial])}`,
      );
  const name = (trial) => [`${rankOf(trial)}.`, words(trial).join(", ")].join(" ");
  return new Map(list.map((trial) => [trial, words(trial).length ? name(trial) : trialName(trial)]));
};

const hasMetrics = (trial) => trials.front[trial] !== null;
/** Tied with the best; the best is. */
const isTied = (trial) => trial === ranking.winner || trials.tied[trial] === true;

const splitWords = { val: "validation", test: "test", train: "training" };

/** A column that tables, axes and filters can use: `get` for numbers and words, `text` for people. */
const columns = [];
const addColumn = (column) => columns.push({ numeric: true, goal: 0, group: "", ...column });

addColumn({
  key: "rank",
  title: "Rank",
  short: "rank",
  kind: "place",
  get: rankOf,
  text: (i) => `${rankOf(i)}${trials.tied[i] ? " ≈" : ""}`,
});
addColumn({
  key: "front",
  title: "Front",
  short: "front",
  kind: "place",
  get: (i) => trials.front[i],
  text: (i) => formatValue(trials.front[i]),
});
addColumn({
  key: "p_vs_best",
  title: `p against the winner${ranking.corrected_by ? `, ${ranking.corrected_by}` : ""}`,
  short: "p",
  kind: "place",
  get: (i) => trials.p[i],
  text: (i) => formatP(trials.p[i]),
});
for (const parameter of data.parameters) {
  addColumn({
    key: parameter.name,
    title: parameter.title,
    short: parameter.title,
    kind: "parameter",
    numeric: parameter.numeric,
    byFactors: parameter.by_factors,
    swept: parameter.swept,
    get: (i) => parameter.values[i],
    text: (i) => formatValue(parameter.values[i]),
  });
}
for (const metric of data.metrics) {
  addColumn({
    key: metric.column,
    title: metric.title,
    short: metric.short,
    group: metric.group,
    kind: "metric",
    goal: metric.goal,
    metric,
    get: (i) => metric.mean[i],
    text: (i) => formatMetric(metric, metric.mean[i]),
  });
}
addColumn({
  key: "asked",
  title: "Asked for, as number",
  short: "asked",
  kind: "run",
  get: (i) => trials.order[i],
  text: (i) => String(trials.order[i]),
});
addColumn({
  key: "finished_seconds",
  title: "Finished, seconds from the start",
  short: "finished (s)",
  kind: "run",
  get: (i) => trials.finished[i],
  text: (i) => formatSeconds(trials.finished[i]),
});
addColumn({
  key: "state",
  title: "State",
  short: "state",
  kind: "run",
  numeric: false,
  get: (i) => trials.state[i],
  text: (i) => trials.state[i],
});
addColumn({
  key: "device",
  title: "Device",
  short: "device",
  kind: "run",
  numeric: false,
  get: (i) => trials.devices[i],
  text: (i) => trials.devices[i],
});
addColumn({
  key: "trial_id",
  title: "Trial",
  short: "trial",
  kind: "run",
  numeric: false,
  get: (i) => trials.id[i],
  text: (i) => trials.id[i],
});
const columnOf = new Map(columns.map((column) => [column.key, column]));

/** Columns for a select, in groups. */
const columnOptions = (filter = () => true) => {
  const of = (kind) =>
    columns.filter((column) => column.kind === kind && filter(column)).map((column) => [column.key, column.title]);
  return [
    ["Hyperparameters", of("parameter")],
    ["Metrics", of("metric")],
    ["Place and run", [...of("place"), ...of("run")]],
  ].filter(([, list]) => list.length > 0);
};

/** The choice of the metric that a plot shows, kept as `view.column`: those that say something about the scores. */
const plotMetricField = (label, view, redraw) => {
  const plotted = (split) =>
    data.metrics
      .filter((metric) => metric.plotted && metric.split === split)
      .map((metric) => [metric.column, metric.title]);
  return selectField(
    label,
    [
      ["Validation", plotted("val")],
      ["Test", plotted("test")],
    ],
    view.column,
    (value) => {
      view.column = value;
      redraw();
    },
  );
};

/** The two hyperparameters of the published pair, where both were swept: the axes of maps. */
const publishedAxes = (of) => {
  const axes = of.filter((parameter) => parameter.published !== null);
  return axes.length === 2 ? axes : null;
};

/** Distinct values of a parameter in their order. */
const levelsOf = (parameter, of = everyTrial) => {
  const distinct = [...new Set(of.map((i) => parameter.values[i]).filter((value) => value !== null))];
  return parameter.numeric ? distinct.sort((a, b) => a - b) : distinct;
};
