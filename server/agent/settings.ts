import type { MembershipConfig } from "../core/membership/types.ts";
import type { RaftConfig } from "../core/raft/types.ts";
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

export function membershipConfig({ id, roster, timing }: AgentConfig): MembershipConfig {
  const { memberHeartbeatMs, suspectAfterMs, failAfterMs, failAfterClosedMs } = timing;
  return { id, members: roster, heartbeatMs: memberHeartbeatMs, suspectAfterMs, failAfterMs, failAfterClosedMs };
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
