// One page over the runs of a folder: a table that sorts and filters, with links to the pages of the runs.

const { folder, written_at: writtenAt, runs } = JSON.parse(byId("payload").textContent);

const NOTHING_THERE = "–";
const figureText = ({ value, decimals }) => (value === null ? NOTHING_THERE : value.toFixed(decimals));
const moment = (text) => (text ? text.replace("T", " ").slice(0, 16) : NOTHING_THERE);
const dataCell = ({ data }) =>
  data ? el("span", { class: "source", title: data }, data.split("/").at(-1)) : NOTHING_THERE;

const nameCell = (one) => [
  one.page ? el("a", { href: one.page }, one.name) : one.name,
  el("small", { class: "under" }, one.folder),
  one.notes ? el("small", { class: "under" }, one.notes) : null,
];
const rowsText = ({ rows, of }) => (rows === of ? rows.toLocaleString("en") : `${rows} of ${of}`);
const decisionCell = (one) =>
  one.fault
    ? el("span", { class: "fault" }, one.fault)
    : one.decision
      ? [
          el("strong", {}, one.decision.outcome),
          el("small", { class: "under", title: one.decision.words }, one.decision.trial),
        ]
      : one.best
        ? el("small", { class: "under" }, `${one.best} ranks first`)
        : NOTHING_THERE;

/** The columns: how a cell looks, and what it sorts by; those of figures follow from what the runs have. */
const indexColumns = [
  { key: "name", title: "Run", text: true, cell: nameCell, by: (one) => `${one.name} ${one.folder}` },
  {
    key: "decision",
    title: "Decision",
    text: true,
    cell: decisionCell,
    by: (one) => (one.fault ? "~" : (one.decision?.outcome ?? "~")),
  },
  ...[...new Map(runs.flatMap(({ figures }) => figures.map((figure) => [figure.column, figure]))).values()].map(
    ({ column, title, goal }) => {
      const of = (one) => one.figures.find((figure) => figure.column === column);
      return {
        key: column,
        title,
        goal,
        cell: (one) => (of(one) ? figureText(of(one)) : NOTHING_THERE),
        by: (one) => of(one)?.value ?? null,
      };
    },
  ),
  { key: "state", title: "State", text: true, cell: (one) => one.state, by: (one) => one.state },
  { key: "began", title: "Began (UTC)", text: true, cell: (one) => moment(one.began), by: (one) => one.began },
  { key: "data", title: "Data", text: true, cell: dataCell, by: (one) => one.data },
  { key: "trials", title: "Trials", cell: (one) => one.trials.toLocaleString("en"), by: (one) => one.trials },
  { key: "rows", title: "Rows", cell: rowsText, by: (one) => one.rows },
];

const indexState = { sort: "began", down: true, query: "" };

const sortedRuns = (list) => {
  const { by } = indexColumns.find(({ key }) => key === indexState.sort);
  const sign = indexState.down ? -1 : 1;
  return [...list].sort((a, b) => {
    const [x, y] = [by(a), by(b)];
    if (x === null || y === null) return (x === null) - (y === null);
    return sign * (typeof x === "number" ? x - y : String(x).localeCompare(String(y), "en", { numeric: true }));
  });
};

const passes = (one) => {
  const words = [one.name, one.folder, one.state, one.data, one.best, one.notes, one.decision?.outcome, one.fault];
  const all = words.filter(Boolean).join(" ").toLowerCase();
  const query = indexState.query.toLowerCase().split(/\s+/);
  return query.every((word) => all.includes(word));
};

const drawIndex = () => {
  const host = scrollBox("Runs", "");
  const status = el("span", { role: "status", class: "count" });
  const head = (column) => {
    const active = indexState.sort === column.key;
    const sort = () => {
      // The first click shows the best first, of dates the last.
      const first = (column.goal ?? 0) > 0 || column.key === "began";
      Object.assign(indexState, { down: active ? !indexState.down : first, sort: column.key });
      draw();
      host.querySelector(`[data-sort="${CSS.escape(column.key)}"]`)?.focus();
    };
    const arrow = el("span", { class: "arrow", "aria-hidden": "true" }, indexState.down ? "↓" : "↑");
    return el(
      "th",
      {
        scope: "col",
        class: column.text ? "text" : null,
        "aria-sort": active ? (indexState.down ? "descending" : "ascending") : "none",
      },
      el("button", { type: "button", "data-sort": column.key, onclick: sort }, active ? arrow : null, column.title),
    );
  };
  const draw = () => {
    saveAddress();
    const shown = sortedRuns(runs.filter(passes));
    status.textContent = shown.length === runs.length ? `${runs.length} runs` : `${shown.length} of ${runs.length} runs`;
    host.replaceChildren(
      el(
        "table",
        { class: "data runs" },
        el("caption", { class: "visually-hidden" }, "Runs"),
        el("thead", {}, el("tr", {}, indexColumns.map(head))),
        el(
          "tbody",
          {},
          shown.map((one) =>
            el(
              "tr",
              {},
              indexColumns.map((column, i) =>
                el(
                  i === 0 ? "th" : "td",
                  { scope: i === 0 ? "row" : null, class: column.text ? "text" : null },
                  column.cell(one),
                ),
              ),
            ),
          ),
        ),
      ),
    );
  };
  const search = el("input", {
    type: "search",
    id: "filter",
    placeholder: "fraud finished",
    "aria-label": "Filter runs by words",
    oninput: () => {
      indexState.query = search.value;
      draw();
    },
  });
  byId("top").append(
    el(
      "div",
      {},
      el("h1", {}, `Runs in ${folder}`),
      el(
        "p",
        { class: "about" },
        `As they were at ${moment(writtenAt)} UTC. Figures are of the trial that ranks first.`,
      ),
    ),
    themeSwitch(),
  );
  byId("main").append(el("div", { class: "bar" }, search, status), host);
  byId("foot").append("Written by focalsweep index. This page is whole in itself: nothing is fetched.");
  keepInAddress(
    "sort",
    () => (indexState.sort === "began" && indexState.down ? null : `${indexState.down ? "-" : ""}${indexState.sort}`),
    (text) => {
      const key = text.replace(/^-/, "");
      if (!indexColumns.some((column) => column.key === key)) return;
      Object.assign(indexState, { sort: key, down: text.startsWith("-") });
      draw();
    },
  );
  keepInAddress(
    "filter",
    () => indexState.query,
    (text) => {
      indexState.query = text;
      search.value = text;
      draw();
    },
  );
  draw();
  restoreAddress();
  document.documentElement.dataset.ready = "true";
};

drawIndex();
