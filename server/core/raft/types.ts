import type {
  AgentId,
  Configuration,
  ConsensusStatus,
  Entry,
  FollowerProgress,
  Ready,
  Snapshot,
} from "../consensus.ts";

/** What must survive a crash besides the log (Raft paper, Figure 2). */
export interface HardState {
  readonly term: number;
  /** Empty when no vote was cast in this term. */
  readonly votedFor: AgentId;
  /** A hint that saves work after a restart; safe to be behind. */
  readonly commit: number;
}

export type Role = "follower" | "preCandidate" | "candidate" | "leader";

export interface RaftConfig {
  readonly id: AgentId;
  /**
   * Who votes as long as the log says nothing else: the same everywhere, in any order. Empty for an agent that joins and waits for a leader to tell it.
   */
  readonly voters: readonly AgentId[];
  /** A follower campaigns after a silence drawn uniformly from [min, max] ms (Raft paper, §5.2). */
  readonly electionTimeoutMinMs: number;
  readonly electionTimeoutMaxMs: number;
  /** Must be well below electionTimeoutMinMs. */
  readonly heartbeatMs: number;
  /** Appends in flight to one follower before the leader waits (flow control). */
  readonly maxInflightAppends: number;
  /** Payload bytes in flight to one follower before the leader waits; one append always may be. Absent: no limit but the number. */
  readonly maxInflightBytes?: number;
  /** Payload bytes of one append; at least one entry always travels. */
  readonly maxAppendBytes: number;
  /** Payload bytes a leader holds uncommitted before it drops proposals. */
  readonly maxUncommittedBytes: number;
  /**
   * How long a commit waits for an append to tell the followers of it before an empty one does, ms; absent: not at all. At a low rate of proposals the next
   * append mostly comes first, which saves every follower a message and a turn. A follower that waits for the commit is told at once.
   */
  readonly commitNoticeMs?: number;
  /**
   * readIndex (the default): a read asks a majority whether this is still the leader (thesis §6.4). lease: it does not while a majority was heard of
   * lately (§6.4.1), which is right only as long as clocks run at rates that differ by less than clockDriftBound. All agents of a swarm must
   * agree on it: with leases an agent that was started votes for nobody for an election timeout, as it may have promised so in an earlier life.
   */
  readonly reads?: "readIndex" | "lease";
  /** The fastest clock's rate divided by the slowest's; absent: 1.1. */
  readonly clockDriftBound?: number;
  /** Entries before the latest snapshot that stay in memory, so that a follower a little behind needs no snapshot. Absent: 1024. */
  readonly keepEntries?: number;
  /** Their payload bytes, at most. Absent: 8 MiB. */
  readonly keepBytes?: number;
  /** Bytes of a snapshot in one message. Absent: 256 KiB. */
  readonly maxSnapshotChunkBytes?: number;
}

/** What a durable log gave back at start. `entries` is the whole log, consecutive from the one after the snapshot, or from 1. */
export interface Restored {
  readonly hardState: HardState;
  readonly snapshot?: Snapshot;
  readonly entries: readonly Entry[];
}

/**
 * Raft's messages. The names are what people see in the rounds view.
 * Terms: a message of an older term is answered so that its sender learns the newer one; of a newer term, it ends leadership.
 */
export type RaftMessage =
  /** Thesis §9.6: would you vote for me? Changes nothing at the receiver. term = the term it would campaign in. */
  | { readonly type: "preVote"; readonly term: number; readonly lastIndex: number; readonly lastTerm: number }
  | { readonly type: "preVoteReply"; readonly term: number; readonly granted: boolean }
  /** transfer: the leader asked for this election, so that it is heard although a leader lives (thesis §3.10, §4.2.3). */
  | {
      readonly type: "vote";
      readonly term: number;
      readonly lastIndex: number;
      readonly lastTerm: number;
      readonly transfer: boolean;
    }
  | { readonly type: "voteReply"; readonly term: number; readonly granted: boolean }
  | {
      readonly type: "append";
      readonly term: number;
      readonly prevIndex: number;
      readonly prevTerm: number;
      readonly commit: number;
      readonly entries: readonly Entry[];
    }
  /** accepted: `index` is the last index now known to match and durable. Refused: `index` and `hintTerm` let the leader jump back (Raft paper, end of §5.3). */
  | {
      readonly type: "appendReply";
      readonly term: number;
      readonly accepted: boolean;
      readonly index: number;
      readonly hintTerm: number;
    }
  /** `round` numbers a leader's heartbeats so that a reply confirms leadership for reads up to that round (thesis §6.4). */
  | { readonly type: "heartbeat"; readonly term: number; readonly commit: number; readonly round: number }
  | { readonly type: "heartbeatReply"; readonly term: number; readonly round: number }
  /** Commands on their way from a follower to the leader it knows. */
  | { readonly type: "forward"; readonly term: number; readonly commands: readonly Uint8Array[] }
  | { readonly type: "readIndex"; readonly term: number; readonly readIds: readonly number[] }
  /** index 0: refused. */
  | {
      readonly type: "readIndexReply";
      readonly term: number;
      readonly readIds: readonly number[];
      readonly index: number;
    }
  /** A part of a snapshot (§7): bytes from `offset` on, of totalBytes. */
  | {
      readonly type: "installSnapshot";
      readonly term: number;
      readonly snapshotIndex: number;
      readonly snapshotTerm: number;
      readonly configuration: Configuration;
      readonly totalBytes: number;
      readonly offset: number;
      readonly data: Uint8Array;
    }
  /** offset: how much of it is held, where to go on. done: everything up to snapshotIndex is durable. */
  | {
      readonly type: "installSnapshotReply";
      readonly term: number;
      readonly snapshotIndex: number;
      readonly offset: number;
      readonly done: boolean;
    }
  /** Thesis §3.10: campaign now. */
  | { readonly type: "timeoutNow"; readonly term: number };

