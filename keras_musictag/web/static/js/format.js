/** Numbers, times and sizes as people read them. A value that is missing is an en dash. */

const NONE = "–";

/** 0.6347 -> "0.63" */
export function score(value, digits = 2) {
  return Number.isFinite(value) ? value.toFixed(digits) : NONE;
}

/** 75.2 -> "1:15"; 3700 -> "1:01:40" */
export function clock(seconds) {
  if (!Number.isFinite(seconds)) return NONE;
  const whole = Math.max(0, Math.floor(seconds + 1e-6));
  const pad = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}

/** 0.42 -> "0.42 s", 75 -> "1 min 15 s", for time that something took. */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return NONE;
  if (seconds < 10) return `${seconds.toPrecision(2)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** The time for a screen reader: "1 minute 15 seconds". */
export function spoken(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const part = (number, unit) => (number ? [`${number} ${unit}${number === 1 ? "" : "s"}`] : []);
  const parts = [...part(Math.floor(whole / 60), "minute"), ...part(whole % 60, "second")];
  return parts.join(" ") || "0 seconds";
}

/** 3691958 -> "3.7 M" */
export function count(value) {
  if (!Number.isFinite(value)) return NONE;
  if (value >= 1e9) return `${(value / 1e9).toFixed(1)} G`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  if (value >= 1e4) return `${Math.round(value / 1e3)} k`;
  return value.toLocaleString("en");
}

/** Bytes in megabytes. */
export function megabytes(bytes) {
  return Number.isFinite(bytes) ? `${(bytes / 1e6).toFixed(bytes < 1e6 ? 2 : 1)} MB` : NONE;
}

/** 1 -> "1 tag", 3 -> "3 tags" */
export function plural(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

const METRICS = {
  roc_auc: "ROC AUC",
  pr_auc: "PR AUC",
  average_precision: "Average precision",
  mcc: "MCC",
  f1: "F1",
};

/** "roc_auc" -> "ROC AUC" */
export function metricName(key) {
  return METRICS[key] ?? key.replaceAll("_", " ");
}

/** Datasets by the names of their papers. */
export function datasetName(key) {
  const names = { mtat: "MagnaTagATune", msd: "Million Song Dataset", "mtg-jamendo": "MTG-Jamendo", gmtag: "GM-Tag" };
  return names[key] ?? key ?? NONE;
}
