// The glossary: one meaning each.

const drawWords = () => {
  const table = plainTable(["Word", "What it means here"], data.words, "Words and what they mean", "plain words");
  part("words", "Words", null, el("div", { class: "card" }, table));
};
