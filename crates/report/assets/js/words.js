// The glossary: one meaning each.

const drawWords = () => {
  const list = el("dl", { class: "words" });
  for (const [word, meaning] of data.words) list.append(el("dt", {}, word), el("dd", {}, meaning));
  part("words", "Words", null, el("div", { class: "card" }, list));
};
