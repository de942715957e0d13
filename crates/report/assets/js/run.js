// The run: who trained what when, on which data, from which spec.

const timelineFigure = () => {
  const { lanes, jobs } = data.timeline;
  return figure({
    title: "Devices over time",
    caption:
      "A bar is a job: a stack of trials of one replicate, trained together. Rows are devices with their " +
      "slots. Colours are replicates.",
    draw: ({ width }) => {
      const left = Math.min(150, width * 0.34);
      const end = Math.max(...jobs.map((job) => job.end));
      const shades = categorical();
      return {
        height: 70 + Math.max(1, lanes.length) * 34,
        summary: `${jobs.length} jobs in ${lanes.length} slots over ${formatSeconds(end)}.`,
        option: {
          grid: { left, right: 20, top: 8, bottom: 46 },
          tooltip: {
            formatter: ({ data: { job } }) =>
              tip(
                job.job,
                [
                  ["replicate", job.replicate],
                  ["trials", job.trials],
                  job.failed ? ["failed", job.failed] : null,
                  ["start", formatSeconds(job.start)],
                  ["end", formatSeconds(job.end)],
                  ["took", formatSeconds(job.end - job.start)],
                ].filter(Boolean),
              ),
          },
          xAxis: axis("seconds from the start", { type: "value", min: 0, axisLabel: { formatter: axisNumber } }),
          yAxis: axis("", {
            type: "category",
            data: lanes,
            inverse: true,
            axisTick: { show: false },
            splitLine: { show: false },
            axisLabel: { width: left - 12, overflow: "truncate", interval: 0, hideOverlap: false },
          }),
          series: [
            {
              type: "custom",
              encode: { x: [1, 2], y: 0 },
              data: jobs.map((job) => ({ value: [job.lane, job.start, job.end, job.replicate], job })),
              renderItem: (params, api) => {
                const [a, b] = [api.coord([api.value(1), api.value(0)]), api.coord([api.value(2), api.value(0)])];
                const height = api.size([0, 1])[1] * 0.62;
                return {
                  type: "rect",
                  shape: { x: a[0], y: a[1] - height / 2, width: Math.max(2, b[0] - a[0] - 1), height, r: 2 },
                  style: { fill: shades[api.value(3) % shades.length], opacity: 0.85 },
                };
              },
            },
          ],
        },
        table: {
          head: ["job", "slot", "replicate", "trials", "start", "end"],
          rows: jobs.map((job) => [
            job.job,
            lanes[job.lane],
            String(job.replicate),
            String(job.trials),
            formatSeconds(job.start),
            formatSeconds(job.end),
          ]),
        },
      };
    },
  });
};

const drawRun = () => {
  const facts = (pairs) =>
    el(
      "dl",
      { class: "facts" },
      pairs.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
    );
  const copy = el(
    "button",
    { type: "button", onclick: () => download("sweep.yaml", "text/yaml", run.sweep_yaml) },
    "Download sweep.yaml",
  );
  const code = (text) => el("span", { class: "mono" }, text);
  part(
    "run",
    "The run",
    null,
    el(
      "div",
      { class: "stack" },
      data.timeline.jobs.length ? timelineFigure() : null,
      el(
        "div",
        { class: "grid three" },
        el(
          "div",
          { class: "card" },
          el("h3", { style: "margin-bottom:.6rem" }, "Data"),
          el(
            "ul",
            { style: "margin:0;padding-left:1.1rem" },
            run.data_notes.map((note) => el("li", {}, note)),
          ),
          run.data_notes.length ? null : el("p", {}, "Nothing was noted about the data."),
        ),
        el(
          "div",
          { class: "card" },
          el("h3", { style: "margin-bottom:.6rem" }, "Versions and fingerprints"),
          facts([
            ["Program", run.program],
            ...(run.libtorch ? [["libtorch", run.libtorch]] : []),
            ["State", run.state],
            ["Began", run.started_at],
            ["Last written", run.updated_at],
            ["Rows", `${run.rows.toLocaleString("en")}${run.failed ? `, ${run.failed} failed` : ""}`],
            ["Jobs", String(run.jobs)],
            ["Scores kept", run.scores],
            ["Data", code(run.data_fingerprint)],
            ["Splits", code(run.split_fingerprints.join(" "))],
          ]),
        ),
        run.constants.length
          ? el(
              "div",
              { class: "card" },
              el("h3", { style: "margin-bottom:.6rem" }, "The same in all trials"),
              facts(run.constants),
            )
          : null,
      ),
      el(
        "div",
        { class: "card" },
        el(
          "div",
          { style: "display:flex;flex-wrap:wrap;gap:.5rem;justify-content:space-between;margin-bottom:.6rem" },
          el("h3", {}, "The spec, with all defaults"),
          copy,
        ),
        el(
          "pre",
          { class: "code", tabindex: "0", role: "region", "aria-label": "The spec" },
          run.sweep_yaml || "sweep.yaml is missing.",
        ),
      ),
    ),
  );
};
