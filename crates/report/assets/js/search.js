// How the search went, and what mattered in it.

const isSearch = ranking.method !== null && ranking.method !== "grid";
const courseOf = new Map(data.course.map((course) => [course.column, course]));

/** Places of the best until then as a line in steps that goes on to `end`. */
const stepsTo = (steps, at, of, end) => {
  const points = steps.filter((step) => of(step) !== null).map((step) => ({ value: [at(step), of(step)], step }));
  const last = points.at(-1);
  return last ? [...points, { value: [end, last.value[1]], step: last.step }] : [];
};

/** What lies far below the rest would press it together: where to begin the axis, the better up. */
const withoutFar = (values, goal) => {
  const sorted = [...values].sort((a, b) => goal * (a - b));
  const [worst, tenth, best] = [sorted[0], sorted[Math.floor(sorted.length / 10)], sorted.at(-1)];
  const far = Math.abs(tenth - worst) > 0.5 * Math.abs(best - tenth) && best !== tenth;
  return far ? tenth - goal * 0.08 * Math.abs(best - tenth) : null;
};

const bestSoFar = () => {
  const key = [ranking.keys[0], "val_auc"].find((column) => courseOf.has(column)) ?? data.course[0].column;
  const view = { column: key, along: "order" };
  const timed = data.course.some((course) => course.by_time.length > 0);
  const whole = figure({
    title: "Best so far",
    controls: [
      selectField(
        "Metric",
        data.course.map(({ column }) => [column, metricOf.get(column).title]),
        view.column,
        (value) => {
          view.column = value;
          whole.redraw();
        },
      ),
      timed
        ? segments(
            "Along",
            [
              ["order", "Trials"],
              ["time", "Seconds of training"],
            ],
            view.along,
            (value) => {
              view.along = value;
              whole.redraw();
            },
          )
        : null,
    ],
    renderer: N > 800 ? "canvas" : "svg",
    draw: () => {
      const metric = metricOf.get(view.column);
      const byTime = view.along === "time";
      const course = courseOf.get(view.column);
      const steps = byTime ? course.by_time : course.by_order;
      if (!steps.length) return { empty: "No trial that ended has this metric." };
      const place = (trial) => (byTime ? trials.trained : trials.order)[trial];
      const at = (step) => (byTime ? step.trained : step.order);
      const shown = everyTrial.filter((i) => metric.mean[i] !== null && place(i) !== null);
      const isWhole = (trial) => trials.state[trial] === "finished";
      const end = byTime ? trials.trained.reduce((most, seconds) => Math.max(most, seconds ?? 0), 0) : ranking.asked;
      const onTest = ranking.on === "val" && metricOf.has(`test_${metric.name}`);
      const lines = [
        ["best so far, validation", stepsTo(steps, at, (step) => step.value, end), categorical()[1], "solid"],
        onTest && ["the same trial, test", stepsTo(steps, at, (step) => step.test, end), categorical()[2], [6, 4]],
      ].filter(Boolean);
      const edge = withoutFar(
        shown.map((i) => metric.mean[i]),
        metric.goal,
      );
      const beyond = edge === null ? 0 : shown.filter((i) => metric.goal * (metric.mean[i] - edge) < 0).length;
      const final = steps.at(-1);
      const asked = isSearch
        ? `in which ${ranking.method} asked for them`
        : "of the grid, which learns nothing from those before";
      const number = (value) => formatMetric(metric, value);
      return {
        height: 360,
        caption:
          `A point is a trial (mean over the replicates), in the order ${byTime ? "in which they ended" : asked}. ` +
          "The best of many trials is flattered by chance on the rows that chose it, the more the more trials" +
          (onTest ? "; the dashed line, of rows that chose nothing, is not. " : ". ") +
          (final.test !== null && onTest
            ? `At the end ${number(final.value)} on the validation rows and ${number(final.test)} on the test rows. `
            : "") +
          (shown.length < ranking.asked
            ? `${ranking.asked - shown.length} of ${ranking.asked} trials have no point: they failed, or are not in ` +
              "this page. "
            : "") +
          (shown.every(isWhole) ? "" : "Hollow ones did not end, and do not count. ") +
          (beyond ? `${beyond} far worse ones lie outside of the plot.` : ""),
        summary: `The best of ${ranking.asked} trials is ${number(final.value)}.`,
        option: {
          grid: { left: 66, right: 20, top: 34, bottom: 46 },
          legend: { top: 0, left: 0, data: lines.map(([name]) => name) },
          tooltip: {
            formatter: ({ data: { trial, step } }) =>
              trial === undefined
                ? tip(step.trial === null ? "a trial that is not in this page" : trialName(step.trial), [
                    ["asked for as", step.order],
                    ["after training of", formatSeconds(step.trained)],
                    ["validation rows", number(step.value)],
                    ["test rows", number(step.test)],
                  ])
                : trialTip(trial, [
                    [metric.title, number(metric.mean[trial])],
                    ["asked for as", trials.order[trial]],
                    ["after training of", formatSeconds(trials.trained[trial])],
                  ]),
          },
          xAxis: axis(byTime ? "seconds of training" : "trials asked for", {
            type: "value",
            min: 0,
            max: end,
            minInterval: byTime ? undefined : 1,
            splitLine: { show: false },
            axisLabel: { formatter: axisNumber },
          }),
          yAxis: axis(metric.title, {
            type: "value",
            scale: true,
            boundaryGap: ["3%", "3%"],
            nameGap: 50,
            axisLabel: { formatter: axisNumber, showMinLabel: edge === null, showMaxLabel: edge === null },
            ...(edge === null ? {} : metric.goal > 0 ? { min: edge } : { max: edge }),
          }),
          series: [
            {
              type: "scatter",
              symbolSize: 6,
              data: shown
                .filter((i) => edge === null || metric.goal * (metric.mean[i] - edge) >= 0)
                .map((trial) => ({
                  value: [place(trial), metric.mean[trial]],
                  trial,
                  itemStyle: isWhole(trial)
                    ? { color: colour("accent"), opacity: 0.4 }
                    : { color: "transparent", borderColor: colour("accent"), opacity: 0.6 },
                })),
            },
            ...lines.map(([name, points, shade, type]) => ({
              type: "line",
              name,
              step: "end",
              data: points,
              symbol: "circle",
              symbolSize: 5,
              itemStyle: { color: shade },
              lineStyle: { color: shade, width: 2, type },
            })),
          ],
        },
        table: {
          head: ["asked for as", "trial", "seconds of training", "best so far", "on the test rows"],
          rows: steps.map((step) => [
            String(step.order),
            step.trial === null ? NOTHING : trialName(step.trial),
            formatSeconds(step.trained),
            number(step.value),
            number(step.test),
          ]),
        },
        onclick: ({ data: { trial, step } }) => {
          const named = trial ?? step?.trial ?? null;
          if (named !== null) showTrial(named);
        },
      };
    },
  });
  return whole;
};

