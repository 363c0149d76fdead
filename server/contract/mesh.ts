import type { ConsensusKind } from "./consensus.ts";
import type { Expectations } from "./expect.ts";
import type { Chaos, FaultSpec, FaultTrigger, PresetSpec } from "./faults.ts";
import type { ProposalSettings } from "./proposals.ts";

export const TOPOLOGY_NAMES = [
  "mesh",
  "ring",
  "star",
  "grid",
  "hierarchical",
  "k-regular",
  "small-world",
  "hyparview",
] as const;
/** Topologies that have a name; others are a list of links. */
export type TopologyName = (typeof TOPOLOGY_NAMES)[number];

/** A mesh file (`*.mesh.yaml`) after parsing: every default filled in. docs/mesh-file.md is its reference. */
export interface Mesh {
  readonly name: string;
  readonly agents: readonly MeshAgent[];
  readonly topology: {
    readonly kind: TopologyName | "links";
    /** How many links an agent has: at least, of k-regular and small-world; at most, of hyparview; of no other. */
    readonly degree?: number;
    /** Of `links`; otherwise none. */
    readonly links: readonly (readonly [string, string])[];
  };
  readonly consensus: ConsensusKind;
  /** How linearizable reads are made sure of: by asking a majority, or by a lease while clocks run at about the same rate. */
  readonly reads: ReadMode;
  /** By whom the memory is replicated. */
  readonly memory: MemoryMode;
  /** How agents find out who is alive. */
  readonly detector: DetectorKind;
  readonly timing: Timing;
  /** Agents go on when their coordinator is gone, for ever. */
  readonly detached: boolean;
  /** How long agents live without a coordinator, ms. */
  readonly graceMs: number;
  /** First port; agents take consecutive ones. 0 = free ones. */
  readonly basePort: number;
  /** An IP address of this machine at which agents of other hosts take part, over TLS; null: all are on this machine. */
  readonly listen: string | null;
  /** Tasks one agent runs at a time. */
  readonly slots: number;
  readonly taskLeaseMs: number;
  /** Work to submit once a leader is known. */
  readonly tasks: readonly MeshTask[];
  /** How proposals are decided, and how agents vote on them. */
  readonly proposals: ProposalSettings;
  /** Faults that unfold by themselves. */
  readonly faults: readonly PlannedFault[];
  /** Faults drawn at random, besides; null: none. */
  readonly chaos: Chaos | null;
  /** What every run of it is judged by. */
  readonly expect: Expectations;
  /** What live agents record of themselves; null: nothing. */
  readonly recording: RecordingLimits | null;
  /** What simulated runs are told rather than draw; null: nothing. */
  readonly simulate: SimulatedRun | null;
}

/** What a simulated run draws from its seed, said instead; null: drawn, or as usual. Of no use to a real swarm. */
export interface SimulatedRun {
  /** Tried when nobody names others. */
  readonly seed: number | null;
  /** How long faults and work last, virtual ms. */
  readonly forMs: number | null;
  /** That use the memory and submit tasks, one operation at a time each. */
  readonly clients: number | null;
  /** That they begin, all together. */
  readonly operations: number | null;
  /** Bad luck of all kinds besides the file's own faults: exactly when the file has none, if it is not said. */
  readonly chaos: boolean | null;
  /** Agents join and leave meanwhile: in half of the runs under chaos, if it is not said. */
  readonly members: boolean | null;
  /** Clients count and keep sets, too, which is for gossip; null: they do not. */
  readonly counters: boolean | null;
}

export const READ_MODES = ["readIndex", "lease"] as const;
export type ReadMode = (typeof READ_MODES)[number];

export const MEMORY_MODES = ["consensus", "eventual"] as const;
/** consensus: as everything else is, in one order. eventual: by gossip, whatever the rest is decided by; so it always is where that is gossip. */
export type MemoryMode = (typeof MEMORY_MODES)[number];

/** The memory has gossip of its own, beside a consensus that gives an order. */
export function remembersBeside({ consensus, memory }: Pick<Mesh, "consensus" | "memory">): boolean {
  return memory === "eventual" && consensus !== "gossip";
}

export const DETECTOR_KINDS = ["swim", "heartbeat"] as const;
/** swim: they probe one another, and news travels on the probes. heartbeat: they listen to everybody's heartbeats, and a quorum confirms a failure. */
export type DetectorKind = (typeof DETECTOR_KINDS)[number];

/** Bounds of one agent's recording, over all its lives: the oldest goes first. */
export interface RecordingLimits {
  readonly sizeBytes: number;
  readonly ageMs: number;
  /** Recordings stay when the swarm has been stopped. */
  readonly keep: boolean;
}

export interface MeshAgent {
  readonly id: string;
  /** Where it is: a place that may fail as a whole. All agents of a mesh have one, or none has. */
  readonly zone?: string;
}

export const TIMING_PROFILES = ["local", "lan", "wan", "seed"] as const;
export type TimingProfile = (typeof TIMING_PROFILES)[number];

export interface Timing {
  readonly profile: TimingProfile;
  /** Raft. */
  readonly heartbeatMs: number;
  readonly electionTimeoutMinMs: number;
  readonly electionTimeoutMaxMs: number;
  /** Membership by probing: how often one member is probed, how long a ping may take, and how many times log10(n) periods a suspect has at least. */
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
  readonly suspicionMultiplier: number;
  /** Membership by heartbeats. */
  readonly memberHeartbeatMs: number;
  readonly suspectAfterMs: number;
  readonly failAfterMs: number;
  readonly failAfterClosedMs: number;
}

export interface MeshTask {
  readonly id: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly timeoutMs: number;
  readonly maxAttempts: number;
  readonly agent: string;
}

export interface PlannedFault {
  readonly trigger: FaultTrigger;
  readonly fault: FaultSpec | PresetSpec;
}

/** Where and what is wrong in a mesh file. Lines and columns count from 1. */
export interface MeshDiagnostic {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  readonly severity: "error" | "warning";
  /** What is wrong and what to do. */
  readonly message: string;
  /** For tests and quick fixes: unknownKey, wrongType, outOfRange, duplicateId, notYaml, ... */
  readonly code: string;
}
