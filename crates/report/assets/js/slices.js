// The metric along each hyperparameter: the trials, and what a model of them says on average.

/** What the forest of the most trials that read a hyperparameter says along it; null where it is silent. */
const averageOf = (column, name) => {
  for (const group of data.importance) {
    const axisAt = group.axes.find((one) => one.name === name)?.at;
    const found = group.of.find((one) => one.column === column)?.alone.find((one) => one.name === name);
    if (axisAt && found) return { ...found, at: axisAt };
  }
  return null;
};

/** The average as a line with a band, or, of words and few levels, as bars. */
const averageSeries = (parameter, average, place) => {
  const shade = categorical()[1];
  const points = average.at.map((at, i) => ({
    value: [parameter.numeric ? at : formatValue(at), average.average[i]],
    average: i,
  }));
  const index = { xAxisIndex: place, yAxisIndex: place };
  const corner = (i, sign) => [points[i].value[0], average.average[i] + sign * average.spread[i]];
  const indices = points.map((_, i) => i);
  const band = {
    type: "custom",
    ...index,
    silent: true,
    // Somewhere in it, so that it stretches no axis.
    data: [points[0].value],
    clip: true,
    z: 3,
    renderItem: (_, api) => ({
      type: "polygon",
      shape: {
        points: [...indices.map((i) => corner(i, 1)), ...[...indices].reverse().map((i) => corner(i, -1))].map(
          (point) => api.coord(point),
        ),
      },
      style: { fill: shade, opacity: 0.18 },
    }),
  };
  const line = parameter.numeric
    ? { type: "line", symbol: "circle", symbolSize: 4, showSymbol: true, lineStyle: { color: shade, width: 2 } }
    : { type: "scatter", symbol: "rect", symbolSize: [26, 4] };
  return [
    ...(parameter.numeric ? [band] : []),
    {
      ...line,
      ...index,
      z: 4,
      itemStyle: { color: shade },
      data: points.map((point) => ({ ...point, name: parameter.name })),
    },
  ];
};

/** A plot for each hyperparameter, the most important first: the metric by its values. */
const sliceFigure = () => {
  const explained = new Set(data.importance.flatMap(({ of }) => of.map(({ column }) => column)));
  const first = [ranking.keys[0], `${ranking.on}_auc`].find((column) => metricOf.get(column)?.plotted);
  const view = { column: first ?? `${ranking.on}_auc` };
  const whole = figure({
    title: "Slices",
    on: ["filter"],
    controls: [plotMetricField("Metric", view, () => whole.redraw())],
    renderer: N > 200 ? "canvas" : "svg",
    draw: ({ width }) => {
      const metric = metricOf.get(view.column);
      const averages = new Map(sweptParameters.map(({ name }) => [name, averageOf(view.column, name)]));
      const share = ({ name }) => averages.get(name)?.share ?? -1;
      const list = sweptParameters
        .filter((parameter) => levelsOf(parameter).length > 1)
        .sort((a, b) => share(b) - share(a));
      const shown = defined([view.column]);
      if (!shown.length || !list.length) return { empty: NONE_VISIBLE };
      const across = Math.min(list.length, Math.max(1, Math.floor(width / 260)));
      const down = Math.ceil(list.length / across);
      const [cellWidth, cellHeight] = [width / across, 250];
      const grids = list.map((_, k) => ({
        left: (k % across) * cellWidth + 62,
        top: Math.floor(k / across) * cellHeight + 10,
        width: cellWidth - 80,
        height: cellHeight - 66,
      }));
      const edge = metric.goal
        ? withoutFar(
            shown.map((i) => metric.mean[i]),
            metric.goal,
          )
        : null;
      const inside = shown.filter((i) => edge === null || metric.goal * (metric.mean[i] - edge) >= 0);
      const known = list.filter(({ name }) => averages.get(name));
      const head = explained.has(view.column)
        ? known.length
          ? "The line is the mean over the whole range of everything else that a random forest of the trials gives, " +
            "the band its standard deviation over the trees" +
            `${isSearch ? "; where a search tried what is good, points are better than it" : ""}. `
          : "Nothing can be said of averages: see above. "
        : "";
      return {
        height: down * cellHeight,
        caption:
          `${metric.title} by each swept hyperparameter` +
          `${known.length ? ", the most important first" : ""}; a point is a trial. ${head}` +
          (inside.length < shown.length
            ? `${shown.length - inside.length} far worse trials lie outside of the plots. `
            : "") +
          marksText(),
        summary: `${metric.title} by ${list.map((parameter) => parameter.title).join(", ")}.`,
        option: {
          grid: grids,
          tooltip: {
            formatter: ({ data: item }) => {
              if (item.trial !== undefined)
                return trialTip(item.trial, [[metric.title, formatMetric(metric, metric.mean[item.trial])]]);
              const average = averages.get(item.name);
              return tip(`${parameterOf.get(item.name).title} ${formatValue(average.at[item.average])}`, [
                ["average over all else", formatMetric(metric, average.average[item.average])],
                ["± over the trees", average.spread[item.average].toPrecision(2)],
              ]);
            },
          },
          xAxis: list.map((parameter, k) => ({
            ...columnAxis(columnOf.get(parameter.name), { nameGap: 28 }),
            gridIndex: k,
          })),
          yAxis: list.map((_, k) => ({
            ...axis(k % across === 0 ? metric.short : "", {
              type: "value",
              scale: true,
              boundaryGap: ["3%", "3%"],
              nameGap: 46,
              axisLabel: { formatter: axisNumber, showMinLabel: edge === null, showMaxLabel: edge === null },
              ...(edge === null ? {} : metric.goal > 0 ? { min: edge } : { max: edge }),
            }),
            gridIndex: k,
          })),
          series: list.flatMap((parameter, k) => [
            {
              type: "scatter",
              xAxisIndex: k,
              yAxisIndex: k,
              data: inside
                .filter((i) => parameter.values[i] !== null)
                .map((trial) => {
                  const look = pointLook(trial);
                  return {
                    value: [onAxis(columnOf.get(parameter.name), trial), metric.mean[trial]],
                    trial,
                    ...look,
                    symbolSize: look.symbolSize === 9 && shown.length > 100 ? 6 : look.symbolSize,
                  };
                }),
            },
            ...(averages.get(parameter.name) ? averageSeries(parameter, averages.get(parameter.name), k) : []),
          ]),
        },
        table: {
          head: ["trial", ...list.map((parameter) => parameter.title), metric.title],
          rows: shown.map((i) => [
            trialName(i),
            ...list.map((parameter) => formatValue(parameter.values[i])),
            formatMetric(metric, metric.mean[i]),
          ]),
        },
        onclick: openTrial,
      };
    },
  });
  return whole;
};
