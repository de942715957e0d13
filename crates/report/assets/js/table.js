// All trials: sort, filter, choose columns, choose trials, take it away as CSV.

const tableState = { sort: "rank", down: false, page: 0, size: 25, query: "", tied: false, front: false };

/** What others may do with the table: the address of the page does. Filled when it is drawn. */
const tableView = {};

const defaultColumns = () => {
  const failed = trials.state.some((word) => word !== "finished") ? ["state"] : [];
  return [...data.first_columns, ...failed].filter((key) => columnOf.has(key));
};

const comparisons = {
  "<=": (a, b) => a <= b,
  ">=": (a, b) => a >= b,
  "!=": (a, b) => a !== b,
  "<": (a, b) => a < b,
  ">": (a, b) => a > b,
  "=": (a, b) => a === b,
};

/** A filter of words and of conditions such as alpha>=0.3; what is not understood is said in `faults`. */
const parseFilter = (query) => {
  const faults = [];
  const tests = query
    .trim()
    .split(/\s+/)
    .filter(Boolean)
    .map((token) => {
      const condition = token.match(/^([\w ]+?)(<=|>=|!=|<|>|=)(.+)$/);
      if (!condition) {
        const word = token.toLowerCase();
        return (i) => `${trials.words[i]} ${trials.id[i]} ${trials.state[i]}`.toLowerCase().includes(word);
      }
      const [, name, sign, wanted] = condition;
      const column = columnOf.get(name) ?? columns.find((one) => one.short.toLowerCase() === name.toLowerCase());
      if (!column) {
        faults.push(`there is no column ${name}`);
        return () => true;
      }
      const number = Number(wanted);
      if (column.numeric && Number.isNaN(number)) {
        faults.push(`${name} is compared with a number, not with ${wanted}`);
        return () => true;
      }
      return (i) => {
        const value = column.get(i);
        return (
          value !== null && comparisons[sign](column.numeric ? value : String(value), column.numeric ? number : wanted)
        );
      };
    });
  return { passes: (i) => tests.every((test) => test(i)), faults };
};

const sortedTrials = (list) => {
  const column = columnOf.get(tableState.sort);
  const sign = tableState.down ? -1 : 1;
  return [...list].sort((a, b) => {
    const [x, y] = [column.get(a), column.get(b)];
    // What is not defined comes last either way.
    if (x === null || y === null) return (x === null) - (y === null) || a - b;
    return (
      (column.numeric ? sign * (x - y) : sign * String(x).localeCompare(String(y), "en", { numeric: true })) || a - b
    );
  });
};

const csvField = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const tableCsv = (shown) => {
  const rows = sortedTrials(state.visible).map((i) =>
    ["trial_id", ...shown].map((key) => csvField(String(columnOf.get(key).get(i) ?? ""))).join(","),
  );
  return [["trial_id", ...shown].join(","), ...rows].join("\r\n") + "\r\n";
};

