// Hyperparameters and metrics against each other.

const pointLook = (trial) => ({
  itemStyle: {
    color:
      trial === ranking.winner
        ? categorical()[1]
        : trial === ranking.baseline
          ? categorical()[2]
          : trial === ranking.published?.trial
            ? categorical()[3]
            : colour("accent"),
    opacity: [ranking.winner, ranking.baseline, ranking.published?.trial].includes(trial) ? 1 : 0.55,
    borderColor: colour("card"),
    borderWidth: 1,
  },
  symbol:
    trial === ranking.winner
      ? "diamond"
      : trial === ranking.baseline
        ? "rect"
        : trial === ranking.published?.trial
          ? "triangle"
          : "circle",
  symbolSize: [ranking.winner, ranking.baseline, ranking.published?.trial].includes(trial) ? 13 : 9,
});
const marksText = () => {
  const marks = ["◆ winner"];
  if (ranking.baseline !== null) marks.push("■ plain cross-entropy");
  if (ranking.published) marks.push(ranking.published.exact ? "▲ published pair" : "▲ nearest to the published pair");
  return `${marks.join(", ")}. Click a point for all of its figures.`;
};
const openTrial = (event) => {
  if (event.data?.trial !== undefined) showTrial(event.data.trial);
};
const defined = (columnKeys, of = state.visible) =>
  of.filter((i) =>
    columnKeys.every((key) => columnOf.get(key).get(i) !== null && columnOf.get(key).get(i) !== undefined),
  );
const NONE_VISIBLE = "No trial passes the filter with these figures.";

/** Room around the points, but not below zero where nothing is. */
const room = (values) => {
  const known = values.filter((value) => value !== null && value !== undefined);
  const [low, high] = known.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]);
  return low >= 0 && low - 0.03 * (high - low) < 0 ? { min: 0, boundaryGap: [0, "3%"] } : { boundaryGap: ["3%", "3%"] };
};

/** The ends of a logarithmic axis a little beyond its numbers, and a base that it has ticks for. */
const logScale = (values) => {
  const known = values.filter((value) => value > 0);
  const [low, high] = known.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, 0]);
  const room = (high / low) ** 0.03;
  return { type: "log", logBase: high / low >= 100 ? 10 : 2, min: low / room, max: high * room };
};

/** An axis of a column: numbers, evenly or by equal factors, or the words it has. */
const columnAxis = (column, more = {}) =>
  column.byFactors
    ? axis(column.title, {
        ...logScale(everyTrial.map((i) => column.get(i))),
        axisLabel: { formatter: axisNumber, showMinLabel: false, showMaxLabel: false },
        ...more,
      })
    : column.numeric
      ? axis(column.title, {
          type: "value",
          scale: true,
          ...room(everyTrial.map((i) => column.get(i))),
          axisLabel: { formatter: axisNumber },
          ...more,
        })
      : axis(column.title, {
          type: "category",
          data: [...new Set(everyTrial.map((i) => column.text(i)))],
          splitLine: { show: false },
          axisLabel: { interval: 0 },
          ...more,
        });
const onAxis = (column, trial) => (column.numeric ? column.get(trial) : column.text(trial));

const paretoFigure = () => {
  const view = { split: ranking.on, at: "op_fn" };
  const whole = figure({
    title: "AUC against missed positives",
    on: ["filter"],
    controls: [
      segments(
        "Rows",
        [
          ["val", "Validation"],
          ["test", "Test"],
        ],
        view.split,
        (value) => {
          view.split = value;
          whole.redraw();
        },
      ),
      segments(
        "Threshold",
        [
          ["op_fn", "Operating point"],
          ["fn", "0.5"],
        ],
        view.at,
        (value) => {
          view.at = value;
          whole.redraw();
        },
      ),
    ],
    draw: ({ width }) => {
      const [x, y] = [columnOf.get(`${view.split}_${view.at}`), columnOf.get(`${view.split}_auc`)];
      if (!x || !y) return { empty: "These figures were not measured." };
      const shown = defined([x.key, y.key]);
      if (!shown.length) return { empty: NONE_VISIBLE };
      // Nobody on the front has both more AUC and fewer misses beside it.
      let best = -Infinity;
      const front = [...shown]
        .sort((a, b) => x.get(a) - x.get(b) || y.get(b) - y.get(a))
        .filter((i) => y.get(i) > best && ((best = y.get(i)), true));
      return {
        height: Math.min(420, Math.max(300, width * 0.7)),
        caption:
          "The best lie at the top left. The line joins the front: whoever has a higher AUC misses more. " +
          `${marksText()}`,
        summary: `${shown.length} trials, ${front.length} of them on the front.`,
        option: {
          grid: { left: 66, right: 20, top: 14, bottom: 50 },
          tooltip: { formatter: ({ data: item }) => trialTip(item.trial) },
          xAxis: columnAxis(x),
          yAxis: columnAxis(y, { nameGap: 50 }),
          series: [
            {
              type: "line",
              silent: true,
              data: front.map((i) => [x.get(i), y.get(i)]),
              step: "end",
              showSymbol: false,
              lineStyle: { color: colour("line-strong"), width: 1.5 },
              z: 1,
            },
            {
              type: "scatter",
              clip: false,
              data: shown.map((trial) => ({ value: [x.get(trial), y.get(trial)], trial, ...pointLook(trial) })),
            },
          ],
        },
        table: {
          head: ["trial on the front", y.title, x.title],
          rows: front.map((i) => [trialName(i), y.text(i), x.text(i)]),
        },
        onclick: openTrial,
      };
    },
  });
  return whole;
};

