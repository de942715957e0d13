// What the reader has chosen. Parts of the page listen for what they show.

const MOST_CHOSEN = 8;
const listeners = { chosen: [], filter: [], theme: [], focus: [] };
const listen = (topics, act) => topics.forEach((topic) => listeners[topic].push(act));
const tell = (topic) => listeners[topic].forEach((act) => act());

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
};

const setVisible = (list) => {
  state.visible = list;
  tell("filter");
};
