// Elements without innerHTML: whatever a spec says is text.

const el = (tag, attributes, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && ["value", "checked", "disabled", "selected", "hidden", "open"].includes(name))
      element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
};

const byId = (id) => document.getElementById(id);

let lastId = 0;
const newId = (word) => `${word}-${(lastId += 1)}`;

/** A select with its label. `options` are [value, text] or [group, [[value, text] …]]. */
const selectField = (label, options, value, onchange) => {
  const option = ([key, text]) => el("option", { value: key, selected: String(key) === String(value) }, text);
  const select = el(
    "select",
    { "aria-label": label, onchange: () => onchange(select.value) },
    options.map((entry) =>
      Array.isArray(entry[1]) ? el("optgroup", { label: entry[0] }, entry[1].map(option)) : option(entry),
    ),
  );
  return el("label", { class: "field" }, el("span", {}, label), select);
};

/** Buttons of which one is pressed. */
const segments = (label, options, value, onchange) => {
  const buttons = options.map(([key, text]) =>
    el(
      "button",
      {
        type: "button",
        "aria-pressed": String(key === value),
        onclick: () => {
          buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(options[i][0] === key)));
          onchange(key);
        },
      },
      text,
    ),
  );
  return el("div", { class: "segments", role: "group", "aria-label": label }, buttons);
};

const checkField = (label, checked, onchange) => {
  const box = el("input", { type: "checkbox", checked, onchange: () => onchange(box.checked) });
  return el("label", { class: "field" }, box, label);
};

/** A table of plain cells. `head` is a list of texts, `rows` a list of lists; the first cell of a row is its head. */
const plainTable = (head, rows, caption, className = "data") =>
  el(
    "table",
    { class: className },
    caption ? el("caption", { class: "visually-hidden" }, caption) : null,
    head
      ? el(
          "thead",
          {},
          el(
            "tr",
            {},
            head.map((text, i) => el("th", { scope: "col", class: i === 0 ? "text" : null }, text)),
          ),
        )
      : null,
    el(
      "tbody",
      {},
      rows.map((cells) =>
        el(
          "tr",
          {},
          cells.map((cell, i) => el(i === 0 ? "th" : "td", i === 0 ? { scope: "row" } : {}, cell)),
        ),
      ),
    ),
  );

/** A box that scrolls by itself, also with the keys. */
const scrollBox = (label, child, className = "scroll") =>
  el("div", { class: className, tabindex: "0", role: "region", "aria-label": label }, child);

/** Hands a text to the browser as a file. */
const download = (name, type, text) => {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = el("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
};

/** Parts of the page listen for what they show. */
const listeners = { chosen: [], filter: [], theme: [], focus: [] };
const listen = (topics, act) => topics.forEach((topic) => listeners[topic].push(act));
const tell = (topic) => listeners[topic].forEach((act) => act());

/** Sections that are closed at first, with a word on what is in them. */
const FOLDED = {
  calibration: "whether a score of 0.3 means 30 %",
  learning: "losses and AUC by epoch",
  search: "best so far, and which hyperparameter matters",
  explore: "every trial as a point or a line",
  loss: "figures 1 and 4 of the paper, of this run",
  run: "data, versions, devices over time, the sweep file",
  words: "what is meant by them here, in the terminal and in the files",
};

/** A section of the page, with its place in the contents. */
const parts = [];
const part = (id, title, lead, ...children) => {
  const heading = newId("heading");
  const head = el("h2", { id: heading }, title);
  const body = [lead ? el("p", { class: "lead" }, lead) : el("div", { class: "lead" }), children];
  const link = el("a", { class: "anchor", href: `#${id}`, "aria-label": `Link to this section: ${title}` }, "#");
  const fold = FOLDED[id]
    ? el(
        "details",
        { class: "fold", ontoggle: () => foldsChanged() },
        el("summary", {}, head, el("span", { class: "within" }, FOLDED[id])),
        body,
      )
    : null;
  const section = el("section", { class: "part", id, "aria-labelledby": heading }, link, fold ?? [head, body]);
  parts.push({ id, title, section, fold });
  byId("main").append(section);
  return section;
};
