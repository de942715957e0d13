// What somebody wrote down beside the run: notes.md, read as Markdown and given as elements, never as HTML.

const NOTE_TAGS = "p h3 h4 h5 h6 ul ol li em strong code pre blockquote hr br".split(" ");

const noteElement = (node) => {
  if (typeof node === "string") return node;
  const children = (node.of ?? []).map(noteElement);
  if (node.tag === "a") return el("a", { href: node.href, rel: "noopener noreferrer" }, children);
  if (!NOTE_TAGS.includes(node.tag)) return children;
  if (node.tag === "pre")
    return el("pre", { class: "code", tabindex: "0", role: "region", "aria-label": "Code of the notes" }, children);
  return el(node.tag, {}, children);
};

const drawNotes = () => {
  if (!run.notes.length) return;
  part("notes", "Notes", null, el("div", { class: "card notes" }, run.notes.map(noteElement)));
};
