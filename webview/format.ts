/** Numbers as people read them. What is not known is a dash, never a zero. */

const UNKNOWN = "–";

/** A short decimal: three significant digits at most, no trailing zeros. What is less than 1 is not rounded to it: of a probability that would say more than is known. */
export function formatNumber(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return UNKNOWN;
  if (value === 0) return "0";
  const magnitude = Math.abs(value);
  if (magnitude >= 10_000) return Math.round(value).toLocaleString("en-US");
  const digits = magnitude >= 100 ? 0 : magnitude >= 10 ? 1 : magnitude >= 1 ? 2 : 3;
  const shown = Number(value.toFixed(digits));
  return String(shown === 1 && value < 1 ? 0.999 : shown);
}

/** A number with its unit: "12.5 ms", "3 /s", "97 %". */
export function formatWithUnit(value: number | null, unit: string): string {
  if (value === null || !Number.isFinite(value)) return UNKNOWN;
  if (unit === "B" || unit === "bytes") return formatBytes(value);
  const counted = COUNTED[unit];
  if (counted !== undefined) return plural(value, counted);
  return unit === "" ? formatNumber(value) : `${formatNumber(value)} ${unit}`;
}

/** What is counted, as one of it. */
const COUNTED: Readonly<Record<string, string>> = { agents: "agent", operations: "operation" };

/** As formatWithUnit, in little room: what is counted is not named again. */
export function formatBriefly(value: number | null, unit: string): string {
  return formatWithUnit(value, unit in COUNTED ? "" : unit);
}

/** A duration given in ms: "0.4 ms", "1.5 s", "2 min 5 s", "3 h 10 min". */
export function formatDuration(ms: number | null): string {
  if (ms === null || !Number.isFinite(ms)) return UNKNOWN;
  if (Math.abs(ms) < 1000) return `${formatNumber(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${formatNumber(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return joined(Math.floor(whole / 60), "min", whole % 60, "s");
  const minutes = Math.round(whole / 60);
  return joined(Math.floor(minutes / 60), "h", minutes % 60, "min");
}

function joined(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** Bytes in binary units: "59.2 MiB". */
export function formatBytes(bytes: number | null): string {
  if (bytes === null || !Number.isFinite(bytes)) return UNKNOWN;
  if (bytes < 1024) return `${formatNumber(bytes)} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${formatNumber(value)} ${units[unit]}`;
}

/** A share of one core, or of frames: "12 %". */
export function formatShare(share: number | null): string {
  return share === null ? UNKNOWN : `${formatNumber(Math.round(share * 1000) / 10)} %`;
}

/** A wall-clock time with ms, local: "14:02:31.123". */
export function formatClock(ms: number, fractionDigits: 0 | 1 | 2 | 3 = 3): string {
  const date = new Date(Math.floor(ms));
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((n) => String(n).padStart(2, "0"))
    .join(":");
  if (fractionDigits === 0) return clock;
  return `${clock}.${String(date.getMilliseconds()).padStart(3, "0").slice(0, fractionDigits)}`;
}

/** "1 agent", "5 agents". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
}

/** Made once: making one costs more than a hundred comparisons. */
const collator = new Intl.Collator("en", { numeric: true });

/** Orders a2 before a10. */
export function compareIds(a: string, b: string): number {
  return collator.compare(a, b);
}

/** With its first letter in capitals. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
