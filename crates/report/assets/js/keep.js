// The choices of the page that its address keeps.

const foldsChanged = () => saveAddress();

/** Ids of trials in the address, those that are not in this page left out. */
const trialsInAddress = (text) =>
  text
    .split(",")
    .map(trialInAddress)
    .filter((trial) => trial !== null);

const keepChoices = () => {
  const first = chosenTrials();
  const same = (a, b) => a.length === b.length && a.every((trial, i) => trial === b[i]);
  keepInAddress(
    "chosen",
    () => (same(chosenTrials(), first) ? null : chosenTrials().map(idInAddress).join(",") || "none"),
    (text) => choose(trialsInAddress(text)),
  );
  keepInAddress(
    "focus",
    () => (state.focus === null || state.focus === chosenTrials()[0] ? null : idInAddress(state.focus)),
    (text) => {
      const trial = trialInAddress(text);
      if (trial !== null && chosenTrials().includes(trial)) setFocus(trial);
    },
  );
  keepInAddress(
    "threshold",
    () => thresholdView.shown(),
    (text) => thresholdView.move(Number(text)),
  );
  keepInAddress(
    "sort",
    () =>
      tableState.sort === "rank" && !tableState.down ? null : `${tableState.down ? "-" : ""}${tableState.sort}`,
    (text) => {
      const key = text.replace(/^-/, "");
      if (columnOf.has(key)) tableView.set({ sort: key, down: text.startsWith("-") });
    },
  );
  keepInAddress(
    "filter",
    () => tableState.query,
    (text) => tableView.set({ query: text }),
  );
  for (const name of ["tied", "front"])
    keepInAddress(
      name,
      () => (tableState[name] ? "yes" : null),
      (text) => tableView.set({ [name]: text === "yes" }),
    );
  keepInAddress(
    "page",
    () => (tableState.page ? String(tableState.page + 1) : null),
    (text) => tableView.set({ page: Math.max(0, Number.parseInt(text, 10) - 1 || 0) }),
  );
  keepInAddress(
    "columns",
    () => tableView.columns(),
    (text) => tableView.show(text.split(",").filter((key) => columnOf.has(key))),
  );
  keepInAddress(
    "open",
    () => {
      const open = parts.filter(({ fold }) => fold?.open);
      return open.map(({ id }) => id).join(",");
    },
    (text) =>
      text.split(",").forEach((id) => {
        const fold = parts.find((one) => one.id === id)?.fold;
        if (fold) fold.open = true;
      }),
  );
  keepInAddress(
    "trial",
    () => (panel.open ? idInAddress(panelState.trial) : null),
    (text) => {
      const trial = trialInAddress(text);
      if (trial !== null) showTrial(trial);
    },
  );
  keepInAddress(
    "beside",
    () => (panel.open && panelState.beside !== null ? idInAddress(panelState.beside) : null),
    (text) => {
      const beside = trialInAddress(text);
      if (beside !== null && panel.open && beside !== panelState.trial) showTrial(panelState.trial, beside);
    },
  );
  keepInAddress(
    "follow",
    () => (following.paused ? "no" : null),
    (text) => following.pause(text === "no"),
  );
};
