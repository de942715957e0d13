// The page from top to bottom.

const drawContents = () => {
  const links = parts.map(({ id, title }) => el("a", { href: `#${id}` }, title));
  byId("contents").append(
    el(
      "ol",
      {},
      links.map((link) => el("li", {}, link)),
    ),
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
drawContents();
document.documentElement.dataset.ready = "true";
