// What the reader has chosen.

const MOST_CHOSEN = 8;

const state = {
  /** Trials for curves, in the order of their colours; null keeps the colour of one that was taken away. */
  chosen: [],
  /** Trials that pass the filter. */
  visible: everyTrial,
  /** The chosen trial whose threshold is moved. */
  focus: null,
};

const chosenTrials = () => state.chosen.filter((trial) => trial !== null);
const colourIndex = (trial) => state.chosen.indexOf(trial);

const settle = () => {
  while (state.chosen.length && state.chosen.at(-1) === null) state.chosen.pop();
  if (!chosenTrials().includes(state.focus)) state.focus = chosenTrials()[0] ?? null;
  tell("chosen");
  tell("focus");
  saveAddress();
};

const choose = (list) => {
  state.chosen = [...new Set(list)].filter((trial) => detailOf.has(trial)).slice(0, MOST_CHOSEN);
  settle();
};

/** Adds a trial or takes it away; says whether that was possible. */
const toggleChosen = (trial) => {
  const at = state.chosen.indexOf(trial);
  if (at >= 0) {
    state.chosen[at] = null;
  } else {
    if (!detailOf.has(trial) || chosenTrials().length >= MOST_CHOSEN) return false;
    const free = state.chosen.indexOf(null);
    if (free >= 0) state.chosen[free] = trial;
    else state.chosen.push(trial);
  }
  settle();
  return true;
};

const setFocus = (trial) => {
  state.focus = trial;
  tell("focus");
  saveAddress();
};

const setVisible = (list) => {
  state.visible = list;
  tell("filter");
  saveAddress();
};

/** A trial in the address: as much of its id as tells it from all others. */
const idInAddress = (trial) => {
  const short = trials.id[trial].slice(0, 8);
  return trials.id.filter((id) => id.startsWith(short)).length === 1 ? short : trials.id[trial];
};
/** The trial that the address names; null where it is not in this page. */
const trialInAddress = (id) => {
  const found = id.length < 4 ? -1 : trials.id.findIndex((one) => one.startsWith(id));
  return found < 0 ? null : found;
};
