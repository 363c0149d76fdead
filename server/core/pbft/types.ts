import type { AgentId, ConsensusStatus, Ready } from "../consensus.ts";

/**
 * What a replica is at present. viewChange: it has given up on a view and takes part in none until the next one begins (OSDI '99, §4.4).
 */
export type PbftRole = "primary" | "backup" | "viewChange";

export interface PbftConfig {
  readonly id: AgentId;
  /** All n replicas, the same everywhere; sorted by id. At least 4: with fewer nobody may lie (OSDI '99, §3: n = 3f + 1). */
  readonly replicas: readonly AgentId[];
  /** Rises with every start of this agent: requests of an earlier life are told apart. */
  readonly incarnation: number;
  /** How long a replica waits for a request that it knows of to be executed before it gives up on the view, ms. Doubles with every view that decides nothing. */
  readonly viewTimeoutMs: number;
  /** A primary that has nothing to propose says after this long that it is there, ms; and what was said and not answered is said again. */
  readonly heartbeatMs: number;
  /** Batches that a primary has under way at a time, at most. */
  readonly maxInflightBatches: number;
  /** Payload bytes of one batch; one request always fits. */
  readonly maxBatchBytes: number;
  /** Payload bytes that wait at a primary or for one, at most; beyond it proposals are dropped. */
  readonly maxPendingBytes: number;
  /** A checkpoint is taken every so many sequence numbers: K. The window of those in flight, L, is twice that (OSDI '99, §4.3). */
  readonly checkpointEvery: number;
  /** How far a batch's time may be ahead of this replica's clock, or behind it, ms: a primary that lies can neither make everything expire nor keep it from expiring. */
  readonly maxAheadMs: number;
  /** Bytes of a state transfer's message. */
  readonly maxStateChunkBytes: number;
  /** The journal is begun anew, with a snapshot, at the first stable checkpoint after it grew by so many bytes. */
  readonly compactJournalBytes: number;
}

/** A signature, and whose. */
export interface Signed {
  readonly replica: AgentId;
  readonly signature: Uint8Array;
}

/**
 * What one agent wants ordered, signed by it: a primary cannot make requests up, and every replica executes each of them once (OSDI '99, §4.1;
 * the timestamp t there is life and number here).
 */
export interface Request {
  readonly origin: AgentId;
  readonly life: number;
  /** From 1, per life. */
  readonly number: number;
  /** Numbers below it will not be asked for any more: replicas need not remember them one by one. */
  readonly floor: number;
  readonly commands: readonly Uint8Array[];
  readonly signature: Uint8Array;
}

/** What one sequence number orders. Without requests it is the null request of a new view (§4.4). */
export interface Batch {
  /** In which it was first proposed: the `term` of its entries, the same at every replica whatever view committed it. */
  readonly view: number;
  /** The primary's time, whole ms. */
  readonly timeMs: number;
  readonly requests: readonly Request[];
}

/** 2f prepares of different backups that match a pre-prepare: no other batch can be prepared at this place in this view (§4.2). */
export interface PreparedCertificate {
  readonly view: number;
  readonly seq: number;
  readonly digest: Uint8Array;
  /** Of the primary of that view. */
  readonly prePrepare: Uint8Array;
  readonly prepares: readonly Signed[];
}

/** 2f+1 commits: this batch, and no other ever, is decided at this place. */
export interface CommitCertificate {
  readonly view: number;
  readonly seq: number;
  readonly digest: Uint8Array;
  readonly commits: readonly Signed[];
}

/** 2f+1 checkpoint messages: the state after `seq` has this digest (§4.3). seq 0 is the beginning, which needs no proof. */
export interface CheckpointCertificate {
  readonly seq: number;
  readonly digest: Uint8Array;
  readonly checkpoints: readonly Signed[];
}

