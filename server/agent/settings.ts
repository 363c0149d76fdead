import type { AgentId } from "../core/consensus.ts";
import type { GossipConfig } from "../core/gossip/types.ts";
import type { PartitionConfig } from "../core/membership/partition.ts";
import { pacedBy } from "../core/membership/swim/config.ts";
import { suspicionTimes } from "../core/membership/swim/suspicion.ts";
import type { HeartbeatConfig, SwimConfig } from "../core/membership/types.ts";
import { type HyParViewConfig, PAPER_VIEWS } from "../core/overlay/hyparview/types.ts";
import type { PlumtreeConfig } from "../core/overlay/plumtree/types.ts";
import type { PbftConfig } from "../core/pbft/types.ts";
import { placesIn } from "../core/places.ts";
import type { RaftConfig } from "../core/raft/types.ts";
import { quorumAmong } from "./consensus/quorum.ts";
import type { AgentConfig } from "./types.ts";

/** Appends under way to one follower: enough to keep a link busy over a round trip of many turns. */
const MAX_INFLIGHT_APPENDS = 64;
/** Well below a frame's limit, and small enough that a turn stays short. */
const MAX_APPEND_BYTES = 512 * 1024;
/** Bytes under way to one follower, at most: what a slow link must not pile up. */
const MAX_INFLIGHT_BYTES = 4 * 1024 * 1024;
/** Of the entries that lead to a snapshot this part is kept behind it: whoever was away no longer than that needs no snapshot. */
const KEPT_SHARE = 5;
const MAX_UNCOMMITTED_BYTES = 64 * 1024 * 1024;
/** Longer than a proposal takes on one machine, shorter than a person or a task notices. */
const COMMIT_NOTICE_MS = 2;

/**
 * Applied again at a start in some 100 ms, and held in memory without being missed; a snapshot of 10,000 keys costs as much as some thousand
 * entries, spread over many turns.
 */
export const SNAPSHOT_EVERY_ENTRIES = 50_000;
/** The same bounds where entries are large. */
export const SNAPSHOT_EVERY_BYTES = 32 * 1024 * 1024;
/** Leaves at once and still lets what else is to be sent pass in between. */
export const SNAPSHOT_CHUNK_BYTES = 256 * 1024;

/** What an agent's configuration means for its cores. */
export function raftConfig(config: AgentConfig): RaftConfig {
  const { id, voters, timing, snapshotEveryEntries, snapshotChunkBytes = SNAPSHOT_CHUNK_BYTES } = config;
  const { reads = "readIndex" } = config;
  return {
    id,
    voters,
    electionTimeoutMinMs: timing.electionTimeoutMinMs,
    electionTimeoutMaxMs: timing.electionTimeoutMaxMs,
    heartbeatMs: timing.heartbeatMs,
    maxInflightAppends: MAX_INFLIGHT_APPENDS,
    maxAppendBytes: MAX_APPEND_BYTES,
    maxUncommittedBytes: MAX_UNCOMMITTED_BYTES,
    maxInflightBytes: MAX_INFLIGHT_BYTES,
    reads,
    maxSnapshotChunkBytes: snapshotChunkBytes,
    keepEntries: Math.floor(snapshotEveryEntries / KEPT_SHARE),
    commitNoticeMs: Math.min(COMMIT_NOTICE_MS, timing.heartbeatMs),
  };
}

/** Batches that a primary has under way: enough that one is always being written everywhere while another travels. */
const MAX_INFLIGHT_BATCHES = 8;
/** Of one batch, as of one append. */
const MAX_BATCH_BYTES = 512 * 1024;
/** Sequence numbers from one checkpoint to the next, at most: the window of twice as many must fit a view change. */
const MAX_CHECKPOINT_EVERY = 128;
/** How far a batch's time may be ahead of a backup's clock, or behind it: beyond what clocks differ by, and too little to make leases of days expire, or to keep any from it for long. */
const MAX_AHEAD_MS = 60_000;
const MAX_STATE_CHUNK_BYTES = 256 * 1024;
const COMPACT_JOURNAL_BYTES = 16 * 1024 * 1024;

/** All must agree on `checkpointEvery`: it follows from what a swarm's agents have in common. */
export function pbftConfig(config: AgentConfig): PbftConfig {
  const { id, voters, incarnation, timing, snapshotEveryEntries, snapshotEveryBytes, snapshotChunkBytes } = config;
  return {
    id,
    replicas: voters,
    incarnation,
    viewTimeoutMs: timing.electionTimeoutMaxMs * 2,
    heartbeatMs: timing.heartbeatMs,
    maxInflightBatches: MAX_INFLIGHT_BATCHES,
    maxBatchBytes: MAX_BATCH_BYTES,
    maxPendingBytes: MAX_UNCOMMITTED_BYTES,
    checkpointEvery: Math.max(1, Math.min(MAX_CHECKPOINT_EVERY, snapshotEveryEntries)),
    maxAheadMs: MAX_AHEAD_MS,
    maxStateChunkBytes: snapshotChunkBytes ?? MAX_STATE_CHUNK_BYTES,
    compactJournalBytes: Math.min(COMPACT_JOURNAL_BYTES, snapshotEveryBytes),
  };
}

/** Peers that are told at once of what is new (the seed's 3 to 5). */
const FANOUT = 3;

export function gossipConfig(config: AgentConfig): GossipConfig {
  const { id, roster, timing } = config;
  const broadcasts = !isFullMesh(config);
  const members = foundersOf(config);
  const later = laterOf(config, roster);
  return { id, members, later, fanout: FANOUT, broadcasts, antiEntropyMs: timing.memberHeartbeatMs };
}

/** Those that the swarm began with. */
function foundersOf({ founders, voters, roster }: AgentConfig): readonly AgentId[] {
  return founders ?? (voters.length > 0 ? voters : roster);
}

