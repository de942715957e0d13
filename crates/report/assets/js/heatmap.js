// Maps of a metric over two hyperparameters.

const mapState = { split: ranking.on, x: null, y: null };
const axesForMap = () =>
  sweptParameters.filter((parameter) => levelsOf(parameter, everyTrial.filter(hasMetrics)).length > 1);

/** Places of a parameter on a map: its values, or, of very many numbers, ranges of them. */
const placesOf = (parameter) => {
  const ends = parameter.ranges;
  if (!ends.length) {
    const levels = levelsOf(parameter);
    return { levels, labels: levels.map(formatValue), of: (value) => levels.indexOf(value), ranges: false };
  }
  const edge = (place) => String(Number(ends[place].toPrecision(2)));
  const places = ends.slice(1).map((_, place) => place);
  const middle = (a, b) => (parameter.by_factors ? Math.sqrt(a * b) : (a + b) / 2);
  return {
    levels: places.map((place) => middle(ends[place], ends[place + 1])),
    labels: places.map((place) => `${edge(place)}–${edge(place + 1)}`),
    of: (value) =>
      value === null ? -1 : Math.min(places.length, Math.max(1, ends.filter((end) => end <= value).length)) - 1,
    ranges: true,
  };
};

/** Cells by place of x and y: where several trials share one (more hyperparameters are swept), the best ranked. */
const mapCells = (x, y) => {
  const [xs, ys] = [placesOf(x), placesOf(y)];
  const cells = new Map();
  for (const trial of everyTrial) {
    if (!hasMetrics(trial)) continue;
    const at = [xs.of(x.values[trial]), ys.of(y.values[trial])];
    if (at.includes(-1)) continue;
    const key = at.join();
    if (!cells.has(key)) cells.set(key, { at, trial, trials: 0 });
    cells.get(key).trials += 1;
  }
  return { xs, ys, cells: [...cells.values()] };
};

/** Cells that have this metric. */
const shownCells = (cells, metric) => cells.filter(({ trial }) => metric.mean[trial] !== null);

/**
 * Which cells of a map are outlined, and what that says: those that cannot be told from the winner, or, where these are
 * the most, those that can, so that an outline stands out.
 */
const outlineOf = (cells) => {
  const others = cells.filter(({ trial }) => trial !== ranking.winner);
  const what = ranking.told_by;
  const tied = others.filter(({ trial }) => isTied(trial)).length;
  if (what === null || !others.length) return { mostTied: false, has: () => false, words: null };
  if (tied === others.length)
    return {
      mostTied: true,
      has: () => false,
      words: `No cell's ${what} can be told from the winner's, so none is outlined.`,
    };
  return tied * 2 > others.length
    ? {
        mostTied: true,
        has: (trial) => !isTied(trial),
        words: `Outlined cells can be told from the winner by their ${what}, the others cannot.`,
      }
    : {
        mostTied: false,
        has: (trial) => isTied(trial),
        words: `Outlined cells cannot be told from the winner by their ${what}, the others can.`,
      };
};

/** Counts of rows and what each is a part of: their standard error is that of a share. */
const PART_OF = { fn: "tp", tp: "fn", fp: "tn", tn: "fp" };

/** How far a figure may be off; null where that is not known. */
const errorOfCell = (metric, trial) => {
  const known = errorOf(metric.column, trial);
  const [, before, name] = metric.column.match(/^(\w+_)(fn|tp|fp|tn)$/) ?? [];
  if (known !== null || !name) return known;
  const [count, rest] = [mean(metric.column, trial), mean(`${before}${PART_OF[name]}`, trial)];
  return count === null || rest === null ? null : Math.sqrt((count * rest) / (count + rest));
};

/** Standard errors that the colours of a map span at least where most of its cells cannot be told from the winner. */
const QUIET_ERRORS = 4;

