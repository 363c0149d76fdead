import type { CoreReport } from "../../agent/types.ts";
import type { AgentReport, FaultedFrames } from "../../contract/swarm.ts";
import type { SignatureCounts } from "./crypto.ts";

/** As the contract of reports says. */
const MAX_LATENCIES = 512;

/** What only the process knows. */
export type ProcessPart = Pick<
  AgentReport,
  "pid" | "port" | "cpuSeconds" | "rssBytes" | "logBytes" | "fsyncs" | "fsyncP99Ms" | "recording"
>;

export interface ReportSources {
  /** Takes the samples collected since it was last called. */
  readonly core: () => CoreReport;
  readonly process: () => ProcessPart;
  readonly signatures: () => SignatureCounts;
  /** The hash of the replicated state, and the entry it is of; besides, what is alike in any order where there is none. Takes time in proportion to the state. */
  readonly state: () => Required<Pick<AgentReport, "stateHash" | "stateHashIndex">> &
    Pick<AgentReport, "convergedHash">;
  /** What faults did to the frames of the link with a peer. */
  readonly faulted: (peer: string) => FaultedFrames;
}

/** What a reader has not been told yet, because another reader's report took it from the agent. */
interface Untold {
  latenciesMs: readonly number[];
  participation: number | null;
  links: Map<string, { readonly p50: number | null; readonly p99: number | null }>;
}

/**
 * Makes reports for several readers. The agent gives its samples out once; here they are kept for each reader until that one has them, so that one
 * who asks by chance takes nothing from the coordinator.
 */
export class ReportDesk {
  readonly #sources: ReportSources;
  readonly #readers = new Map<number, Untold>();

  constructor(sources: ReportSources) {
    this.#sources = sources;
  }

  /** From now on what others are told is kept for this reader. */
  join(reader: number): void {
    this.#readers.set(reader, { latenciesMs: [], participation: null, links: new Map() });
  }

  leave(reader: number): void {
    this.#readers.delete(reader);
  }

  /** The same with the hash of the state. */
  detailed(reader: number): AgentReport {
    return { ...this.report(reader), ...this.#sources.state() };
  }

  /** A report with everything that is new to this reader; for one that never joined, with what is new to anybody. */
  report(reader: number): AgentReport {
    const fresh = this.#sources.core();
    for (const [other, untold] of this.#readers) if (other !== reader) remember(untold, fresh);
    const mine = this.#readers.get(reader);
    const merged = mine === undefined ? fresh : withUntold(fresh, mine);
    if (mine !== undefined) this.join(reader);
    const links = merged.links.map((link) => ({ ...link, ...this.#sources.faulted(link.peer) }));
    const pbft = merged.pbft && { pbft: { ...merged.pbft, ...this.#sources.signatures() } };
    return { ...merged, links, ...pbft, ...this.#sources.process() };
  }
}

function remember(untold: Untold, fresh: CoreReport): void {
  untold.latenciesMs = sampled([...untold.latenciesMs, ...fresh.decisionLatenciesMs]);
  untold.participation = fresh.ackParticipation ?? untold.participation;
  for (const { peer, latencyP50Ms, latencyP99Ms } of fresh.links)
    if (latencyP50Ms !== null) untold.links.set(peer, { p50: latencyP50Ms, p99: latencyP99Ms });
}

function withUntold(fresh: CoreReport, untold: Untold): CoreReport {
  return {
    ...fresh,
    decisionLatenciesMs: sampled([...untold.latenciesMs, ...fresh.decisionLatenciesMs]),
    ackParticipation: fresh.ackParticipation ?? untold.participation,
    links: fresh.links.map((link) => {
      const before = untold.links.get(link.peer);
      return link.latencyP50Ms !== null || before === undefined
        ? link
        : { ...link, latencyP50Ms: before.p50, latencyP99Ms: before.p99 };
    }),
  };
}

/** Evenly thinned out to the number that a report may hold. */
function sampled(values: readonly number[]): readonly number[] {
  if (values.length <= MAX_LATENCIES) return values;
  return Array.from(
    { length: MAX_LATENCIES },
    (_, at) => values[Math.floor((at * values.length) / MAX_LATENCIES)] as number,
  );
}