const drawTable = () => {
  let shown = defaultColumns();
  const host = scrollBox("Ranked trials", "", "scroll tall");
  const status = el("span", { role: "status", style: "font-size:.86rem;color:var(--ink-soft)" });
  const pager = el("div", { class: "controls", style: "margin-top:.6rem" });

  const cell = (column, i) => {
    if (column.key === "rank")
      return el(
        "td",
        {},
        el(
          "button",
          {
            type: "button",
            class: "link",
            "aria-label": `All figures of trial ${rankOf(i)}`,
            onclick: () => showTrial(i),
          },
          column.text(i),
        ),
      );
    const error = column.metric?.error[i];
    const small =
      error !== null && error !== undefined && column.metric.with_error
        ? el("small", {}, ` ± ${error.toFixed(4)}`)
        : null;
    return el("td", { class: column.numeric ? null : "text" }, column.text(i), small);
  };
  const head = (column) => {
    const active = tableState.sort === column.key;
    const sort = () => {
      // The first click shows the best first.
      tableState.down = active ? !tableState.down : column.goal > 0;
      tableState.sort = column.key;
      tableState.page = 0;
      draw();
      host.querySelector(`[data-sort="${CSS.escape(column.key)}"]`)?.focus();
    };
    return el(
      "th",
      {
        scope: "col",
        class: column.numeric ? null : "text",
        "aria-sort": active ? (tableState.down ? "descending" : "ascending") : "none",
      },
      column.group ? el("span", { class: "group" }, column.group) : null,
      el(
        "button",
        { type: "button", title: column.title, "data-sort": column.key, onclick: sort },
        active ? el("span", { class: "arrow", "aria-hidden": "true" }, tableState.down ? "↓" : "↑") : null,
        column.short,
      ),
    );
  };
  const draw = () => {
    saveAddress();
    const all = sortedTrials(state.visible);
    const pages = Math.max(1, Math.ceil(all.length / tableState.size));
    tableState.page = Math.min(tableState.page, pages - 1);
    const rows = all.slice(tableState.page * tableState.size, (tableState.page + 1) * tableState.size);
    const of = shown.map((key) => columnOf.get(key));
    const box = (i) => {
      const input = el("input", {
        type: "checkbox",
        checked: chosenTrials().includes(i),
        disabled: !detailOf.has(i),
        "aria-label": `Show curves of trial ${rankOf(i)}`,
        title: detailOf.has(i)
          ? "Show its curves below"
          : "Its curves are not in this page: only those of the best trials are",
        onchange: () => {
          if (!toggleChosen(i)) {
            input.checked = false;
            status.textContent = `At most ${MOST_CHOSEN} trials can be chosen.`;
          }
        },
      });
      return input;
    };
    const scroll = [host.scrollLeft, host.scrollTop];
    host.replaceChildren(
      el(
        "table",
        { class: "data", id: "trials-table" },
        el("caption", { class: "visually-hidden" }, "Trials, ranked"),
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            el("th", { scope: "col", class: "text" }, el("span", { class: "visually-hidden" }, "Curves")),
            of.map(head),
          ),
        ),
        el(
          "tbody",
          {},
          rows.map((i) =>
            el(
              "tr",
              { class: chosenTrials().includes(i) ? "chosen" : null },
              el("td", { class: "text" }, box(i)),
              of.map((column) => cell(column, i)),
            ),
          ),
        ),
      ),
    );
    [host.scrollLeft, host.scrollTop] = scroll;
    status.textContent =
      all.length === N
        ? `${N.toLocaleString("en")} trials`
        : `${all.length.toLocaleString("en")} of ${N.toLocaleString("en")} trials`;
    const turn = (by) => () => {
      tableState.page += by;
      draw();
    };
    pager.replaceChildren(
      el("button", { type: "button", disabled: tableState.page === 0, onclick: turn(-1) }, "← Previous"),
      el("span", { style: "font-size:.86rem;color:var(--ink-soft)" }, `Page ${tableState.page + 1} of ${pages}`),
      el("button", { type: "button", disabled: tableState.page >= pages - 1, onclick: turn(1) }, "Next →"),
      selectField(
        "Rows",
        [
          [25, "25"],
          [100, "100"],
          [500, "500"],
          [1e9, "all"],
        ],
        tableState.size,
        (value) => {
          tableState.size = Number(value);
          tableState.page = 0;
          draw();
        },
      ),
    );
  };

  const hint = el("p", { class: "notice", hidden: true, id: "filter-hint" });
  const applyFilter = (page = 0) => {
    const { passes, faults } = parseFilter(tableState.query);
    hint.hidden = !faults.length;
    hint.textContent = faults.length ? `Filter: ${faults.join("; ")}.` : "";
    tableState.page = page;
    setVisible(
      everyTrial.filter(
        (i) => passes(i) && (!tableState.tied || isTied(i)) && (!tableState.front || trials.front[i] === 1),
      ),
    );
  };
  let waiting = null;
  const search = el("input", {
    type: "search",
    id: "filter",
    placeholder: "alpha>=0.3 gamma=2 test_op_fn<130",
    "aria-label": "Filter trials by words or conditions",
    "aria-describedby": "filter-hint",
    style: "flex:1 1 16rem;min-width:0",
    oninput: () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        tableState.query = search.value;
        applyFilter();
      }, 120);
    },
  });
  const chooser = () => {
    const box = (column) =>
      el(
        "label",
        {},
        el("input", {
          type: "checkbox",
          value: column.key,
          checked: shown.includes(column.key),
          onchange: (event) => {
            shown = event.target.checked
              ? columns.map((one) => one.key).filter((key) => shown.includes(key) || key === column.key)
              : shown.filter((key) => key !== column.key);
            draw();
          },
        }),
        column.title,
      );
    const set = (title, list) => (list.length ? el("fieldset", {}, el("legend", {}, title), list.map(box)) : null);
    const menu = el(
      "details",
      { class: "menu" },
      el("summary", {}, "Columns"),
      el(
        "div",
        { class: "sheet" },
        set(
          "Place and run",
          columns.filter((column) => column.kind === "place" || column.kind === "run"),
        ),
        set(
          "Hyperparameters",
          columns.filter((column) => column.kind === "parameter"),
        ),
        ["val", "val op", "test", "test op", "train", ""].map((group) =>
          set(
            group || "Training",
            columns.filter((column) => column.kind === "metric" && column.group === group),
          ),
        ),
      ),
    );
    menu.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
    });
    document.addEventListener("click", (event) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
    return menu;
  };
  const copy = el(
    "button",
    {
      type: "button",
      onclick: async () => {
        const text = tableCsv(shown);
        try {
          await navigator.clipboard.writeText(text);
          copy.textContent = "Copied";
        } catch {
          // A page from a file may not reach the clipboard: the old way can.
          const area = el("textarea", { value: text, style: "position:fixed;opacity:0" });
          document.body.append(area);
          area.select();
          copy.textContent = document.execCommand("copy") ? "Copied" : "Not allowed here";
          area.remove();
        }
        setTimeout(() => {
          copy.textContent = "Copy CSV";
        }, 1600);
      },
    },
    "Copy CSV",
  );
  const menu = chooser();
  const check = (name, label) =>
    checkField(label, false, (on) => {
      tableState[name] = on;
      applyFilter();
    });
  const checks = { tied: check("tied", "tied with the best"), front: check("front", "first front") };
  const bar = el(
    "div",
    { class: "bar" },
    search,
    Object.values(checks),
    menu,
    copy,
    el(
      "button",
      { type: "button", onclick: () => download(`${run.name}-trials.csv`, "text/csv", tableCsv(shown)) },
      "Download CSV",
    ),
    status,
  );
  Object.assign(tableView, {
    set(changes) {
      Object.assign(tableState, changes);
      search.value = tableState.query;
      for (const [name, field] of Object.entries(checks)) field.querySelector("input").checked = tableState[name];
      applyFilter(tableState.page);
    },
    /** The columns as the address has them, or null where they are those of the beginning. */
    columns: () => (shown.join() === defaultColumns().join() ? null : shown.join()),
    show(keys) {
      shown = keys;
      menu.querySelectorAll("input").forEach((box) => {
        box.checked = shown.includes(box.value);
      });
      draw();
    },
  });
  listen(["filter", "chosen"], draw);
  draw();
  const lead =
    `${data.notes.join(" ")}${onlyTheFirst()} A filter holds for the plots of hyperparameters below, too. ` +
    "Tick a trial to see its curves.";
  const failed = everyTrial.filter((i) => trials.error[i]);
  part(
    "trials",
    N < ranking.all ? "The first trials" : "All trials",
    lead,
    bar,
    hint,
    host,
    pager,
    ranking.without_details
      ? el(
          "p",
          { class: "notice", style: "margin-top:.8rem" },
          "To keep this page small, curves, histories and scores of " +
            `${ranking.without_details.toLocaleString("en")} lower-ranked trials are left out; their metrics are ` +
            "all here, the rest is in the run directory.",
        )
      : null,
    failed.length
      ? el(
          "div",
          { style: "margin-top:1rem" },
          el("h3", { style: "margin-bottom:.4rem" }, "Failed"),
          scrollBox(
            "Failed trials",
            plainTable(
              ["trial", "why"],
              failed
                .slice(0, 100)
                .map((i) => [trialName(i), el("span", { style: "white-space:normal" }, trials.error[i])]),
              "Failed trials",
            ),
          ),
        )
      : null,
  );
};
