// What the reader sees, in the address after #: the section, then what was chosen, as in
// #trials?sort=-test_fn&filter=gamma%3D2. Whoever is sent the address sees the same, and a page that follows its run
// keeps it when it loads itself again.

const inAddress = new Map();
let placeInAddress = "";
let isRestoring = false;
let savingAddress = null;

/** Keeps a choice in the address: `get` gives a text, or null where it is as at first; `set` takes such a text. */
const keepInAddress = (name, get, set) => inAddress.set(name, { get, set });

/** `#place?query` in its two parts. */
const readAddress = () => {
  const hash = location.hash.slice(1);
  const at = hash.indexOf("?");
  return at < 0
    ? { place: hash, wanted: new URLSearchParams() }
    : { place: hash.slice(0, at), wanted: new URLSearchParams(hash.slice(at + 1)) };
};

const writeAddress = () => {
  clearTimeout(savingAddress);
  const wanted = new URLSearchParams();
  for (const [name, { get }] of inAddress) {
    const text = get();
    if (text !== null && text !== undefined && text !== "") wanted.set(name, text);
  }
  const query = wanted.toString();
  const hash = `#${placeInAddress}${query ? `?${query}` : ""}`;
  if (hash === (location.hash || "#")) return;
  try {
    history.replaceState(history.state, "", hash);
  } catch {
    /* a page within another may not have an address of its own */
  }
};

/** To be called whenever something changes that is kept. */
const saveAddress = () => {
  if (isRestoring) return;
  clearTimeout(savingAddress);
  savingAddress = setTimeout(writeAddress, 150);
};

/** Opens what folds around an element and goes there. */
const goTo = (id) => {
  const target = id && byId(id);
  if (!target) return;
  for (const fold of [target.querySelector(":scope > details.fold"), target.closest("details.fold")])
    if (fold) fold.open = true;
  target.scrollIntoView();
};

/** Takes what the address says; a part of it that means nothing here is left out. */
const restoreAddress = () => {
  const { place, wanted } = readAddress();
  isRestoring = true;
  for (const [name, { set }] of inAddress) if (wanted.has(name)) set(wanted.get(name));
  isRestoring = false;
  placeInAddress = byId(place) ? place : "";
  // A page that is loaded again stays where it is.
  const again = performance.getEntriesByType("navigation")[0]?.type === "reload";
  if (placeInAddress && !again) goTo(placeInAddress);
};

addEventListener("hashchange", () => {
  const { place, wanted } = readAddress();
  if ([...wanted.keys()].length) return restoreAddress();
  placeInAddress = byId(place) ? place : "";
  goTo(placeInAddress);
  writeAddress();
});
