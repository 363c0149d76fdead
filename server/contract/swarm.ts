/** A swarm as others see it: its agents, links, tasks and health. Every number is measured; what is not known is null. */
import type { ConsensusKind } from "./consensus.ts";
import type { ExpectationResult } from "./expect.ts";
import type { ActiveFault, ActivePreset } from "./faults.ts";
import type { DetectorKind } from "./mesh.ts";
import type { SideState } from "./partition.ts";
import type { ProposalView } from "./proposals.ts";
import type { SimulatedView } from "./simulated.ts";

export interface TaskRequest {
  /** Made by the client when empty. */
  readonly id?: string;
  readonly command: string;
  readonly args?: readonly string[];
  readonly cwd?: string;
  readonly timeoutMs?: number;
  readonly maxAttempts?: number;
  readonly agent?: string;
}

export type TaskStateName = "pending" | "leased" | "completed" | "failed" | "cancelled";

export interface TaskInfo {
  readonly id: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly state: TaskStateName;
  /** Who runs it or ran it last; "" when nobody yet. */
  readonly agent: string;
  readonly token: number;
  readonly leases: number;
  readonly failures: number;
  readonly maxAttempts: number;
  readonly submittedAtMs: number;
  readonly finishedAtMs: number | null;
  readonly exitCode: number | null;
  readonly signal: string;
  readonly error: string;
  readonly outputTail: string;
  readonly durationMs: number | null;
  readonly finishedIndex: number | null;
}

/** Raft's roles, then PBFT's, then gossip's. viewChange: it has given up on a view and waits for the next one to begin. peer: as all others are. */
export const ROLE_NAMES = [
  "follower",
  "preCandidate",
  "candidate",
  "leader",
  "primary",
  "backup",
  "viewChange",
  "peer",
] as const;
export type RoleName = (typeof ROLE_NAMES)[number];
export type MemberStateName = "alive" | "suspected" | "failed" | "left";

/** What faults did, at one agent, to the frames of one of its links. Counters since the agent started. */
export interface FaultedFrames {
  /** Whole or in part, in and out. */
  readonly dropped: number;
  /** Held back before they went out. */
  readonly delayed: number;
  /** A bit of them was flipped before they went out. */
  readonly corrupted: number;
}

/** One agent's view of one of its links. Counters since the agent started. */
export interface LinkReport extends FaultedFrames {
  readonly peer: string;
  readonly up: boolean;
  readonly framesOut: number;
  readonly framesIn: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
  /**
   * Sender's time to arrival by the receiver's time, ms, over the last reporting interval: median and 99th percentile; null without traffic. Clocks of one
   * machine's agents differ by some 10 microseconds, others by more: what would be negative counts as 0.
   */
  readonly latencyP50Ms: number | null;
  readonly latencyP99Ms: number | null;
  /** Broadcasts are pushed to this peer: the link is one of the tree. false: they are only announced to it. Absent where nothing was broadcast so far, and of a link that is down. */
  readonly tree?: boolean;
}

