import { cpus, release, totalmem } from "node:os";

/** One measured number, beside what was aimed at and, where there is one, a peer's in the same run. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly peer?: string;
  readonly peerValue?: number;
  /** value / peerValue. */
  readonly ratio?: number;
  /** What was to be reached, in words; empty = only measured. */
  readonly goal: string;
  readonly met: boolean;
}

export interface BenchReport {
  readonly bench: string;
  readonly machine: string;
  readonly figures: readonly Figure[];
}

export type Bench = (options: BenchOptions) => Promise<BenchReport>;

export interface BenchOptions {
  /** Progress, for people, on stderr. */
  readonly say: (text: string) => void;
  /** Shorter runs: to see that a benchmark works, not to quote. */
  readonly quick: boolean;
  /** Those of the benchmark's parts that are to run; of one without parts empty. */
  readonly parts: ReadonlySet<string>;
}

/** A figure that nothing is to be reached with, and nothing compared. */
export function alone(name: string, unit: string, value: number): Figure {
  return { name, value, unit, goal: "", met: true };
}

/** How busy the machine was. @param loads the system's load averages of a minute, from time to time */
export function loadFigure(loads: readonly number[]): Figure {
  return alone("load average of the machine (median)", "", percentile(loads, 0.5));
}

export function machine(): string {
  const [first] = cpus();
  return `${cpus().length} x ${first?.model.trim() ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${release()}, Node ${process.version}`;
}

/** A figure beside a peer's; `met` compares the two: at least or at most the peer's times `factor`. */
export function againstPeer(
  name: string,
  value: number,
  unit: string,
  peer: { readonly name: string; readonly value: number } | undefined,
  aim: "atLeast" | "atMost",
): Figure {
  const words = aim === "atLeast" ? "at least the peer's" : "at most the peer's";
  if (!peer) return { name, value, unit, goal: `${words} (peer not installed: not compared)`, met: false };
  const ratio = value / peer.value;
  return {
    name,
    value,
    unit,
    peer: peer.name,
    peerValue: peer.value,
    ratio,
    goal: words,
    met: aim === "atLeast" ? ratio >= 1 : ratio <= 1,
  };
}

/** The value at a share of sorted samples (nearest rank). @throws RangeError without samples. */
export function percentile(samples: readonly number[], share: number): number {
  if (samples.length === 0) throw new RangeError("no samples");
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] as number;
}

export function reportText(report: BenchReport): string {
  const number = (value: number): string =>
    Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(4)));
  const rows = report.figures.map((figure) => [
    figure.name,
    `${number(figure.value)} ${figure.unit}`,
    figure.peerValue === undefined ? "" : `${figure.peer} ${number(figure.peerValue)}`,
    figure.ratio === undefined ? "" : `x ${figure.ratio.toFixed(2)}`,
    figure.goal === "" ? "" : `${figure.met ? "met" : "NOT MET"}: ${figure.goal}`,
  ]);
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => (row[column] as string).length), 0));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] as number))
      .join("  ")
      .trimEnd(),
  );
  return [`${report.bench} on ${report.machine}`, ...lines].join("\n");
}