/** The ends of a map's colours: where most is tied no nearer than four standard errors, so that noise is no pattern. */
const colourEnds = (metric, shown) => {
  const values = shown.map(({ trial }) => metric.mean[trial]);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const errors = shown
    .map(({ trial }) => errorOfCell(metric, trial))
    .filter((error) => error !== null)
    .sort((a, b) => a - b);
  const least = errors.length ? QUIET_ERRORS * errors[Math.floor(errors.length / 2)] : 0;
  if (!outlineOf(shown).mostTied || low === high || high - low >= least) return [low, high];
  const middle = (low + high) / 2;
  return [middle - least / 2, middle + least / 2];
};

const mapFigure = ({ name, title }) =>
  figure({
    title,
    draw: ({ width }) => {
      const metric = metricOf.get(`${mapState.split}_${name}`);
      const [x, y] = [parameterOf.get(mapState.x), parameterOf.get(mapState.y)];
      const { xs, ys, cells } = mapCells(x, y);
      const shown = shownCells(cells, metric);
      if (!shown.length) return { empty: "This metric is not defined for any of these trials." };
      const values = shown.map(({ trial }) => metric.mean[trial]);
      const [low, high] = [Math.min(...values), Math.max(...values)];
      const left = 32 + 6.6 * Math.max(...ys.labels.map((label) => label.length), 2);
      const cellWidth = (width - left - 14) / xs.levels.length;
      const cellHeight = Math.max(20, Math.min(40, 300 / ys.levels.length));
      const height = 24 + cellHeight * ys.levels.length + 76;
      const labels = cellWidth >= 31 && cellHeight >= 15;
      const outline = outlineOf(shown);
      const ends = colourEnds(metric, shown);
      const spread = ends[1] - ends[0] || 1;
      const quiet = ends[1] - ends[0] > high - low;
      const short = (value) => (metric.count ? String(Math.round(value)) : value.toFixed(3).replace(/^0/, ""));
      // Cividis is dark at one end and bright at the other: text takes the ink that stands out.
      const inkOn = (value) => {
        const share = (value - ends[0]) / spread;
        return (metric.goal < 0 ? 1 - share : share) > 0.52 ? "#15181c" : "#ffffff";
      };
      const marks = [];
      const winner = shown.find(({ trial }) => trial === ranking.winner);
      if (winner) marks.push({ at: winner.at, text: "★", name: "the winner" });
      const pair = ranking.published && x.published !== null && y.published !== null && x !== y;
      const nearest = pair && [nearestLevel(xs.levels, x.published), nearestLevel(ys.levels, y.published)].join();
      const published = pair && shown.find(({ at }) => at.join() === nearest);
      if (published) marks.push({ at: published.at, text: "◆", name: "the published pair" });
      return {
        height: low === high ? height - 30 : height,
        caption:
          low === high
            ? `${formatMetric(metric, low)} in every cell.`
            : quiet
              ? `From ${formatMetric(metric, low)} to ${formatMetric(metric, high)}; the colours span four standard ` +
                "errors, since most cells are tied."
              : "",
        summary: `${metric.title} from ${formatMetric(metric, low)} to ${formatMetric(metric, high)}.`,
        option: {
          grid: { left, right: 14, top: 10, bottom: low === high ? 50 : 78 },
          tooltip: {
            formatter: ({ data: item }) =>
              trialTip(item.trial, [
                [metric.title, withError(metric, metric.mean[item.trial], errorOf(metric.column, item.trial))],
              ]),
          },
          xAxis: axis(x.title, {
            type: "category",
            data: xs.labels,
            splitLine: { show: false },
            nameGap: 26,
          }),
          yAxis: axis(y.title, {
            type: "category",
            data: ys.labels,
            splitLine: { show: false },
            nameGap: left - 18,
          }),
          visualMap: mapColours(metric, ends, width, { show: low !== high, seriesIndex: 0 }),
          series: [
            {
              type: "heatmap",
              // Outlined ones last, so that no neighbour covers their lines.
              data: [...shown]
                .sort((a, b) => outline.has(a.trial) - outline.has(b.trial))
                .map(({ at, trial }) => ({
                  value: [...at, metric.mean[trial]],
                  trial,
                  itemStyle: {
                    borderColor: outline.has(trial) ? colour("outline") : colour("card"),
                    borderWidth: outline.has(trial) ? 2.5 : 1.5,
                  },
                  label: { color: inkOn(metric.mean[trial]) },
                })),
              label: {
                show: labels,
                fontSize: cellWidth > 44 ? 11 : 9,
                formatter: ({ data: item }) => short(item.value[2]),
              },
              emphasis: { itemStyle: { borderColor: colour("accent"), borderWidth: 2 } },
            },
            {
              type: "scatter",
              silent: true,
              symbolSize: 0,
              z: 5,
              data: marks.map(({ at, text }) => {
                const cell = shown.find((one) => one.at.join() === at.join());
                return {
                  value: at,
                  label: {
                    show: true,
                    formatter: text,
                    position: labels ? [cellWidth / 2 - 12, -cellHeight / 2 + 2] : "inside",
                    color: inkOn(metric.mean[cell.trial]),
                    fontSize: labels ? 9 : 13,
                  },
                };
              }),
            },
          ],
        },
        table: {
          head: [`${y.title} \\ ${x.title}`, ...xs.labels],
          rows: ys.labels.map((label, j) => [
            label,
            ...xs.labels.map((_, i) => {
              const cell = shown.find(({ at }) => at[0] === i && at[1] === j);
              return cell ? formatMetric(metric, metric.mean[cell.trial]) : NOTHING;
            }),
          ]),
        },
        onclick: (event) => {
          if (event.data?.trial !== undefined) showTrial(event.data.trial);
        },
      };
    },
  });