/** What one agent says of itself. Counters since it started. */
export interface AgentReport {
  readonly agent: string;
  readonly incarnation: number;
  readonly pid: number;
  readonly port: number;
  readonly atMs: number;
  readonly upMs: number;
  readonly role: RoleName;
  /** Of PBFT the view. */
  readonly term: number;
  /** Of PBFT the primary; empty where none is known. */
  readonly leader: string;
  readonly commit: number;
  readonly applied: number;
  readonly lastIndex: number;
  readonly durableIndex: number;
  /** The configuration it acts by, sorted: who votes, who learns, and the voters that a joint phase phases out (empty outside of one). */
  readonly voters: readonly string[];
  readonly learners: readonly string[];
  readonly outgoing: readonly string[];
  /** The last entry in its latest snapshot, 0 without one; and the first entry that its log still has. */
  readonly snapshotIndex: number;
  readonly firstIndex: number;
  readonly links: readonly LinkReport[];
  /** How it sees the others. */
  readonly members: readonly { readonly id: string; readonly state: MemberStateName; readonly sinceMs: number }[];
  /** How far it trusts each of the others, by what it has seen itself in its present life. */
  readonly reputations: readonly ReputationReport[];
  /** CPU seconds used, and resident memory in bytes, as the process measures them (0 in a simulated world). */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  readonly messagesOut: number;
  readonly messagesIn: number;
  /** Candidacies; of PBFT views that it gave up on, for whatever reason. Won: those after which it led. */
  readonly electionsStarted: number;
  readonly electionsWon: number;
  /** To other candidates; of PBFT proposals of the primary that it prepared. Refused: of PBFT proposals that it did not believe. */
  readonly votesGranted: number;
  readonly votesRefused: number;
  /** Entries this agent committed as leader; of PBFT those that it executed as primary. */
  readonly committedAsLeader: number;
  /** Propose to commit at this agent while leader, ms, the samples since the last report, at most 512 (drawn evenly). Of PBFT to execution, a sample a batch. */
  readonly decisionLatenciesMs: readonly number[];
  /** Acknowledging voters / voters, averaged over the commits since the last report; null without commits. At whoever led; of PBFT who committed when that was enough. */
  readonly ackParticipation: number | null;
  readonly tasksRunning: number;
  readonly slots: number;
  readonly logBytes: number;
  readonly fsyncs: number;
  readonly fsyncP99Ms: number | null;
  /**
   * Of its replicated state after entry `stateHashIndex`, 16 hexadecimal digits: agents that applied the same have the same. Only in the answer to a `report`
   * request that asks for it, as it takes time in proportion to the state.
   */
  readonly stateHash?: string;
  readonly stateHashIndex?: number;
  /** The same of memory and proposals alone, which by gossip are alike wherever the same has come, in whatever order; absent where all have one order. */
  readonly convergedHash?: string;
  /** Absent of an agent that does not tell. */
  readonly detector?: DetectorReport;
  /** Which side of a partition it is on. Absent of an agent that does not tell. */
  readonly partition?: PartitionReport;
  /** Absent when it is not recorded. */
  readonly recording?: RecordingReport;
  /** Absent where consensus is another one. */
  readonly pbft?: PbftReport;
  readonly gossip?: GossipReport;
  /** Of a memory beside the consensus. */
  readonly memory?: GossipReport;
  /** Absent where nothing was broadcast so far. */
  readonly broadcasts?: BroadcastReport;
}

/** How an agent finds out who is alive, and how well that goes; counted since it started. */
export interface DetectorReport {
  readonly kind: DetectorKind;
  /** Members probed; or heartbeats sent. */
  readonly probes: number;
  /** Probes that nobody answered in any way; or suspicions by silence. */
  readonly unanswered: number;
  /** Suspicions that turned out wrong: the member was alive after all. */
  readonly refuted: number;
  /** Lifeguard's local health: 0 is well, at most 8; so many times longer it waits for others. 0 by heartbeat. */
  readonly localHealth: number;
}

/** How an agent stands with the others (core/membership/partition.ts); counted since it started. Times in ms. */
export interface PartitionReport {
  readonly state: SideState;
  /** When this state began, ms since the epoch. */
  readonly sinceMs: number;
  /** Who answers it, itself among them; empty while it is whole. In a simulated swarm of more than 100 agents the first 20. */
  readonly answering: readonly string[];
  /** How many they are, where not all are named. */
  readonly answeringTotal?: number;
  /** Members that have not said goodbye, itself among them. */
  readonly known: number;
  /** Voters that answer, itself among them where it votes; how many there are; how many decide. During a joint phase of the new ones. */
  readonly voters: number;
  readonly votersTotal: number;
  readonly quorum: number;
  /** Times that it was cut off: that fewer than half of its peers answered, or too few voters to decide. */
  readonly seen: number;
  /** For how long in all; and for how long it was read-only. */
  readonly apartMs: number;
  readonly readOnlyMs: number;
  /** Those after which it caught up before the next one. */
  readonly recovered: number;
  /** How long the last took: from the first link or answer of the peer that healed it until all was here that had been decided before it healed; null: there was none. */
  readonly recoveryMs: number | null;
}

/** How far an agent trusts one of the others (core/overlay/reputation.ts). The parts are from 0 to 1. */
export interface ReputationReport {
  readonly peer: string;
  /** The product of the parts. */
  readonly score: number;
  /** The share of the time in which membership saw it alive, exponentially weighted: what was a minute ago counts half. A suspected peer counts half, a failed one not. */
  readonly uptime: number;
  /** 1 where its frames take no longer than the median of all peers' do, or none came; else that median divided by its own. */
  readonly latency: number;
  /** 1, halved with every proof that it lied. */
  readonly honesty: number;
  /** Pieces of evidence that it lied which this agent verified, at most 16. */
  readonly proofs: number;
}

/** What an agent broadcasts, and is told so, along a tree over its links (core/overlay/plumtree); counted since it started. */
export interface BroadcastReport {
  /** Begun here. */
  readonly broadcast: number;
  /** Of others, that came here for the first time. */
  readonly delivered: number;
  /** Payloads that came although they were here already. redundant / delivered over all agents is the relative message redundancy: 0 for a tree. */
  readonly redundant: number;
  /** Links that the last one delivered had crossed; null: none was. */
  readonly lastHops: number | null;
  /** How often this agent made a link one of the tree, and how often it took one out. */
  readonly grafted: number;
  readonly pruned: number;
}