/**
 * What happened inside, for people. Data, not text. Ranges of indexes are (fromIndex, toIndex]: the first is not part of it. What concerns a
 * pre-vote carries the term that would be campaigned in.
 */
export type RaftObservation =
  | { readonly type: "becameFollower"; readonly term: number; readonly leader: AgentId }
  | { readonly type: "becamePreCandidate"; readonly term: number }
  | { readonly type: "becameCandidate"; readonly term: number }
  | { readonly type: "becameLeader"; readonly term: number; readonly votes: readonly AgentId[] }
  | { readonly type: "steppedDown"; readonly term: number; readonly reason: "higherTerm" | "quorumLost" | "removed" }
  | { readonly type: "leaderKnown"; readonly term: number; readonly leader: AgentId }
  | { readonly type: "votedFor"; readonly term: number; readonly candidate: AgentId; readonly pre: boolean }
  | {
      readonly type: "voteRefused";
      readonly term: number;
      readonly candidate: AgentId;
      readonly pre: boolean;
      readonly reason: "alreadyVoted" | "logBehind" | "leaderAlive" | "oldTerm";
    }
  | {
      readonly type: "voteReceived";
      readonly term: number;
      readonly voter: AgentId;
      readonly granted: boolean;
      readonly pre: boolean;
      readonly granters: number;
      readonly needed: number;
    }
  | { readonly type: "electionTimedOut"; readonly term: number }
  /** Entries (from, to] of the log were replaced because they conflicted with the leader's. */
  | { readonly type: "truncated"; readonly term: number; readonly fromIndex: number; readonly toIndex: number }
  | { readonly type: "appended"; readonly term: number; readonly fromIndex: number; readonly toIndex: number }
  /** `acks` at a leader: who had acknowledged this index when it committed, itself included; empty at a follower. */
  | {
      readonly type: "committed";
      readonly term: number;
      readonly fromIndex: number;
      readonly toIndex: number;
      readonly acks: readonly AgentId[];
    }
  /** A change of the members at `index` is committed. */
  | {
      readonly type: "configurationChanged";
      readonly term: number;
      readonly index: number;
      readonly voters: readonly AgentId[];
      readonly outgoing: readonly AgentId[];
      readonly learners: readonly AgentId[];
    }
  | { readonly type: "leadershipTransferStarted"; readonly term: number; readonly to: AgentId }
  /** ok: it leads now, as far as is known here. */
  | { readonly type: "leadershipTransferEnded"; readonly term: number; readonly to: AgentId; readonly ok: boolean }
  | { readonly type: "snapshotTaken"; readonly term: number; readonly index: number; readonly bytes: number }
  /** The first part of a snapshot leaves for a follower that needs what the log no longer has. */
  | {
      readonly type: "snapshotSending";
      readonly term: number;
      readonly to: AgentId;
      readonly index: number;
      readonly bytes: number;
    }
  | { readonly type: "snapshotInstalled"; readonly term: number; readonly from: AgentId; readonly index: number }
  /** Entries up to this index are no longer held in memory. */
  | { readonly type: "compacted"; readonly term: number; readonly index: number };

export type RaftReady = Ready<RaftMessage, HardState, RaftObservation>;

/** See progress.ts. */
export type ProgressState = FollowerProgress["state"];

export interface RaftStatus extends ConsensusStatus {
  readonly role: Role;
  readonly votedFor: AgentId;
}
