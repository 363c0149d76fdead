/**
 * What the faces (VS Code through the language server, the CLI, later MCP) ask of the coordinator. As custom requests of the language server
 * the method is `agentMesh/<name>`; over the coordinator's control socket (path `/coordinator`, bearer token, JSON-RPC 2.0 in text frames) the same names and types.
 */
import type { AggregateInfo } from "./aggregate.ts";
import type { ItemType } from "./client.ts";
import type { ConsensusKind } from "./consensus.ts";
import type { HeldEvidence, ProofVerdict } from "./evidence.ts";
import type { ExpectationResult } from "./expect.ts";
import type { ActiveFault, ActivePreset, FaultSpec, PresetSpec } from "./faults.ts";
import type { HistoryLine } from "./history.ts";
import type { MeshDiagnostic, TopologyName } from "./mesh.ts";
import type { MetricsView } from "./metrics.ts";
import type { SideNote } from "./partition.ts";
import type { Certificate, ProposalInfo, ProposalRequest, ProposalView } from "./proposals.ts";
import type { SimulatedView } from "./simulated.ts";
import type { Coverage, SearchSummary, SeedRange } from "./simulation.ts";
import type { MembersView, SwarmView, TaskInfo, TaskRequest } from "./swarm.ts";
import type { TimelineEvent, TimelineQuery, TimelineSearch, TimelineSearchResult, TimelineWindow } from "./timeline.ts";
import type { LinksEach, Rewired, RewireRequest, TopologyPlanView } from "./topology.ts";

export interface QuickMesh {
  readonly name: string;
  readonly agents: number;
  readonly topology: TopologyName;
  readonly consensus: ConsensusKind;
}

export type InitSwarm =
  /** A mesh file; tasks run in its folder. */
  | {
      readonly file: string;
      readonly operation: string;
      /** Runs the background workload also where nothing that the file expects needs it. */
      readonly workload?: boolean;
    }
  | { readonly quick: QuickMesh; readonly folder: string; readonly operation: string };

/** A value as people type it: UTF-8 text, or base64 where it is not. */
export interface MemoryItemView {
  readonly namespace: string;
  readonly key: string;
  readonly text: string;
  readonly encoding: "utf8" | "base64";
  readonly version: number;
  readonly expiresAtMs: number | null;
  /** Absent: a value. Of a counter `text` is its total; of a set its elements as a JSON array. */
  readonly type?: ItemType;
}

export type MemoryRequest = {
  /** This agent is asked, and no other. Absent: whichever answers, the leader if it can be reached. */
  readonly agent?: string;
} & MemoryOperation;

export type MemoryOperation =
  | {
      readonly swarm: string;
      readonly op: "get";
      readonly namespace: string;
      readonly key: string;
      /** Whatever the agent asked has, also where nothing can be decided. Absent: the best that the swarm has. */
      readonly consistency?: "local";
    }
  | {
      readonly swarm: string;
      readonly op: "put";
      readonly namespace: string;
      readonly key: string;
      readonly text: string;
      readonly ttlMs?: number;
    }
  | { readonly swarm: string; readonly op: "delete"; readonly namespace: string; readonly key: string }
  | {
      readonly swarm: string;
      readonly op: "compareAndSet";
      readonly namespace: string;
      readonly key: string;
      readonly text: string;
      readonly expectedVersion: number;
      readonly ttlMs?: number;
    }
  /** By gossip alone. */
  | {
      readonly swarm: string;
      readonly op: "increment";
      readonly namespace: string;
      readonly key: string;
      readonly by: number;
    }
  | {
      readonly swarm: string;
      readonly op: "add" | "remove";
      readonly namespace: string;
      readonly key: string;
      readonly element: string;
    }
  | {
      readonly swarm: string;
      readonly op: "list";
      readonly namespace: string;
      readonly prefix?: string;
      readonly limit?: number;
      readonly consistency?: "local";
    };

/** Where something was read, if that agent is cut off: what it has may be old. Absent: it is not, as far as it knows. */
export interface ReadAt {
  readonly from?: string;
  readonly side?: SideNote;
}