/** Those of a roster that came later. @throws RangeError unless it begins with the founders */
export function laterOf(config: AgentConfig, roster: readonly AgentId[]): readonly AgentId[] {
  const founders = foundersOf(config);
  if (roster === founders) return [];
  const places = placesIn(founders);
  if (roster.slice(0, founders.length).some((id) => !places.has(id)))
    throw new RangeError(`the roster ${roster.join(", ")} does not begin with ${founders.join(", ")}`);
  return roster.slice(founders.length);
}

/** All are linked with all: then a rumour crosses one link to anybody, and no tree is shorter. */
function isFullMesh({ overlay, roster, links }: AgentConfig): boolean {
  return overlay === undefined && links.length === (roster.length * (roster.length - 1)) / 2;
}

/** Whether writes of its own are replicated by gossip: all, or those of the memory. */
export function gossips({ consensus, memory }: Pick<AgentConfig, "consensus" | "memory">): boolean {
  return consensus === "gossip" || memory === "eventual";
}

/** Announcements are gathered for this part of the time that a broadcast may take along the tree. */
const GATHERED_SHARE = 10;
/** Hops by which another way must be shorter: a tree among few is not deep. */
const SHORTER_BY = 3;
/** Some hundred writes a second for some seconds, far longer than anybody lacks one; and bytes beside what gossip itself keeps. */
const REMEMBERED_BROADCASTS = 2048;
const KEPT_BROADCAST_BYTES = 1024 * 1024;

/** How what is for everybody travels. A broadcast is missed once it could have come along any tree, and asked for again after a round trip. */
export function plumtreeConfig({ id, incarnation, timing }: AgentConfig): PlumtreeConfig {
  const { probeTimeoutMs } = timing;
  return {
    id,
    incarnation,
    missingMs: probeTimeoutMs,
    againMs: probeTimeoutMs / 2,
    gatherMs: probeTimeoutMs / GATHERED_SHARE,
    threshold: SHORTER_BY,
    remembered: REMEMBERED_BROADCASTS,
    keptBytes: KEPT_BROADCAST_BYTES,
  };
}

export function heartbeatConfig({ id, roster, timing }: AgentConfig): HeartbeatConfig {
  const { memberHeartbeatMs, suspectAfterMs, failAfterMs, failAfterClosedMs } = timing;
  return { id, members: roster, heartbeatMs: memberHeartbeatMs, suspectAfterMs, failAfterMs, failAfterClosedMs };
}

export function swimConfig({ id, roster, timing }: AgentConfig): SwimConfig {
  const { probeIntervalMs, probeTimeoutMs, suspicionMultiplier } = timing;
  return {
    id,
    members: roster,
    probeIntervalMs,
    probeTimeoutMs,
    suspicionMultiplier,
    ...pacedBy(probeIntervalMs),
    lifeguard: true,
  };
}

/** Whom an agent joins through; it looks for the others later. */
const CONTACTS = 3;
/** Requests and answers may cross a connection that is opened first. */
const ANSWER_PROBES = 4;

/** Links that an agent of an overlay asks for with priority, as far as there are others. @param degree it has at most */
export function leastLinks(degree: number): number {
  return Math.max(2, Math.floor(degree / 2));
}

/** How agents look for their links themselves. A shuffle once a probe: agents that are few know each other soon. */
export function hyparviewConfig({ id, roster, timing }: AgentConfig, degree: number): HyParViewConfig {
  return {
    ...PAPER_VIEWS,
    id,
    contacts: roster.filter((one) => one !== id).slice(0, CONTACTS),
    activeSize: degree,
    activeLeast: leastLinks(degree),
    shuffleIntervalMs: timing.probeIntervalMs,
    answerMs: timing.probeTimeoutMs * ANSWER_PROBES,
  };
}

/** Processes that are started together come up within this time, also where many are and little of a processor is free. */
const STARTUP_MS = 10_000;

/** In each period a member pings one, and is pinged by one on average: so many without anything are no accident. */
const ALONE_PERIODS = 5;

/** A suspect that could have refuted by now does not answer: what a suspicion by heartbeats is given, or the shortest that it is given by probing. */
export function partitionConfig(config: AgentConfig): PartitionConfig {
  const { id, roster, timing, consensus = "raft", detector = "heartbeat" } = config;
  const silentAfterMs =
    detector === "heartbeat" ? timing.failAfterMs : suspicionTimes(roster.length, swimConfig(config)).minMs;
  const aloneAfterMs =
    detector === "heartbeat" ? timing.suspectAfterMs + timing.failAfterMs : timing.probeIntervalMs * ALONE_PERIODS;
  return {
    id,
    silentAfterMs,
    unheardAfterMs: STARTUP_MS,
    aloneAfterMs,
    quorumOf: (voters) => quorumAmong(voters, consensus),
  };
}

/**
 * Longer than a proposal takes that is not lost, also over a wide area, and well below what clients wait: a leader that cannot take a forwarded
 * proposal does not say so.
 */
const MAX_PROPOSAL_RETRY_MS = 2_000;

/** When a proposal counts as lost and is made again, ms: two elections could have been held meanwhile, where those are short. */
export function proposalRetryMs({ timing }: AgentConfig): number {
  return Math.min(timing.electionTimeoutMaxMs * 2, MAX_PROPOSAL_RETRY_MS);
}

/** What the consensus goes on with by itself is proposed again all the same, so many times later: it might have forgotten it. */
const KEPT_RETRIES = 16;

/** The same where the consensus keeps what it was given to propose, ms. */
export function keptProposalRetryMs(config: AgentConfig): number {
  return proposalRetryMs(config) * KEPT_RETRIES;
}
