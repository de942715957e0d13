// The page from top to bottom.

const folds = () => parts.map(({ fold }) => fold).filter(Boolean);
const foldSwitch = () => {
  if (!folds().length) return "";
  const all = () => folds().every((fold) => fold.open);
  const button = el("button", {
    type: "button",
    class: "unfold",
    onclick: () => {
      const open = !all();
      folds().forEach((fold) => {
        fold.open = open;
      });
    },
  });
  const draw = () => {
    button.textContent = all() ? "Fold sections" : "Open all sections";
  };
  folds().forEach((fold) => fold.addEventListener("toggle", draw));
  draw();
  return button;
};

const drawContents = () => {
  const links = parts.map(({ id, title }) => el("a", { href: `#${id}` }, title));
  byId("contents").append(
    el(
      "ol",
      {},
      links.map((link) => el("li", {}, link)),
    ),
    foldSwitch(),
  );
  const current = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        parts.forEach(({ section }, i) =>
          section === entry.target
            ? links[i].setAttribute("aria-current", "true")
            : links[i].removeAttribute("aria-current"),
        );
      }
    },
    { rootMargin: "-10% 0px -80% 0px" },
  );
  parts.forEach(({ section }) => current.observe(section));
};

firstChoice();
drawTop();
drawHeadline();
drawNotes();
drawMaps();
drawTable();
if (data.details.length && ranking.winner !== null) {
  // The bar of chosen trials stays in sight for as long as they are shown.
  const before = parts.length;
  drawCurves();
  drawThresholds();
  drawCalibration();
  drawLearning();
  const group = el("div", { class: "of-chosen" });
  parts[before].section.before(group);
  group.append(...chosenBar(), ...parts.slice(before).map(({ section }) => section));
}
drawSearch();
drawExplore();
drawLosses();
drawRun();
drawWords();
drawContents();
keepChoices();
restoreAddress();
drawFollowing();
document.documentElement.dataset.ready = "true";