const scatterFigure = () => {
  const view = {
    x: columnOf.has("test_op_fp") ? "test_op_fp" : "rank",
    y: columnOf.has("test_op_recall") ? "test_op_recall" : ranking.keys[0],
    colour: ranking.swept.find((name) => parameterOf.get(name)?.numeric) ?? "rank",
  };
  const pick = (name, key) =>
    selectField(
      name,
      columnOptions((column) => (key === "colour" ? column.numeric : true)),
      view[key],
      (value) => {
        view[key] = value;
        whole.redraw();
      },
    );
  const whole = figure({
    title: "Any two columns",
    on: ["filter"],
    controls: [pick("across", "x"), pick("up", "y"), pick("colour", "colour")],
    renderer: N > 800 ? "canvas" : "svg",
    draw: ({ width }) => {
      const [x, y, shade] = [view.x, view.y, view.colour].map((key) => columnOf.get(key));
      const shown = defined([x.key, y.key]);
      if (!shown.length) return { empty: NONE_VISIBLE };
      const values = shown.map((i) => shade.get(i)).filter((value) => value !== null);
      const [low, high] = values.length
        ? [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))]
        : [0, 1];
      return {
        height: Math.min(440, Math.max(320, width * 0.75)),
        caption:
          `Colour: ${shade.title}, from ${shade.numeric ? axisNumber(low) : low} (dark) ` +
          `to ${axisNumber(high)} (bright). ${shown.length} of ${N} trials.`,
        summary: `${x.title} and ${y.title} of ${shown.length} trials.`,
        option: {
          grid: { left: 66, right: 20, top: 14, bottom: 50 },
          tooltip: {
            formatter: ({ data: item }) =>
              trialTip(item.trial, [
                [x.title, x.text(item.trial)],
                [y.title, y.text(item.trial)],
                [shade.title, shade.text(item.trial)],
              ]),
          },
          xAxis: columnAxis(x),
          yAxis: columnAxis(y, { nameGap: 50 }),
          visualMap: {
            show: false,
            dimension: 2,
            min: low,
            max: high === low ? low + 1 : high,
            inRange: { color: lineColours() },
          },
          series: [
            {
              type: "scatter",
              clip: false,
              symbolSize: shown.length > 500 ? 6 : 10,
              itemStyle: { borderColor: colour("line-strong"), borderWidth: 0.8 },
              data: shown.map((trial) => ({
                value: [onAxis(x, trial), onAxis(y, trial), shade.get(trial) ?? low],
                trial,
              })),
            },
          ],
        },
        table: {
          head: ["trial", x.title, y.title, shade.title],
          rows: shown.map((i) => [trialName(i), x.text(i), y.text(i), shade.text(i)]),
        },
        onclick: openTrial,
      };
    },
  });
  return whole;
};