const titlesOf = (names) => names.map((name) => parameterOf.get(name)?.title ?? name);

/** Trials that importance is known of, in words. */
const groupName = ({ reads, trials: count }) =>
  reads.length ? `${count} that read ${titlesOf(reads).join(", ")}` : `all ${count}`;

/** A metric and a group of trials to choose, and what is known of both. */
const importanceView = (redraw) => {
  const groups = data.importance;
  const columnsOf = ({ of }) => of.map(({ column }) => column);
  const every = [...new Set(groups.flatMap(columnsOf))];
  const view = { group: 0, column: every.includes(ranking.keys[0]) ? ranking.keys[0] : every[0] };
  const controls = [
    selectField(
      "Metric",
      every.map((column) => [column, metricOf.get(column).title]),
      view.column,
      (value) => {
        view.column = value;
        redraw();
      },
    ),
    groups.length > 1
      ? selectField(
          "Trials",
          groups.map((group, i) => [i, groupName(group)]),
          view.group,
          (value) => {
            view.group = Number(value);
            redraw();
          },
        )
      : null,
  ];
  const now = () => {
    const group = groups[view.group];
    const found = group.of.find(({ column }) => column === view.column);
    return { group, found, empty: found ? found.why_not : "These trials do not have this metric." };
  };
  return { controls, now };
};