const nearestLevel = (levels, value) =>
  levels.reduce((best, level, i) => (Math.abs(level - value) < Math.abs(levels[best] - value) ? i : best), 0);

/** One metric of all trials with how far it may be off, best first. */
const forest = () => {
  const view = { column: `${ranking.on}_auc` };
  const MOST = 25;
  const whole = figure({
    title: "Trials with their uncertainty",
    caption: "",
    controls: [plotMetricField("Metric", view, () => whole.redraw())],
    on: ["filter"],
    draw: ({ width }) => {
      const metric = metricOf.get(view.column);
      const shown = state.visible.filter((i) => metric?.mean[i] !== null && metric !== undefined).slice(0, MOST);
      if (!shown.length) return { empty: "No trial has this metric." };
      const named = namesOf(shown);
      const names = shown.map((i) => named.get(i));
      const ends = shown.map((i) => [
        metric.mean[i] - 2 * (metric.error[i] ?? 0),
        metric.mean[i] + 2 * (metric.error[i] ?? 0),
      ]);
      const left = Math.min(300, width * 0.42);
      const all = state.visible.length;
      const first = shown.length < all ? ` The first ${shown.length} of ${all} trials.` : "";
      return {
        height: 70 + shown.length * 20,
        caption:
          "Points are means over the replicates, bars two standard errors each way. " +
          `Filled: cannot be told from the best, or the best itself.${first}`,
        summary: `${metric.title} of ${shown.length} trials.`,
        option: {
          grid: { left, right: 18, top: 8, bottom: 46 },
          tooltip: {
            formatter: ({ dataIndex }) =>
              trialTip(shown[dataIndex], [
                [
                  metric.title,
                  withError(metric, metric.mean[shown[dataIndex]], errorOf(view.column, shown[dataIndex])),
                ],
              ]),
          },
          xAxis: axis(metric.title, { type: "value", scale: true, axisLabel: { formatter: axisNumber } }),
          yAxis: axis("", {
            type: "category",
            data: names,
            inverse: true,
            axisTick: { show: false },
            splitLine: { show: false },
            axisLabel: { width: left - 14, overflow: "truncate", interval: 0, hideOverlap: false, fontSize: 11 },
          }),
          series: [
            {
              type: "custom",
              silent: true,
              data: ends.map(([a, b], i) => [a, b, i]),
              encode: { x: [0, 1], y: 2 },
              renderItem: (_, api) => {
                const [a, b] = [api.coord([api.value(0), api.value(2)]), api.coord([api.value(1), api.value(2)])];
                return {
                  type: "line",
                  shape: { x1: a[0], y1: a[1], x2: b[0], y2: b[1] },
                  style: { stroke: colour("line-strong"), lineWidth: 2 },
                };
              },
            },
            {
              type: "scatter",
              symbolSize: 9,
              data: shown.map((trial, i) => ({
                value: [metric.mean[trial], i],
                trial,
                itemStyle: {
                  color: isTied(trial) ? colour("accent") : colour("card"),
                  borderColor: colour("accent"),
                  borderWidth: 1.5,
                },
              })),
            },
          ],
        },
        table: {
          head: ["trial", metric.title, "standard error", "p against the winner"],
          rows: shown.map((i) => [
            trialName(i),
            formatMetric(metric, metric.mean[i]),
            metric.error[i]?.toFixed(4) ?? NOTHING,
            formatP(trials.p[i]),
          ]),
        },
        onclick: (event) => {
          if (event.data?.trial !== undefined) showTrial(event.data.trial);
        },
      };
    },
  });
  return whole;
};