export type MemoryAnswer =
  | ({ readonly type: "item"; readonly item: MemoryItemView | null } & ReadAt)
  | ({ readonly type: "items"; readonly items: readonly MemoryItemView[]; readonly more: boolean } & ReadAt)
  | ({ readonly type: "written"; readonly version: number } & Vouched)
  | ({ readonly type: "conflict"; readonly version: number } & Vouched)
  | ({ readonly type: "deleted"; readonly existed: boolean } & Vouched)
  | { readonly type: "counted"; readonly total: number }
  | { readonly type: "added"; readonly created: boolean }
  | { readonly type: "removed"; readonly existed: boolean };

export interface Vouched {
  /** The agents that say so, where one agent's word is not enough (pbft). */
  readonly vouchedBy?: readonly string[];
}

export interface SimulateRequest {
  readonly file: string;
  readonly seeds: SeedRange;
  readonly operation: string;
}

/** A simulated swarm that all views show. */
export interface WatchSimulation {
  readonly file: string;
  readonly seed: number;
  /** Times real time (contract/simulated.ts); null: as fast as it goes; absent: 1. */
  readonly speed?: number | null;
  /** The very run that `simulate` judges by this seed, which nobody may ask anything of; absent: one that is anybody's to ask, and has no end. */
  readonly judged?: boolean;
  /** Of a judged run: bad luck of all kinds besides the file's own faults; absent: exactly when it has none. */
  readonly chaos?: boolean;
  readonly operation: string;
}

export interface ShrinkRequest {
  readonly file: string;
  /** One that breaks something. */
  readonly seed: number;
  readonly operation: string;
}

/** A small mesh file that breaks for the same reason. Nothing is written yet. */
export interface ShrunkSeed {
  /** Where it belongs, beside the original; absolute where that is. */
  readonly path: string;
  readonly text: string;
  readonly invariant: string;
}

export interface SeedReport {
  readonly seed: number;
  readonly traceHash: string;
  readonly virtualMs: number;
  readonly delivered: number;
  readonly elections: number;
  readonly committed: number;
  readonly operations: number;
  /** null when nothing that is expected was broken; else what was first. */
  readonly violation: { readonly invariant: string; readonly atMs: number; readonly detail: string } | null;
  /** Titles of faults in this run, each once, that its consensus does not promise to survive (agents that lie, disks that lose what they said was safe): what broke may be their doing. */
  readonly beyondPromise: readonly string[];
  /** One for everything the mesh file expects. */
  readonly expectations: readonly ExpectationResult[];
  readonly coverage: Coverage;
}

/** One change of a running swarm's members. Waits until it is whole: an agent that is added has caught up, one that is removed has ended. */
export type MembersRequest =
  /** A new agent, with a process of its own. agent absent: the next free id. learner: it stays one, without a vote. */
  | { readonly kind: "add"; readonly agent?: string; readonly learner: boolean }
  /** A learner gets a vote. */
  | { readonly kind: "promote"; readonly agent: string }
  /** It leaves the members, and its process ends, for good: its id is not used again. */
  | { readonly kind: "remove"; readonly agent: string };

/** A recording in the `.agent-mesh` of a folder: of a swarm that is there, or, `kept`, of one that was stopped and said `keep`. */
export interface RecordingPlace {
  /** The swarm's folder, absolute. */
  readonly folder: string;
  /** The swarm's id. */
  readonly swarm: string;
  readonly kept: boolean;
}

export type ExportFormat = "shiviz" | "chrome";

/** One of fault and preset, or diagnostics, which are then not empty. Columns count from 1 in the text as it was given. */
export interface WrittenFault {
  readonly fault: FaultSpec | null;
  readonly preset: PresetSpec | null;
  readonly diagnostics: readonly MeshDiagnostic[];
}

