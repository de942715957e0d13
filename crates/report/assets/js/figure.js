// A figure: a plot, what to read in it, the same as a table, and the plot as a file.

const motion = () => !isPrinting() && !matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Text, axes and tooltip of all plots. */
const baseOption = () => ({
  animation: motion(),
  animationDuration: 250,
  animationDurationUpdate: 200,
  textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: colour("ink-soft"), fontSize: 12 },
  tooltip: {
    confine: true,
    backgroundColor: colour("card"),
    borderColor: colour("line-strong"),
    padding: [8, 10],
    textStyle: { color: colour("ink"), fontSize: 12.5 },
    extraCssText: "box-shadow: 0 6px 20px rgb(0 0 0 / 18%); border-radius: 8px;",
  },
  legend: {
    textStyle: { color: colour("ink-soft") },
    inactiveColor: colour("line-strong"),
    icon: "roundRect",
    itemWidth: 14,
    itemHeight: 4,
    type: "scroll",
    pageTextStyle: { color: colour("ink-soft") },
    pageIconColor: colour("ink-soft"),
  },
});

const axis = (name, more = {}) => {
  const { axisLabel, ...rest } = more;
  return {
    name,
    nameLocation: "middle",
    nameGap: 30,
    nameTextStyle: { color: colour("ink-soft"), fontSize: 12 },
    axisLine: { show: true, lineStyle: { color: colour("line-strong") } },
    axisTick: { lineStyle: { color: colour("line-strong") } },
    axisLabel: { color: colour("ink-soft"), hideOverlap: true, ...axisLabel },
    splitLine: { show: true, lineStyle: { color: colour("line") } },
    splitArea: { show: false },
    ...rest,
  };
};

/** The colours of a map of `metric`, from the lowest to the highest of what it shows, with the bar that explains them. */
const mapColours = (metric, [low, high], width, more = {}) => ({
  type: "continuous",
  min: low,
  max: high === low ? low + 1e-9 : high,
  calculable: false,
  orient: "horizontal",
  left: "center",
  bottom: 0,
  itemWidth: 10,
  itemHeight: Math.min(160, width / 3),
  dimension: 2,
  inRange: { color: scaleColours(metric.goal) },
  textStyle: { color: colour("ink-soft"), fontSize: 11 },
  text: [formatMetric(metric, high), formatMetric(metric, low)],
  ...more,
});

/** What a tooltip says: a title and pairs. */
const tip = (title, pairs = [], swatch = null) =>
  el(
    "div",
    { class: "tip" },
    el("strong", {}, swatch ? el("span", { class: "swatch", style: `background:${swatch}` }) : null, title),
    pairs.length
      ? el(
          "table",
          {},
          el(
            "tbody",
            {},
            pairs.map(([name, value]) => el("tr", {}, el("td", {}, name), el("td", {}, value))),
          ),
        )
      : null,
  );

/** The figures of a trial that any plot's tooltip shows. */
const trialTip = (trial, more = []) => {
  const shown = ranking.keys.filter((column) => metricOf.has(column));
  for (const column of ["test_op_fn", "test_op_fp"])
    if (metricOf.has(column) && !shown.includes(column)) shown.push(column);
  const pairs = shown.map((column) => [
    metricOf.get(column).title,
    withError(metricOf.get(column), mean(column, trial), errorOf(column, trial)),
  ]);
  if (trials.p[trial] !== null) pairs.push(["p against the winner", formatP(trials.p[trial])]);
  return tip(trialName(trial), [...more, ...pairs]);
};

const figures = [];
const whenSeen = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      whenSeen.unobserve(entry.target);
      entry.target.drawFigure();
    }
  },
  { rootMargin: "400px" },
);
const whenSized = new ResizeObserver((entries) => {
  for (const entry of entries) entry.target.resizeFigure();
});

/**
 * Makes a figure. `draw({ width })` gives { option, height, summary, table: { head, rows }, onclick(trial), empty };
 * it is called when the figure comes near the screen and whenever one of the topics `on` or a control changes.
 */