const importanceFigure = () => {
  const { controls, now } = importanceView(() => whole.redraw());
  const whole = figure({
    title: "Which hyperparameter matters",
    controls,
    draw: ({ width }) => {
      const { group, found, empty } = now();
      if (empty) return { empty };
      const [own, both, left] = [colour("accent"), categorical()[1], colour("line-strong")];
      const bars = [
        ...found.alone.map(({ name, share }) => [titlesOf([name])[0], share, own]),
        ...found.together.map(({ names, share }) => [titlesOf(names).join(" × "), share, both]),
      ].sort((a, b) => b[1] - a[1]);
      const named = bars.reduce((sum, [, share]) => sum + share, 0);
      if (named < 0.9995) bars.push(["all else together", 1 - named, left]);
      const space = Math.min(210, width * 0.42);
      const conditional = data.importance.length > 1 && !group.reads.length;
      return {
        height: 60 + bars.length * 27,
        caption:
          `A random forest of ${found.trials} trials` +
          `${group.sampled < group.trials ? `, drawn from ${group.trials},` : ""} ` +
          `explains ${percent(found.explained, 0)} of the variation of trials that it has not seen; the bars are ` +
          "shares of what it says over the range of each hyperparameter (functional ANOVA): by itself, and, with ×, " +
          "what two explain beyond that. Small shares may be chance." +
          (trials.state.some((word) => word !== "finished") ? " Trials that did not end are not in it." : "") +
          (isSearch && ranking.method === "tpe"
            ? " The search left out what looked bad, so of that it knows little."
            : "") +
          (conditional ? " What only some trials read is not among these: choose them above." : ""),
        summary: bars.map(([name, share]) => `${name} ${percent(share)}`).join(", "),
        option: {
          grid: { left: space, right: 62, top: 4, bottom: 46 },
          tooltip: { formatter: ({ name, value }) => tip(name, [["explains", percent(value)]]) },
          xAxis: axis("share of the forest's variance", {
            type: "value",
            min: 0,
            axisLabel: { formatter: (value) => `${Number((value * 100).toPrecision(6))} %` },
          }),
          yAxis: axis("", {
            type: "category",
            inverse: true,
            data: bars.map(([name]) => name),
            axisTick: { show: false },
            splitLine: { show: false },
            axisLabel: { width: space - 12, overflow: "truncate", interval: 0, hideOverlap: false },
          }),
          series: [
            {
              type: "bar",
              data: bars.map(([, value, color]) => ({ value, itemStyle: { color } })),
              barMaxWidth: 18,
              itemStyle: { borderRadius: [0, 3, 3, 0] },
              label: { show: true, position: "right", color: colour("ink"), formatter: ({ value }) => percent(value) },
            },
          ],
        },
        table: { head: ["hyperparameter", "share"], rows: bars.map(([name, share]) => [name, percent(share)]) },
      };
    },
  });
  return whole;
};

/** The two that explain the most beyond what each does by itself: the average over all else. */
const pairFigure = () => {
  const { controls, now } = importanceView(() => whole.redraw());
  const whole = figure({
    title: "What two do together",
    controls,
    draw: ({ width }) => {
      const { found, empty } = now();
      if (empty) return { empty };
      const pair = found.together[0];
      if (!pair?.average) return { empty: "No two of them explain anything beyond what each does by itself." };
      const metric = metricOf.get(found.column);
      const [x, y] = pair.names.map((name) => parameterOf.get(name).title);
      const [xs, ys] = pair.average.at.map((values) =>
        values.map((value) => (typeof value === "number" ? String(Number(value.toPrecision(2))) : formatValue(value))),
      );
      const cells = pair.average.value.flatMap((column, i) => column.map((value, j) => [i, j, value]));
      const values = cells.map((cell) => cell[2]);
      const [low, high] = [Math.min(...values), Math.max(...values)];
      const left = 32 + 6.6 * Math.max(...ys.map((label) => label.length));
      return {
        height: 110 + Math.max(160, Math.min(320, ys.length * 18, width * 0.8)),
        caption:
          `The mean of ${metric.title} over the whole range of everything else, as the forest of the other figure ` +
          `has it, for the pair that explains most together: ${percent(pair.share)} beyond what each does by itself. ` +
          "Where few trials are, it is a guess.",
        summary:
          `${metric.title} by ${x} and ${y}, ` + `from ${formatMetric(metric, low)} to ${formatMetric(metric, high)}.`,
        option: {
          grid: { left, right: 14, top: 10, bottom: 78 },
          tooltip: {
            formatter: ({ value: [i, j, value] }) =>
              tip(formatMetric(metric, value), [
                [x, xs[i]],
                [y, ys[j]],
              ]),
          },
          xAxis: axis(x, { type: "category", data: xs, splitLine: { show: false }, nameGap: 26 }),
          yAxis: axis(y, { type: "category", data: ys, splitLine: { show: false }, nameGap: left - 18 }),
          visualMap: mapColours(metric, [low, high], width),
          series: [{ type: "heatmap", data: cells, emphasis: { itemStyle: { borderColor: colour("accent") } } }],
        },
        table: {
          head: [`${y} \\ ${x}`, ...xs],
          rows: ys.map((label, j) => [label, ...xs.map((_, i) => formatMetric(metric, pair.average.value[i][j]))]),
        },
      };
    },
  });
  return whole;
};

const drawSearch = () => {
  if (N < 2 || ranking.winner === null) return;
  const known = data.importance.length > 0;
  const pairs = data.importance.some(({ of }) => of.some(({ together }) => together.length > 0));
  const course = data.course.length ? bestSoFar() : null;
  const matters = known ? el("div", { class: "grid" }, importanceFigure(), pairs ? pairFigure() : null) : null;
  const slices = sweptParameters.some((parameter) => levelsOf(parameter).length > 1) ? sliceFigure() : null;
  if (!course && !matters && !slices) return;
  part(
    "search",
    isSearch ? "The search" : "What mattered",
    isSearch
      ? `How ${ranking.method} came to the winner, and what mattered among its trials.${onlyTheFirst()}`
      : `What mattered among the trials of the grid.${onlyTheFirst()}`,
    el("div", { class: "stack" }, course, matters, slices),
  );
};
