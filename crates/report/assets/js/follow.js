// A run that goes on: what the page says of it, and that the page loads itself again while `focalsweep watch` makes it.

/** Whoever did something so many milliseconds ago is not disturbed. */
const AT_REST = 4000;

const following = {
  paused: false,
  touched: 0,
  button: null,
  pause(paused) {
    following.paused = paused;
    if (following.button) {
      following.button.setAttribute("aria-pressed", String(paused));
      following.button.textContent = paused ? "Paused" : "Pause";
    }
    saveAddress();
  },
};

/** That not all of the run is here; null where it is. */
const soFarBanner = () => {
  const soFar = run.so_far;
  if (!soFar) return null;
  const done = `${soFar.rows.toLocaleString("en")} of ${soFar.of.toLocaleString("en")} rows`;
  const words = soFar.goes_on
    ? `The run goes on: ${done} so far, and all that is said here is of these.`
    : `The run ended before it was done: ${done}, and all that is said here is of these.`;
  const again = run.reload_seconds
    ? ` This page loads itself again every ${run.reload_seconds} s while nobody uses it.`
    : "";
  if (run.reload_seconds)
    following.button = el(
      "button",
      { type: "button", "aria-pressed": "false", onclick: () => following.pause(!following.paused) },
      "Pause",
    );
  return el(
    "div",
    { class: "so-far", role: "status" },
    el("progress", { max: soFar.of, value: soFar.rows, "aria-label": "Rows so far" }),
    el("span", {}, `${words}${again}`),
    following.button,
  );
};

const drawFollowing = () => {
  if (!run.reload_seconds) return;
  const touch = () => {
    following.touched = Date.now();
  };
  for (const event of ["pointermove", "pointerdown", "keydown", "wheel", "touchstart", "scroll"])
    addEventListener(event, touch, { passive: true, capture: true });
  setInterval(() => {
    const busy = following.paused || document.hidden || panel.open || Date.now() - following.touched < AT_REST;
    if (busy) return;
    writeAddress();
    location.reload();
  }, run.reload_seconds * 1000);
};