const parallelFigure = () => {
  const view = { column: `${ranking.on}_auc` };
  const MOST = 3000;
  const whole = figure({
    title: "Parallel coordinates",
    on: ["filter"],
    controls: [plotMetricField("Colour", view, () => whole.redraw())],
    renderer: N > 300 ? "canvas" : "svg",
    draw: ({ width }) => {
      const names = [
        ...sweptParameters.filter((parameter) => levelsOf(parameter).length > 1).map((parameter) => parameter.name),
        ...new Set([...ranking.keys, `${ranking.on}_auc`, `${ranking.on}_op_fn`, `${ranking.on}_op_fp`]),
      ].filter((key) => columnOf.has(key));
      const list = names.map((key) => columnOf.get(key)).slice(0, Math.max(3, Math.floor(width / 75)));
      const metric = metricOf.get(view.column);
      const shown = defined([view.column]).slice(0, MOST);
      if (!shown.length) return { empty: NONE_VISIBLE };
      const values = shown.map((i) => metric.mean[i]);
      // Far worse ones would leave the others one colour.
      const edge = metric.goal ? withoutFar(values, metric.goal) : null;
      const [worst, most] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
      const [low, high] = edge === null ? [worst, most] : metric.goal > 0 ? [edge, most] : [worst, edge];
      // What a trial's loss does not read has a place of its own below the numbers.
      const missing = (column) => {
        const known = shown.map((i) => column.get(i)).filter((value) => value !== null);
        const [a, b] = [
          known.reduce((x, y) => Math.min(x, y), Infinity),
          known.reduce((x, y) => Math.max(x, y), -Infinity),
        ];
        if (known.length === shown.length || !known.length) return null;
        return column.byFactors ? a / (b / a || 2) ** 0.15 : a - (b - a || 1) * 0.15;
      };
      const gaps = list.map((column) => (column.numeric ? missing(column) : null));
      return {
        height: 380,
        caption:
          "A line is a trial. Drag along an axis to keep the lines that pass there; click the axis to let go. " +
          "Bright lines are better in " +
          `${metric.title}, from ${formatMetric(metric, metric.goal < 0 ? high : low)} on.` +
          (list.length < names.length ? " A wider window shows more axes." : ""),
        summary: `${shown.length} trials over ${list.map((column) => column.title).join(", ")}.`,
        option: {
          parallel: {
            left: 44,
            right: 54,
            top: 46,
            bottom: 26,
            parallelAxisDefault: {
              nameLocation: "end",
              nameGap: 16,
              nameTextStyle: { color: colour("ink-soft"), fontSize: 11.5 },
              axisLine: { lineStyle: { color: colour("line-strong") } },
              axisLabel: { color: colour("ink-soft"), fontSize: 11 },
              axisTick: { lineStyle: { color: colour("line-strong") } },
              areaSelectStyle: { color: colour("accent"), opacity: 0.2, borderColor: colour("accent") },
            },
          },
          parallelAxis: list.map((column, dim) => ({
            dim,
            nameLocation: column.goal < 0 ? "start" : "end",
            name: column.group ? `${column.group} ${column.short}` : column.short,
            ...(column.byFactors
              ? {
                  ...logScale([...shown.map((i) => column.get(i)), gaps[dim]]),
                  axisLabel: {
                    color: colour("ink-soft"),
                    fontSize: 11,
                    showMinLabel: false,
                    showMaxLabel: false,
                    formatter: axisNumber,
                  },
                }
              : column.numeric
                ? {
                    type: "value",
                    scale: true,
                    inverse: column.goal < 0,
                    axisLabel: {
                      color: colour("ink-soft"),
                      fontSize: 11,
                      formatter: (value) =>
                        gaps[dim] !== null && value < gaps[dim] * 0.999 && value < 0 ? "" : axisNumber(value),
                    },
                  }
                : { type: "category", data: [...new Set(everyTrial.map((i) => column.text(i)))] }),
          })),
          tooltip: { formatter: ({ data: item }) => trialTip(item.trial) },
          visualMap: {
            show: false,
            min: low,
            max: high === low ? low + 1 : high,
            dimension: list.length,
            inRange: { color: scaleColours(metric.goal, lineColours()) },
          },
          series: [
            {
              type: "parallel",
              smooth: false,
              lineStyle: { width: shown.length > 300 ? 0.8 : 1.6, opacity: shown.length > 300 ? 0.35 : 0.7 },
              emphasis: { lineStyle: { width: 3, opacity: 1 } },
              inactiveOpacity: 0.04,
              progressive: 500,
              data: shown.map((trial) => ({
                value: [
                  ...list.map((column, dim) =>
                    column.numeric ? (column.get(trial) ?? gaps[dim]) : column.text(trial),
                  ),
                  metric.mean[trial],
                ],
                trial,
              })),
            },
          ],
        },
        table: {
          head: ["trial", ...list.map((column) => column.title)],
          rows: shown.map((i) => [trialName(i), ...list.map((column) => column.text(i))]),
        },
        onclick: openTrial,
      };
    },
  });
  return whole;
};

const drawExplore = () => {
  if (N < 2 || ranking.winner === null) return;
  const manyValued = sweptParameters.filter((parameter) => levelsOf(parameter).length > 1).length;
  part(
    "explore",
    "Hyperparameters and metrics",
    `Every trial that passes the table's filter is a point.${onlyTheFirst()}`,
    el(
      "div",
      { class: "stack" },
      el("div", { class: "grid" }, paretoFigure(), scatterFigure()),
      manyValued > 1 ? parallelFigure() : null,
    ),
  );
};