/** A replica gives up on the view before `view`, and shows what it knows (§4.4). */
export interface ViewChange {
  readonly view: number;
  readonly replica: AgentId;
  readonly stable: CheckpointCertificate;
  /** Rising by seq, each above the stable checkpoint. */
  readonly prepared: readonly PreparedCertificate[];
  readonly signature: Uint8Array;
}

/** What a new view begins with at one place, and the new primary's pre-prepare for it. */
export interface Reproposal {
  readonly seq: number;
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
}

export type PbftMessage =
  | { readonly type: "request"; readonly request: Request }
  | {
      readonly type: "prePrepare";
      readonly view: number;
      readonly seq: number;
      readonly digest: Uint8Array;
      readonly signature: Uint8Array;
      readonly batch: Batch;
    }
  /** prePrepare: the primary's signature for this digest, so that whoever was told another one holds proof of it. */
  | {
      readonly type: "prepare";
      readonly view: number;
      readonly seq: number;
      readonly digest: Uint8Array;
      readonly signature: Uint8Array;
      readonly prePrepare: Uint8Array;
    }
  | {
      readonly type: "commit";
      readonly view: number;
      readonly seq: number;
      readonly digest: Uint8Array;
      readonly signature: Uint8Array;
    }
  | {
      readonly type: "checkpoint";
      readonly seq: number;
      readonly digest: Uint8Array;
      readonly signature: Uint8Array;
    }
  | { readonly type: "viewChange"; readonly viewChange: ViewChange }
  /** The 2f+1 view changes are named by digest: they were sent to all anyway, and whoever lacks one asks for it (TOCS 2002, §3.2.4). */
  | {
      readonly type: "newView";
      readonly view: number;
      readonly viewChanges: readonly { readonly replica: AgentId; readonly digest: Uint8Array }[];
      readonly reproposals: readonly Reproposal[];
      readonly signature: Uint8Array;
    }
  /**
   * Where this replica is, so that others say again what it misses: messages may get lost (TOCS 2002, §5.2). From a primary also that it is there. active: it takes part
   * in `view`; otherwise it waits for its new view.
   */
  | {
      readonly type: "status";
      readonly view: number;
      readonly active: boolean;
      /** The highest stable checkpoint, the highest executed, and the highest of which it knows that something is proposed there. */
      readonly stable: number;
      readonly executed: number;
      readonly proposed: number;
      /** It wants an answer. */
      readonly asks: boolean;
    }
  /** Wants a batch of which it has only the digest. */
  | { readonly type: "fetchBatch"; readonly seq: number; readonly digest: Uint8Array }
  | { readonly type: "batch"; readonly seq: number; readonly batch: Batch }
  | { readonly type: "fetchViewChange"; readonly view: number; readonly replica: AgentId }
  /** A decided batch with its proof, for a replica that is behind. */
  | { readonly type: "decided"; readonly certificate: CommitCertificate; readonly batch: Batch }
  /** Wants the state of a stable checkpoint, from `offset` on. */
  | { readonly type: "fetchState"; readonly seq: number; readonly offset: number }
  | {
      readonly type: "stateChunk";
      readonly certificate: CheckpointCertificate;
      readonly totalBytes: number;
      readonly offset: number;
      readonly data: Uint8Array;
    }
  /** The read-only optimisation (§4.6 in our form: see reads.ts). */
  | { readonly type: "read"; readonly life: number; readonly number: number }
  /** prepared: the highest seq prepared here when the question came. Signed together with whose question it was. */
  | {
      readonly type: "readReply";
      readonly life: number;
      readonly number: number;
      readonly prepared: number;
      readonly signature: Uint8Array;
    };

/** The messages that a replica may sign only one of, for one view and seq. */
export type OnceSigned = "prePrepare" | "prepare" | "commit";

/**
 * Two messages with one's signature that contradict each other: proof that it lies, for whoever knows its key. checkpoint: two states for one seq; its view is 0.
 */
