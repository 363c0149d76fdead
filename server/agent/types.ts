import type { ClientRequest } from "../contract/client.ts";
import type { ConsensusKind } from "../contract/consensus.ts";
import type { DetectorKind, Timing } from "../contract/mesh.ts";
import type { AgentReport } from "../contract/swarm.ts";
import type { AgentId } from "../core/consensus.ts";
import type { Link } from "../core/overlay/types.ts";
import type { Judgement, Measurement, TaskEnd } from "./world.ts";

export interface AgentConfig {
  readonly swarm: string;
  readonly id: AgentId;
  /** How the agents decide; absent: raft. The same at all agents. */
  readonly consensus?: ConsensusKind;
  /** Rises with every start of this agent. */
  readonly incarnation: number;
  /** All agents that the swarm ever had, in the order that every agent knows: it only grows. */
  readonly roster: readonly AgentId[];
  /** Who votes as long as the log says nothing else; empty for an agent that joins a swarm and waits to be told. */
  readonly voters: readonly AgentId[];
  /**
   * Those that the swarm began with, the first of the roster; absent: `voters`, or where that is empty all of the roster. Only gossip asks: it is to be given to an agent that joins, whose `voters` are empty. The
   * same at all agents.
   */
  readonly founders?: readonly AgentId[];
  /** The topology; agents without a link between them reach each other through others. */
  readonly links: readonly Link[];
  /** It looks for its links itself, among `links`, which are those that there may be. The same at all agents. */
  readonly overlay?: OverlayConfig;
  readonly timing: Timing;
  /** Tasks it runs at a time. */
  readonly slots: number;
  readonly taskLeaseMs: number;
  /** The log is compacted once it has grown by so many entries, or so many bytes of data, since the last snapshot. */
  readonly snapshotEveryEntries: number;
  readonly snapshotEveryBytes: number;
  /** Of a snapshot on its way to another agent, in one message; absent: SNAPSHOT_CHUNK_BYTES. */
  readonly snapshotChunkBytes?: number;
  /**
   * How linearizable reads are made sure of: by asking a majority (readIndex, absent), or by a lease while clocks run at about the same rate. The same at all agents.
   */
  readonly reads?: "readIndex" | "lease";
  /** eventual: the memory is replicated by gossip, beside the consensus; absent: by the consensus. The same at all agents, who are those that vote at first. */
  readonly memory?: "eventual";
  /** How it finds out who is alive; absent: by heartbeats. The same at all agents. */
  readonly detector?: DetectorKind;
  /** Seed of its random source. */
  readonly seed: string;
}

export interface OverlayConfig {
  /** Links an agent has at most. */
  readonly degree: number;
}

/**
 * The inputs of an agent, called by its world. `now`: ms since the epoch with a fraction, never backwards. Inputs only step the cores and ask for a turn;
 * everything that leaves the agent leaves in `turn` (or, for what waited for the disk, in the turn after `durable`).
 */
export interface AgentInputs {
  /** Once, before everything else. */
  start(now: number): void;
  linkUp(peer: AgentId, now: number): void;
  /** It went down, or `Dialler.open` did not come to one. */
  linkDown(peer: AgentId, now: number): void;
  /** @throws MalformedBytes when the frame is not one: the world then closes that link. */
  receive(peer: AgentId, frame: Uint8Array, now: number): void;
  /**
   * Agents were added, or links added or taken away: to be told before any new link comes up. All agents and links are named, the agents in their order.
   * @throws RangeError unless the roster begins with what was known before, and for a link that ends outside of it.
   */
  rosterChanged(roster: readonly AgentId[], links: readonly Link[], now: number): void;
  alarm(now: number): void;
  turn(now: number): void;
  /** Memory, task and member operations, and aggregates; `report`, `observe`, `setEffects`, `setRoster` and `stop` are the world's own and never get here. */
  clientRequests(connection: number, requests: readonly ClientRequest[], now: number): void;
  /** Its unanswered requests need no answer any more. */
  clientGone(connection: number): void;
  taskEnded(end: TaskEnd, now: number): void;
  /** How this agent votes. One that was dismissed, or is about nothing that it was asked about, is ignored. */
  judged(judgement: Judgement, now: number): void;
  /** What `World.measure` asked for. */
  measured(measurement: Measurement, now: number): void;
  /** Says goodbye to the neighbours; frames leave in the next turn. */
  leave(now: number): void;
  /**
   * Its own part of a report; the world adds what the process knows. Takes the samples collected since the last call.
   * @param brief of members only those that it does not hold alive, of reputations only those of its neighbours: of a thousand agents, a million others would tell nothing.
   */
  report(now: number, brief?: boolean): CoreReport;
}

/** What the world adds to a report. */
export type ProcessFields =
  | "pid"
  | "port"
  | "cpuSeconds"
  | "rssBytes"
  | "logBytes"
  | "fsyncs"
  | "fsyncP99Ms"
  | "stateHash"
  | "stateHashIndex"
  | "recording";
export type CoreReport = Omit<AgentReport, ProcessFields>;