/** Every request: parameters and result. `operation` names it for progress and cancelling. */
export interface CoordinatorRequests {
  readonly swarms: { readonly params: Record<string, never>; readonly result: readonly SwarmView[] };
  readonly swarm: { readonly params: { readonly swarm: string }; readonly result: SwarmView };
  readonly initSwarm: { readonly params: InitSwarm; readonly result: SwarmView };
  readonly stopSwarm: {
    readonly params: { readonly swarm: string; readonly operation: string };
    readonly result: { readonly ended: readonly number[] };
  };
  readonly cancel: {
    readonly params: { readonly operation: string };
    readonly result: { readonly cancelled: boolean };
  };
  readonly injectFault: {
    readonly params: { readonly swarm: string; readonly fault: FaultSpec };
    readonly result: ActiveFault;
  };
  /** Its steps follow one another as in a mesh file's plan, from now on. */
  readonly injectPreset: {
    readonly params: { readonly swarm: string; readonly preset: PresetSpec };
    readonly result: ActivePreset;
  };
  /** What a line says, as a mesh file says it (`crash: leader, for: 2s`), for this swarm. Nothing is injected. */
  readonly parseFault: {
    readonly params: { readonly swarm: string; readonly text: string };
    readonly result: WrittenFault;
  };
  /** fault: of a fault or a preset. */
  readonly healFault: {
    readonly params: { readonly swarm: string; readonly fault: string };
    readonly result: { readonly healed: readonly string[] };
  };
  readonly healAll: {
    readonly params: { readonly swarm: string };
    readonly result: { readonly healed: readonly string[] };
  };
  readonly changeMembers: {
    readonly params: { readonly swarm: string; readonly change: MembersRequest };
    /** The agent that it was about, and the members as they are now. warning: what may be lost by it, a sentence. */
    readonly result: { readonly agent: string; readonly members: MembersView; readonly warning?: string };
  };
  /** to absent: whoever is the most up to date. Waits until another agent leads. */
  readonly transferLeader: {
    readonly params: { readonly swarm: string; readonly to?: string };
    readonly result: { readonly leader: string; readonly term: number };
  };
  /** Which links the swarm could have instead, by what was measured of those it has. Changes nothing. */
  readonly planTopology: {
    readonly params: { readonly swarm: string } & Partial<LinksEach>;
    readonly result: TopologyPlanView;
  };
  /**
   * Carries a plan out: first the new links come up, then the others go. Refused, with nothing changed, where the agents or links are not those of the plan any more, somebody does not
   * run, a fault lets nothing pass on a link, or a new link does not come up in time.
   */
  readonly rewire: { readonly params: RewireRequest; readonly result: Rewired };
  readonly submitTask: {
    readonly params: { readonly swarm: string; readonly task: TaskRequest };
    readonly result: { readonly taskId: string };
  };
  readonly cancelTask: {
    readonly params: { readonly swarm: string; readonly taskId: string };
    readonly result: { readonly taskId: string };
  };
  readonly tasks: { readonly params: { readonly swarm: string }; readonly result: readonly TaskInfo[] };
  /** Refused, before it costs a round, where its body does not fit the schema of the swarm's file. Answered when all know of it; `wait`: when it is decided. */
  readonly propose: {
    readonly params: { readonly swarm: string; readonly proposal: ProposalRequest; readonly wait: boolean };
    readonly result: ProposalInfo;
  };
  readonly proposals: { readonly params: { readonly swarm: string }; readonly result: readonly ProposalInfo[] };
  readonly proposal: {
    readonly params: { readonly swarm: string; readonly proposalId: string };
    readonly result: ProposalInfo;
  };
  /** Made of what the agents hold and verified with the swarm's keys before it is handed out. Refused while it is open, and for one that expired. */
  readonly certificate: {
    readonly params: { readonly swarm: string; readonly proposalId: string };
    readonly result: Certificate;
  };
  readonly memory: { readonly params: MemoryRequest; readonly result: MemoryAnswer };
  /** What all agents together have of a metric (AGGREGATE_METRICS), by gossip: one of them is asked. */
  readonly aggregate: {
    readonly params: { readonly swarm: string; readonly metric: string };
    readonly result: AggregateInfo;
  };
  readonly metrics: {
    readonly params: { readonly swarm: string; readonly lastMs: number };
    readonly result: MetricsView;
  };
  readonly timeline: { readonly params: TimelineQuery; readonly result: TimelineWindow };
  readonly timelineEvent: {
    readonly params: { readonly swarm: string; readonly id: string };
    readonly result: {
      readonly event: TimelineEvent;
      readonly causes: readonly TimelineEvent[];
      readonly effects: readonly TimelineEvent[];
    } | null;
  };
  readonly timelineSearch: { readonly params: TimelineSearch; readonly result: TimelineSearchResult };
  /** Proof of lies that was verified with the swarm's keys, in the order in which it was found. */
  readonly evidence: { readonly params: { readonly swarm: string }; readonly result: readonly HeldEvidence[] };
  /**
   * Verifies proofs as they are written: evidence as digits, JSON objects, lines of these. One of a swarm that runs here is held against its roster's keys; `swarm`:
   * all are held against that one's. Needs no trust: nothing is run.
   */
  readonly verify: {
    readonly params: { readonly text: string; readonly swarm?: string };
    readonly result: readonly ProofVerdict[];
  };
  readonly check: { readonly params: { readonly file: string }; readonly result: readonly MeshDiagnostic[] };
  readonly simulate: { readonly params: SimulateRequest; readonly result: SearchSummary };
  /**
   * A mesh file's swarm, simulated in a thread, from its start on; answered once there is something to show. Of the requests about swarms it takes those that need no process, no real key
   * and no disk; the others are refused with a sentence. Needs no trust: nothing is run.
   */
  readonly watchSimulation: { readonly params: WatchSimulation; readonly result: SwarmView };
  /** Of a simulated swarm. speed: times real time; null: as fast as it goes. Absent: as it is. */
  readonly paceSimulation: {
    readonly params: { readonly swarm: string; readonly speed?: number | null; readonly paused?: boolean };
    readonly result: SimulatedView;
  };
  readonly shrink: { readonly params: ShrinkRequest; readonly result: ShrunkSeed };
  /** Writes the events of a recording into a file, in place of what is there. Needs no trust: nothing is run. */
  readonly exportRecording: {
    readonly params: RecordingPlace & {
      readonly format: ExportFormat;
      /** Absolute. */
      readonly out: string;
      readonly operation: string;
    };
    /** notes: what is missing of it, in sentences. */
    readonly result: {
      readonly events: number;
      readonly agents: readonly string[];
      readonly notes: readonly string[];
    };
  };
  /** What an agent was at a moment. sinceStartMs: after the recording's start; absent: its end. Needs no trust: nothing is run. */
  readonly replayRecording: {
    readonly params: RecordingPlace & {
      readonly agent: string;
      readonly sinceStartMs?: number;
      readonly operation: string;
    };
    /** As `agent-mesh replay` prints it. */
    readonly result: { readonly text: string; readonly notes: readonly string[] };
  };
  /** Everything the mesh file expects of this run, as it stands now. Refused for a swarm that another coordinator started. */
  readonly expectations: {
    readonly params: { readonly swarm: string };
    readonly result: readonly ExpectationResult[];
  };
  /**
   * The history of the background workload, in pages; the first page (from 0) takes a new one. Refused where none runs.
   * `total`: lines of all pages.
   */
  readonly history: {
    readonly params: { readonly swarm: string; readonly from: number };
    readonly result: { readonly lines: readonly HistoryLine[]; readonly total: number };
  };
  /** Which swarms to send changes of; views that are hidden unsubscribe. */
  readonly subscribe: {
    readonly params: { readonly swarms: boolean; readonly timeline: boolean; readonly metrics: boolean };
    readonly result: Record<string, never>;
  };
}