const figure = ({ title, caption, controls = [], on = [], draw, renderer = "svg" }) => {
  const chart = el("div", { class: "chart", role: "img", "aria-label": title, style: "height:320px" });
  const note = el("p", { class: "notice", hidden: true });
  const table = el("div", { hidden: true });
  const captionBox = el("figcaption", {}, caption ?? "");
  const name = newId("figure");
  let plot = null;
  let seen = false;
  let drawnAt = 0;
  let last = null;

  const fillTable = () => {
    if (table.hidden || !last) return;
    const rows = last.table?.rows ?? [];
    const shown = rows.slice(0, 500);
    table.replaceChildren(
      scrollBox(`${title}, as a table`, plainTable(last.table?.head ?? [], shown, title), "scroll tall"),
    );
    if (rows.length > shown.length)
      table.append(el("p", { class: "notice" }, `The first ${shown.length} of ${rows.length} rows.`));
  };
  const redraw = () => {
    if (!seen) return;
    drawnAt = chart.clientWidth || drawnAt || 600;
    last = draw({ width: drawnAt });
    captionBox.textContent = last.caption ?? caption ?? "";
    note.hidden = !last.empty;
    note.textContent = last.empty ?? "";
    const tabular = !table.hidden;
    chart.hidden = tabular || Boolean(last.empty);
    chart.style.display = chart.hidden ? "none" : "";
    if (!last.empty) {
      const height = `${last.height ?? 320}px`;
      if (chart.style.height !== height) chart.style.height = height;
      if (!tabular) {
        plot ??= echarts.init(chart, null, { renderer });
        plot.resize();
        plot.setOption(
          {
            ...baseOption(),
            ...last.option,
            tooltip: { ...baseOption().tooltip, ...last.option.tooltip },
            legend: last.option.legend ? { ...baseOption().legend, ...last.option.legend } : undefined,
          },
          { notMerge: true },
        );
        plot.off("click");
        if (last.onclick) plot.on("click", last.onclick);
      }
      chart.setAttribute("aria-label", `${title}. ${last.summary ?? ""} ${captionBox.textContent}`);
    }
    fillTable();
  };
  const tableButton = el(
    "button",
    {
      type: "button",
      "aria-pressed": "false",
      title: "The same figures as a table",
      onclick: () => {
        table.hidden = !table.hidden;
        tableButton.setAttribute("aria-pressed", String(!table.hidden));
        redraw();
      },
    },
    "Table",
  );
  const saveButton = el(
    "button",
    {
      type: "button",
      title: "Save the plot as an SVG file",
      onclick: () => {
        const svg = chart.querySelector("svg");
        if (!svg) return;
        const copy = svg.cloneNode(true);
        copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
        const ground = document.createElementNS("http://www.w3.org/2000/svg", "rect");
        for (const [key, value] of [
          ["width", "100%"],
          ["height", "100%"],
          ["fill", colour("card")],
        ])
          ground.setAttribute(key, value);
        copy.prepend(ground);
        download(
          `${run.name}-${title}`.replace(/[^\w.-]+/g, "-").toLowerCase() + ".svg",
          "image/svg+xml",
          new XMLSerializer().serializeToString(copy),
        );
      },
    },
    "SVG",
  );

  chart.drawFigure = () => {
    seen = true;
    redraw();
  };
  chart.resizeFigure = () => {
    if (seen && chart.clientWidth && Math.abs(chart.clientWidth - drawnAt) > 1) redraw();
  };
  whenSeen.observe(chart);
  whenSized.observe(chart);
  listen([...new Set([...on, "theme"])], redraw);
  const whole = el(
    "figure",
    { "aria-labelledby": name },
    el(
      "div",
      { class: "head" },
      el("h3", { id: name }, title),
      el("div", { class: "tools" }, tableButton, renderer === "svg" ? saveButton : null),
    ),
    controls.length ? el("div", { class: "controls" }, controls) : null,
    chart,
    note,
    table,
    captionBox,
  );
  figures.push({ title, chart });
  return Object.assign(whole, { redraw });
};

/*
 * On paper every figure is there, drawn as wide as the paper's one column and in the colours of the light theme, and
 * what is folded is open. Before the paper is laid out the page itself takes that width: plots know no other.
 */
let closedFolds = [];
const beginPrint = () => {
  if (isPrinting()) return;
  closedFolds = [...document.querySelectorAll("details.fold:not([open])")];
  closedFolds.forEach((fold) => {
    fold.open = true;
  });
  document.documentElement.classList.add("printing");
  document.documentElement.dataset.theme = "light";
  tell("theme");
  figures.forEach(({ chart }) => chart.drawFigure());
  // A table that is wider than the paper is made smaller: there is nothing to scroll there.
  for (const table of document.querySelectorAll(".scroll > table")) {
    const share = table.parentElement.clientWidth / table.scrollWidth;
    if (share < 1) table.style.zoom = String(share);
  }
};
const endPrint = () => {
  if (!isPrinting()) return;
  document.documentElement.classList.remove("printing");
  document.querySelectorAll(".scroll > table").forEach((table) => table.style.removeProperty("zoom"));
  closedFolds.forEach((fold) => {
    fold.open = false;
  });
  applyTheme();
};
addEventListener("beforeprint", beginPrint);
addEventListener("afterprint", endPrint);