/** What the marks of the maps mean, of the cells that are there with these axes. */
const mapWords = () => {
  const [x, y] = [parameterOf.get(mapState.x), parameterOf.get(mapState.y)];
  const { cells } = mapCells(x, y);
  const isRanged = [x, y].some((parameter) => placesOf(parameter).ranges);
  return [
    "Bright is good in every map.",
    outlineOf(cells).words,
    "★ is the winner.",
    ranking.published && x.published !== null
      ? `◆ is the ${ranking.published.exact ? "" : "cell nearest to the "}published pair, ${ranking.published.words}.`
      : null,
    onlyTheFirst().trim() || null,
    isRanged
      ? "Numbers with very many values are in ranges; a cell shows the best ranked trial in it."
      : sweptParameters.length > 2
        ? "Where several trials share a cell, it shows the best ranked of them."
        : null,
  ]
    .filter(Boolean)
    .join(" ");
};

const drawMaps = () => {
  const available = axesForMap();
  const numeric = available.filter((parameter) => parameter.numeric);
  const order = [...numeric, ...available.filter((parameter) => !parameter.numeric)];
  const [x, y] = publishedAxes(available) ?? order;
  if (!x || !y || !data.metrics.length) {
    if (N > 1 && ranking.winner !== null)
      part("maps", "Trials side by side", "Fewer than two hyperparameters were swept, so there is no map.", forest());
    return;
  }
  mapState.x = x.name;
  mapState.y = y.name;
  const maps = data.maps.map(mapFigure);
  const lead = el("p", { class: "lead" });
  const redraw = () => {
    lead.textContent = mapWords();
    maps.forEach((map) => map.redraw());
  };
  const names = available.map((parameter) => [parameter.name, parameter.title]);
  const bar = el(
    "div",
    { class: "bar" },
    segments(
      "Rows",
      [
        ["val", "Validation"],
        ["test", "Test"],
      ],
      mapState.split,
      (split) => {
        mapState.split = split;
        redraw();
      },
    ),
    names.length > 2
      ? [
          selectField("across", names, x.name, (value) => {
            mapState.x = value;
            redraw();
          }),
          selectField("up", names, y.name, (value) => {
            mapState.y = value;
            redraw();
          }),
        ]
      : null,
  );
  redraw();
  part(
    "maps",
    `Maps over ${x.title} and ${y.title}`,
    null,
    lead,
    bar,
    el("div", { class: "stack" }, el("div", { class: "grid three" }, maps), forest()),
  );
};