/** Sent by the coordinator, at most 30 a second together, newest state only. */
export interface CoordinatorNotifications {
  /** A swarm's whole view (revision tells the newest); phase stopped = forget it. */
  readonly swarmChanged: SwarmView;
  readonly progress: {
    readonly operation: string;
    readonly stage: string;
    readonly done: number;
    readonly total: number;
  };
  readonly taskOutput: {
    readonly swarm: string;
    readonly taskId: string;
    readonly agent: string;
    readonly token: number;
    readonly stream: "stdout" | "stderr";
    readonly text: string;
  };
  readonly taskFinished: { readonly swarm: string; readonly task: TaskInfo };
  /** A proposal was decided, one way or another. */
  readonly proposalDecided: { readonly swarm: string; readonly proposal: ProposalView };
  /** The timeline grew. */
  readonly timelineGrew: { readonly swarm: string; readonly stored: number; readonly lastMs: number };
  readonly metricsSampled: { readonly swarm: string; readonly atMs: number };
  /** For the person: an agent died by itself, a swarm was found again, ... */
  readonly notice: { readonly level: "info" | "warning" | "error"; readonly swarm: string; readonly message: string };
}

export type CoordinatorMethod = keyof CoordinatorRequests;
export type CoordinatorNotification = keyof CoordinatorNotifications;

/** Prefix of both in the language server. */
export const METHOD_PREFIX = "agentMesh/";

/** Error codes of the answers (JSON-RPC `error.code`); `message` is for people, whole. */
export const CoordinatorError = {
  invalidMesh: -32001,
  unknownSwarm: -32002,
  alreadyRunning: -32003,
  refused: -32004,
  unavailable: -32005,
  cancelled: -32006,
  failed: -32007,
  untrusted: -32008,
} as const;
