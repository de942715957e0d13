// Light and dark, and the colours of plots.

const themeKey = "focalsweep-report-theme";
const remembered = () => {
  try {
    return localStorage.getItem(themeKey);
  } catch {
    return null;
  }
};
const systemDark = matchMedia("(prefers-color-scheme: dark)");
let themeChoice = ["light", "dark"].includes(remembered()) ? remembered() : "auto";
const isPrinting = () => document.documentElement.classList.contains("printing");
const isDark = () => !isPrinting() && (themeChoice === "auto" ? systemDark.matches : themeChoice === "dark");

const applyTheme = () => {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  tell("theme");
};
const setTheme = (choice) => {
  themeChoice = choice;
  try {
    localStorage.setItem(themeKey, choice);
  } catch {
    /* a page opened from a file may not remember */
  }
  applyTheme();
};
systemDark.addEventListener("change", applyTheme);
document.documentElement.dataset.theme = isDark() ? "dark" : "light";

const themeSwitch = () =>
  el(
    "div",
    { class: "theme" },
    segments(
      "Theme",
      [
        ["auto", "Auto"],
        ["light", "Light"],
        ["dark", "Dark"],
      ],
      themeChoice,
      setTheme,
    ),
  );

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// Okabe & Ito's colours for all kinds of colour vision, darker or lighter as the ground needs; lines differ by dashes,
// too.
const LIGHT = ["#0072b2", "#c8500a", "#00805c", "#b0568c", "#9a6a00", "#3b3f46", "#4a90c2", "#8d4fb8"];
const DARK = ["#5db0ea", "#f58a4e", "#35c79b", "#e29ac6", "#e3b341", "#c3c9d1", "#a7d3f5", "#c49be8"];
const DASHES = ["solid", "solid", "solid", "solid", [8, 4], [8, 4], [3, 3], [3, 3]];
const chosenColour = (trial) => (isDark() ? DARK : LIGHT)[Math.max(0, colourIndex(trial)) % LIGHT.length];
const chosenDash = (trial) => DASHES[Math.max(0, colourIndex(trial)) % DASHES.length];
const categorical = () => (isDark() ? DARK : LIGHT);

// Cividis (Nunez et al. 2018): even steps, the same for all kinds of colour vision.
const CIVIDIS = [
  "#00224e",
  "#123570",
  "#3b496c",
  "#575d6d",
  "#707173",
  "#8a8678",
  "#a59c74",
  "#c3b369",
  "#e1cc55",
  "#fee838",
];
/** From worse to better, so that bright is good whichever way the metric goes. */
const scaleColours = (goal, colours = CIVIDIS) => (goal < 0 ? [...colours].reverse() : colours);
/** For points and lines: the end that would vanish in the ground is left out. */
const lineColours = () => (isDark() ? CIVIDIS.slice(3) : CIVIDIS.slice(0, 9));