export interface Evidence {
  readonly culprit: AgentId;
  readonly kind: OnceSigned | "checkpoint";
  readonly view: number;
  readonly seq: number;
  readonly first: { readonly digest: Uint8Array; readonly signature: Uint8Array };
  readonly second: { readonly digest: Uint8Array; readonly signature: Uint8Array };
}

/** Why something that arrived was not believed. */
export type Disbelief =
  | "badSignature"
  | "wrongDigest"
  | "notPrimary"
  | "notReplica"
  | "badTime"
  | "badRequest"
  | "badProof"
  | "wrongProposals"
  | "outOfWindow";

/** What happened inside, for people. Digests are the first 8 bytes in hexadecimal digits. */
export type PbftObservation =
  | {
      readonly type: "prePrepared";
      readonly view: number;
      readonly seq: number;
      readonly digest: string;
      readonly requests: number;
    }
  /** by: who prepared it, the primary and this replica among them. */
  | {
      readonly type: "prepared";
      readonly view: number;
      readonly seq: number;
      readonly by: readonly AgentId[];
      readonly needed: number;
    }
  /** acks: who had committed it when that was enough. Indexes are (fromIndex, toIndex]. */
  | {
      readonly type: "committed";
      readonly term: number;
      readonly seq: number;
      readonly digest: string;
      readonly fromIndex: number;
      readonly toIndex: number;
      readonly acks: readonly AgentId[];
    }
  | {
      readonly type: "viewChangeStarted";
      readonly view: number;
      readonly reason: "timeout" | "others" | "badPrimary" | "restart" | "asked";
    }
  | {
      readonly type: "viewChangeReceived";
      readonly view: number;
      readonly from: AgentId;
      readonly have: number;
      readonly needed: number;
    }
  | {
      readonly type: "viewEntered";
      readonly view: number;
      readonly primary: AgentId;
      readonly by: readonly AgentId[];
      readonly reproposed: number;
    }
  | {
      readonly type: "disbelieved";
      readonly from: AgentId;
      readonly message: PbftMessage["type"];
      readonly reason: Disbelief;
    }
  | {
      readonly type: "equivocation";
      readonly culprit: AgentId;
      readonly kind: Evidence["kind"];
      readonly view: number;
      readonly seq: number;
      readonly evidence: string;
    }
  | {
      readonly type: "checkpointTaken";
      readonly seq: number;
      readonly index: number;
      readonly digest: string;
      readonly bytes: number;
    }
  | { readonly type: "checkpointStable"; readonly seq: number; readonly by: readonly AgentId[] }
  | { readonly type: "stateTransferStarted"; readonly seq: number; readonly from: AgentId }
  | {
      readonly type: "stateTransferRefused";
      readonly seq: number;
      readonly from: AgentId;
      readonly reason: "wrongDigest" | "malformed";
    }
  | { readonly type: "stateInstalled"; readonly seq: number; readonly index: number; readonly from: AgentId };

/** What must survive a crash besides the journal. The field names are those of the durable log. */
export interface PbftHardState {
  /** The view. */
  readonly term: number;
  /** The view's primary, once the view was entered; empty during a view change. */
  readonly votedFor: AgentId;
  /** The highest seq known to be decided: a hint that saves work after a restart, safe to be behind. */
  readonly commit: number;
}

export type PbftReady = Ready<PbftMessage, PbftHardState, PbftObservation>;

/** Indexes: the last entry decided here without a gap before it is the last one known, as what is not decided has no index yet. */
export interface PbftStatus extends ConsensusStatus {
  readonly role: PbftRole;
  /** All that the view began with has been executed: whoever leads knows all that was decided before. */
  readonly settled: boolean;
  /** How many liars are survived: (n - 1) / 3, rounded down. */
  readonly faultsTolerated: number;
  /** Who was seen to lie, sorted. */
  readonly liars: readonly AgentId[];
  readonly stableSeq: number;
  readonly executedSeq: number;
  readonly proposedSeq: number;
}
