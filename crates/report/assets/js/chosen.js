// The trials whose curves are shown, and quick ways to choose some.

const sameBut = (trial, name) =>
  JSON.stringify(
    data.parameters.filter((parameter) => parameter.name !== name).map((parameter) => parameter.values[trial]),
  );

/** Trials that differ in the bias that they start from only. */
const biasTrials = () => {
  const bias = data.parameters.find((parameter) => parameter.is_start);
  if (!bias?.swept) return [];
  const groups = Map.groupBy(
    everyTrial.filter((i) => detailOf.has(i) && hasMetrics(i)),
    (i) => sameBut(i, bias.name),
  );
  return [...groups.values()].find((group) => new Set(group.map((i) => bias.values[i])).size > 1) ?? [];
};

/** The best trial of each combination of loss and sampling. */
const rivals = () => {
  const making = data.parameters.filter((parameter) => parameter.makes_method);
  const kind = (i) => JSON.stringify(making.map((parameter) => parameter.values[i]));
  return [
    ...Map.groupBy(
      everyTrial.filter((i) => detailOf.has(i) && hasMetrics(i)),
      kind,
    ).values(),
  ].map((group) => group[0]);
};

/** That fewer can be chosen than there are. */
const leftOut = (list) => (list.length > MOST_CHOSEN ? `, the first ${MOST_CHOSEN} of ${list.length}` : "");

const presets = () => {
  const named = [ranking.winner, ranking.baseline, ranking.published?.trial].filter(
    (trial) => trial !== null && trial !== undefined,
  );
  const list = [
    ["Winner and rivals", named],
    ["Best 5", everyTrial.slice(0, 5)],
  ];
  if (rivals().length > 1) list.splice(1, 0, ["Best of each loss", rivals()]);
  if (biasTrials().length > 1) list.push([`Initial biases${leftOut(biasTrials())}`, biasTrials()]);
  return list;
};

const firstChoice = () => {
  const named = [ranking.winner, ranking.baseline, ranking.published?.trial].filter(
    (trial) => trial !== null && trial !== undefined && hasMetrics(trial),
  );
  const more = rivals().length > 1 ? rivals() : [];
  const all = [...new Set([...named, ...more])].slice(0, 5);
  choose(all.length ? all : everyTrial.slice(0, 1));
};

const roleOf = (trial) =>
  [
    trial === ranking.winner && "winner",
    trial === ranking.baseline && "plain cross-entropy",
    trial === ranking.published?.trial && (ranking.published.exact ? "published pair" : "near the published pair"),
  ]
    .filter(Boolean)
    .join(", ");

const chosenBar = () => {
  const chips = el("div", { class: "chips", role: "list", "aria-label": "Chosen trials" });
  const picker = el("input", {
    type: "search",
    list: "trial-list",
    placeholder: "Add a trial by rank or name",
    "aria-label": "Add a trial by rank or name",
    style: "width:15rem;max-width:100%",
  });
  const list = el(
    "datalist",
    { id: "trial-list" },
    data.details.slice(0, 500).map((detail) => el("option", { value: trialName(detail.trial) })),
  );
  const add = () => {
    const rank = Number.parseInt(picker.value, 10);
    const trial = trials.rank.indexOf(rank);
    if (trial >= 0 && !chosenTrials().includes(trial) && toggleChosen(trial)) picker.value = "";
  };
  picker.addEventListener("change", add);
  const draw = () => {
    const names = namesOf(chosenTrials());
    chips.replaceChildren(
      ...chosenTrials().map((trial) =>
        el(
          "span",
          { class: "chip", role: "listitem" },
          el(
            "span",
            { class: "name", title: trialName(trial) },
            el("span", { class: "swatch", style: `background:${chosenColour(trial)}` }),
            names.get(trial),
            roleOf(trial) ? ` (${roleOf(trial)})` : "",
          ),
          el(
            "button",
            { type: "button", "aria-label": `Take away trial ${rankOf(trial)}`, onclick: () => toggleChosen(trial) },
            "✕",
          ),
        ),
      ),
    );
    if (!chosenTrials().length) chips.replaceChildren(el("span", { role: "listitem" }, "No trial chosen."));
  };
  listen(["chosen", "theme"], draw);
  draw();
  const pair = el("button", { type: "button", onclick: () => showTrial(...chosenTrials().slice(0, 2)) }, "");
  const drawPair = () => {
    const names = chosenTrials().slice(0, 2).map(rankOf);
    pair.disabled = names.length < 2;
    pair.textContent = names.length < 2 ? "Side by side" : `${names.join(" and ")} side by side`;
  };
  listen(["chosen"], drawPair);
  drawPair();
  return [
    el(
      "div",
      { class: "bar choosing" },
      el("span", { class: "eyebrow" }, "Chosen trials"),
      picker,
      list,
      N > 1 && presets().map(([name, wanted]) => el("button", { type: "button", onclick: () => choose(wanted) }, name)),
      N > 1 && pair,
    ),
    el("div", { class: "chosen" }, chips),
  ];
};