/** How far what an agent has has spread by gossip, as far as it knows. */
export interface GossipReport {
  /** How many count, as far as it knows. */
  readonly members: number;
  /** Whether it does itself: it takes writes. Not yet, of one that joins; not any more, of one that was removed. */
  readonly counted: boolean;
  /** How many of those are known to have at least all that it has, itself included. */
  readonly sameVector: number;
  /** Operations of its own that not everybody is known to have. */
  readonly behind: number;
  /** Operations of its own that nobody else who counts has said to have, since it began or anybody came or went: they might be lost with its disk. */
  readonly unshared: number;
  /** Operations that came and wait for what they depend on, or for the clock. */
  readonly waiting: number;
  /** When it last learned that everybody has all that it has, ms since the epoch; null: not in this life. */
  readonly convergedAtMs: number | null;
  /** How probable it is that everybody has it: 1 only where it is known, else computed of the rounds that have passed (core/gossip/epidemic.ts). */
  readonly agreement: number;
}

/** What an agent says of PBFT besides. */
export interface PbftReport {
  /** How many liars are survived: (n - 1) / 3, rounded down. */
  readonly faultsTolerated: number;
  /** Of whom it says that it holds proof that they lie: two messages with one's signature that contradict each other. Sorted. */
  readonly liars: readonly string[];
  /** Sequence numbers of batches: of the last stable checkpoint, the last executed, the last proposed that it knows of. */
  readonly stableSeq: number;
  readonly executedSeq: number;
  readonly proposedSeq: number;
  /**
   * Signatures in the present life: that it made; that it verified, whatever came of it; and that it found to be good ones it had verified or made before.
   * Absent in a simulated world.
   */
  readonly signed?: number;
  readonly verified?: number;
  readonly known?: number;
}

/** Of an agent's recording in its present life. */
export interface RecordingReport {
  readonly bytes: number;
  /** What the disk was too slow for. */
  readonly droppedBytes: number;
  /** False once it has ended before the agent: the disk failed, or the state alone is too large. */
  readonly open: boolean;
}

/** The process as the coordinator sees it. unreachable: of an agent that joined by itself, and does not answer. */
export type ProcessState = "starting" | "running" | "paused" | "crashed" | "stopped" | "unreachable";

/**
 * Whether it votes, as the leader has it. joining, leaving: a change of members is about it. none: it is no member (yet, or any more), or nobody
 * tells who is.
 */
export type MemberStanding = "voter" | "learner" | "joining" | "leaving" | "none";

/** Who votes and who learns, each sorted. `outgoing`: the voters before, during a joint phase: then decisions take a majority of both; empty otherwise. */
export interface MembersView {
  readonly voters: readonly string[];
  readonly outgoing: readonly string[];
  readonly learners: readonly string[];
}

/** How far the others trust an agent, of those that live and report. */
export interface AgentReputation {
  /** Of their scores; of an even number the lower one of the two in the middle. */
  readonly median: number;
  /** The lowest of them, what it is made of, and who says so. */
  readonly lowest: Omit<ReputationReport, "peer"> & { readonly by: string };
  /** How many say. */
  readonly opinions: number;
}

export interface AgentView {
  readonly id: string;
  readonly member: MemberStanding;
  readonly process: ProcessState;
  /** It joined by itself: its process is not the coordinator's to end, pause or start. Absent: it is. */
  readonly foreign?: boolean;
  /** Where it is, as the mesh file says; absent in a swarm without zones. */
  readonly zone?: string;
  readonly pid: number | null;
  /** 0: it is simulated, and listens nowhere. */
  readonly port: number;
  /** Where agents of other hosts reach it; absent: it listens on 127.0.0.1 only. */
  readonly host?: string;
  /** Connected to the coordinator, so that the figures are live. */
  readonly observed: boolean;
  readonly role: RoleName | null;
  readonly term: number | null;
  readonly leader: string | null;
  /**
   * Votes it holds as a candidate of its term, its own included; in a view change how many give up on the view with it. null or absent when it is neither, or this is
   * not known.
   */
  readonly votes?: number | null;
  readonly commit: number | null;
  readonly applied: number | null;
  readonly lastIndex: number | null;
  /** Verdict of the other agents, by majority of those that are observed. */
  readonly health: MemberStateName | null;
  /** Which of the observed others hold it failed or suspected; of a simulated swarm of more than 100 agents the first 20. */
  readonly suspectedBy: readonly string[];
  /** Who found proof that it lies, which the coordinator verified and keeps. Absent: nobody. */
  readonly provenLiarBy?: readonly string[];
  /** What is proved of it: "a7 signed two prepares for view 3, sequence 41". Absent: nothing. */
  readonly lies?: readonly string[];
  /** How far the others trust it. Absent: nobody tells. */
  readonly reputation?: AgentReputation;
  /** Share of one core over the last second, 0..; null when not measured. */
  readonly cpu: number | null;
  readonly rssBytes: number | null;
  readonly linksUp: number;
  readonly linksTotal: number;
  readonly tasksRunning: number;
  readonly slots: number;
  readonly faults: readonly string[];
  /** How far what it has has spread, as it last said; absent where consensus is another one, or nobody heard it. */
  /** Absent until it told, and of an agent that does not. */
  readonly detector?: DetectorReport;
  readonly gossip?: GossipReport;
  /** The same of a memory beside the consensus. */
  readonly memory?: GossipReport;
  /** Which side of a partition it is on, as it last said. Absent until it told, and of an agent that does not. */
  readonly partition?: PartitionReport;
}

