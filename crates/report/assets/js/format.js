// Numbers as the terminal report writes them.

const NOTHING = "–";

/** Whole counts without decimals, other counts with one; the rest as the metric has it. */
const formatMetric = (metric, value) => {
  if (value === null || value === undefined) return NOTHING;
  if (metric.count) return Number.isInteger(value) ? String(value) : value.toFixed(1);
  return value.toFixed(metric.decimals);
};

const formatCount = (value) => formatMetric({ count: true }, value);

const withError = (metric, value, error) => {
  const text = formatMetric(metric, value);
  return error === null || error === undefined || value === null
    ? text
    : `${text} ± ${error.toFixed(metric.count ? 1 : 4)}`;
};

/** A parameter's value. */
const formatValue = (value) =>
  value === null || value === undefined
    ? NOTHING
    : typeof value === "number" && Number.isFinite(value)
      ? String(Number(value.toPrecision(4)))
      : String(value);

const formatP = (p) => (p === null || p === undefined ? NOTHING : p < 0.001 ? "< 0.001" : p.toFixed(3));

const formatSeconds = (s) =>
  s === null || s === undefined
    ? NOTHING
    : s < 60
      ? `${s.toFixed(s < 10 ? 2 : 1)} s`
      : `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;

const percent = (share, digits = 1) =>
  share === null || share === undefined ? NOTHING : `${(share * 100).toFixed(digits)} %`;

/** Short numbers on axes. */
const axisNumber = (value) => {
  const rounded = Number(value.toPrecision(4));
  return Math.abs(rounded) >= 1e5 || (rounded !== 0 && Math.abs(rounded) < 1e-3)
    ? rounded.toExponential()
    : String(rounded);
};
