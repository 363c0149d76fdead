/** Figures over time, each measured. Series are columns of equal length; a missing sample is null. */
export interface Series {
  readonly name: string;
  /** "ms", "/s", "%", "cores", "" ... */
  readonly unit: string;
  readonly values: readonly (number | null)[];
}

export interface MetricsChart {
  readonly id:
    | "connectivity"
    | "latency"
    | "throughput"
    | "decisionLatency"
    | "participation"
    | "elections"
    | "load"
    | "loadDeviation"
    | "memory"
    | "detection"
    | "partition"
    /** How far the others trust each agent. */
    | "reputation"
    /** Only where consensus survives liars. */
    | "faultThreshold"
    /** Only by gossip, instead of participation and elections. */
    | "agreement"
    | "behind"
    | "convergence"
    | "broadcasts";
  readonly title: string;
  /** What is measured, how and over what, in one sentence. */
  readonly meaning: string;
  readonly series: readonly Series[];
}

export interface MetricsView {
  readonly swarm: string;
  /** Sample times, ms since the epoch, rising; one a second. */
  readonly timesMs: readonly number[];
  readonly charts: readonly MetricsChart[];
  /** The seed's figures at a glance, for the tables and the CLI. */
  readonly summary: readonly {
    readonly name: string;
    readonly value: number | null;
    readonly unit: string;
    readonly meaning: string;
  }[];
  /** Agents whose load is above 0.8 of a core now. */
  readonly hotspots: readonly string[];
}