export interface LinkView {
  readonly a: string;
  readonly b: string;
  readonly state: "up" | "down" | "cut";
  /** Both directions together, over the last second. */
  readonly framesPerSecond: number;
  readonly bytesPerSecond: number;
  readonly latencyP50Ms: number | null;
  /** Share of frames dropped by faults over the last second, 0..1. */
  readonly loss: number;
  /** Shares of frames that faults delayed, or damaged, over the last second, 0..1. */
  readonly delayed: number;
  readonly corrupted: number;
  /** Those that befall what passes on it: toxics and message rules. */
  readonly faults: readonly string[];
  /** Of these, those on what a sends to b, and those on what b sends to a. */
  readonly faultsOut: readonly string[];
  readonly faultsIn: readonly string[];
  /** Broadcasts are pushed over it, by one end at least: it is of the tree. false: they are only announced. Absent where neither end says. */
  readonly tree?: boolean;
}

export type SwarmPhase = "starting" | "running" | "stopping" | "stopped" | "failed";

export interface SwarmHealth {
  readonly level: "ok" | "degraded" | "noQuorum" | "down";
  /** One line: "5/5 agents, leader a2, term 3"; "4/4 agents, primary a2, view 3"; "5/5 agents, converged". */
  readonly summary: string;
  readonly agentsAlive: number;
  readonly agentsTotal: number;
  /** Of the voters; during a joint phase of the new ones. Of PBFT: so many that any two quorums share an honest agent. Of gossip 1: each takes writes by itself. */
  readonly quorum: number;
  /** How many liars the swarm survives; absent where consensus promises nothing about any. */
  readonly faultsTolerated?: number;
  readonly leader: string | null;
  readonly term: number | null;
  /** By gossip: how probable whoever is the least sure holds it that everybody has all that it has; 1: converged. Absent where nobody tells. */
  readonly agreement?: number;
  /** Of those that run: who is on a side that cannot decide, as they say; and who is cut off and can. Absent: nobody. */
  readonly readOnly?: readonly string[];
  readonly apart?: readonly string[];
  readonly linksUp: number;
  readonly linksTotal: number;
}

export interface SwarmView {
  readonly id: string;
  readonly name: string;
  /** Path of the mesh file; "" when made by the quick pick. */
  readonly file: string;
  /** The swarm's folder: where tasks run. */
  readonly folder: string;
  readonly phase: SwarmPhase;
  /** Why it failed; "" otherwise. */
  readonly problem: string;
  readonly topology: string;
  readonly consensus: ConsensusKind;
  /** The memory is replicated by gossip beside that; absent: it is as the consensus has it. */
  readonly memory?: "eventual";
  readonly detached: boolean;
  readonly startedAtMs: number;
  /** Its agents are simulated: no process of it runs, and its times are virtual. Absent: they are processes. */
  readonly simulated?: SimulatedView;
  readonly health: SwarmHealth;
  /** As the leader has them, or whoever knows most; null while nobody tells. */
  readonly members: MembersView | null;
  /** Those that were removed and have ended are not among them. */
  readonly agents: readonly AgentView[];
  /** Ids of those that were removed: the timeline still tells of them. Absent: none. */
  readonly departed?: readonly string[];
  readonly links: readonly LinkView[];
  readonly faults: readonly ActiveFault[];
  /** Presets that a person asked for. Absent: none. */
  readonly presets?: readonly ActivePreset[];
  readonly tasks: readonly TaskInfo[];
  /** In the order of submission, the newest 200. Absent: none. */
  readonly proposals?: readonly ProposalView[];
  /** What its mesh file expects, as last judged: at the end of its plan, and when somebody asks. Absent until then. */
  readonly expectations?: readonly ExpectationResult[];
  /** Rises with every change. */
  readonly revision: number;
}
