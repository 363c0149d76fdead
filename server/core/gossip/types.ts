import type { AgentId, ConsensusStatus, Ready } from "../consensus.ts";
import type { Checksum } from "../reconciliation/checksum-tree.ts";
import type { Split } from "../reconciliation/comparison.ts";

/**
 * How many operations of each member, by its place (roll.ts): of each a prefix, as they are delivered without gaps. (A version vector: Parker et al. 1983.)
 */
export type Vector = readonly number[];

/** What an operation depends on besides its origin's own ones: so many of that member's. */
export interface Dependency {
  /** Its place. */
  readonly member: number;
  readonly seq: number;
}

/** One command on its way to everybody, or a change of who counts. Immutable once made. */
export interface Operation {
  /** The place of whom it was proposed at. */
  readonly origin: number;
  /** From 1, without gaps, for each origin: over all of its lives. */
  readonly seq: number;
  /** A hybrid logical clock's time in whole µs since the epoch: greater than that of all that it depends on. */
  readonly stamp: number;
  /** By member; only what the origin's operation before it does not depend on already. */
  readonly deps: readonly Dependency[];
  /** The command, opaque here; of a change what `encodeChange` gives (roll.ts). */
  readonly data: Uint8Array;
  /** Who counts is changed by it; absent: it is a command. */
  readonly changes?: true;
}

/** An operation as it spreads. */
export interface Rumour {
  readonly operation: Operation;
  /** How many messages it has gone through, this one included. */
  readonly hops: number;
}

/** How many operations of a member the sender has, and how many of those it knows that everybody has. */
export interface Count {
  readonly have: number;
  readonly everywhere: number;
}

/** The same of a member that is named, by its place. */
export interface Recent extends Count {
  readonly member: number;
}

/** Of a smallest range of members, by its index: of each of them. */
export interface Leaf {
  readonly index: number;
  readonly counts: readonly Count[];
}

/** Whom an agent has a link with that is up, and how many links what it says to anybody crosses on average; of those where each message goes straight there is nobody nearer than others. */
export interface Near {
  readonly linked: readonly AgentId[];
  readonly meanHops: number;
}

export interface GossipConfig {
  readonly id: AgentId;
  /** All that the swarm began with: the same everywhere, in any order. */
  readonly members: readonly AgentId[];
  /** Those that came later, in an order that is the same everywhere; more may come (`Gossip.grow`). It is one of them or of those before. Absent: nobody. */
  readonly later?: readonly AgentId[];
  /** How many peers are told of what is new, at once. At least 1; 3 reach 94 in a hundred. */
  readonly fanout: number;
  /** What it issues is given to EVERYBODY, to be broadcast, instead of as a rumour to `fanout` peers; what it hears as a rumour goes on as one. Absent: not. */
  readonly broadcasts?: boolean;
  /** How often it compares itself with a peer, ms: between half and one and a half of it, another time each time. */
  readonly antiEntropyMs: number;
  /** How far another's clock may be ahead: operations with a stamp further in the future wait until it is not. Absent: 60,000. */
  readonly maxAheadMs?: number;
  /** Payload bytes of one message; one operation always travels. Absent: 256 KiB. */
  readonly maxMessageBytes?: number;
  /** Operations of one message. Absent: 1024. */
  readonly maxMessageOperations?: number;
  /**
   * Bytes of operations kept for members that lack them, before those that a majority has are dropped: whoever lacks one then is sent the state instead. Twice as much, and
   * nothing is proposed here any more until others have caught up. They are part of each snapshot. Absent: 8 MiB.
   */
  readonly retainBytes?: number;
  /** Bytes of operations that wait for what they depend on. More are refused, and come again. Absent: 8 MiB. */
  readonly maxWaitingBytes?: number;
  /** Bytes of a state in one message. Absent: 256 KiB. */
  readonly maxChunkBytes?: number;
  /** Members up to which each digest says all, and nobody is nearer than others; among more mostly a checksum is said, and then what differs. Absent: 16. */
  readonly listedMembers?: number;
}

/**
 * The messages of gossip. The names are what people see in the rounds view. roster: a hash of those that the swarm began with; whoever has other ones is not listened to, as numbers of
 * members would mean others. view: tells apart what the sender knows of who came and went since (roll.ts); absent: nothing. What it says of all holds only for whoever knows the same.
 */
export type GossipMessage =
  /**
   * What the sender has just heard of (Demers et al., §1.4). passedOnBy is not of the message: it came as a broadcast of the sender's, by way of this neighbour, which need not have it on its disk.
   */
  | {
      readonly type: "rumour";
      readonly roster: number;
      readonly rumours: readonly Rumour[];
      readonly passedOnBy?: AgentId;
    }
  /**
   * What the sender has, to be compared (§1.3). have: all of it durable. everywhere: what the sender knows that everybody has. complete: who is known to have as much as `have`, by place.
   * answer: it answers a digest or a delta, and is not answered with another digest.
   */
  | {
      readonly type: "digest";
      readonly roster: number;
      readonly view?: number;
      readonly answer: boolean;
      readonly have: Vector;
      readonly everywhere: Vector;
      readonly complete: readonly number[];
    }
  /**
   * The same in few bytes (§1.3: checksums, and lists of recent updates). sum: of all that the sender has. recent: of some members of which not everybody is known to have as much as the sender, the newest
   * first. complete: who is known to have as much as the sender; "all": everybody.
   */
  | {
      readonly type: "checksum";
      readonly roster: number;
      readonly view?: number;
      readonly answer: boolean;
      readonly sum: Checksum;
      readonly recent: readonly Recent[];
      readonly complete: readonly number[] | "all";
    }
  /** Where checksums differ: those of the parts of what differs, or the smallest parts themselves. answer: these are, and are not answered with the receiver's. */
  | {
      readonly type: "ranges";
      readonly roster: number;
      readonly view?: number;
      readonly answer: boolean;
      readonly splits: readonly Split[];
      readonly leaves: readonly Leaf[];
    }
  /** Operations that a digest's sender lacks, in causal order. */
  | { readonly type: "delta"; readonly roster: number; readonly operations: readonly Operation[] }
  /** A part of the state for whoever lacks what is not kept any more: bytes from `offset` on, of totalBytes. */
  | {
      readonly type: "state";
      readonly roster: number;
      readonly index: number;
      readonly totalBytes: number;
      readonly offset: number;
      readonly data: Uint8Array;
    }
  /** offset: how much of it is held, where to go on. */
  | { readonly type: "stateReply"; readonly roster: number; readonly index: number; readonly offset: number };

/**
 * What happened inside, for people. Ranges are (from, to]: the first is not part of it. term is 0 wherever it stands, as there are no terms here: those are the events of other kinds of
 * consensus, with their fields.
 */
export type GossipObservation =
  /** Commands became operations of this agent, at these places of its log. */
  | {
      readonly type: "issued";
      readonly fromSeq: number;
      readonly toSeq: number;
      readonly fromIndex: number;
      readonly toIndex: number;
    }
  /** Operations of `origin` up to `seq` were heard of for the first time, by rumour. hops: messages that the last of them went through. */
  | {
      readonly type: "rumourHeard";
      readonly from: AgentId;
      readonly origin: AgentId;
      readonly seq: number;
      readonly operations: number;
      readonly hops: number;
    }
  /** Operations that one of the two lacked were sent, or received ones were delivered. Nothing is said of a comparison that finds no difference. */
  | { readonly type: "antiEntropy"; readonly peer: AgentId; readonly sent: number; readonly received: number }
  /** A clock is further ahead than is believed: the operation waits. */
  | { readonly type: "heldBack"; readonly origin: AgentId; readonly seq: number; readonly aheadMs: number }
  /** Everybody is known to have all that this agent has. */
  | { readonly type: "converged"; readonly members: number; readonly operations: number }
  /** Durable here, and so given out. acks: itself. */
  | {
      readonly type: "committed";
      readonly term: number;
      readonly fromIndex: number;
      readonly toIndex: number;
      readonly acks: readonly AgentId[];
    }
  /** Who counts, since the operation at this place of the log: all of them vote, as far as anybody does. */
  | {
      readonly type: "configurationChanged";
      readonly term: number;
      readonly index: number;
      readonly voters: readonly AgentId[];
      readonly outgoing: readonly AgentId[];
      readonly learners: readonly AgentId[];
    }
  | { readonly type: "snapshotTaken"; readonly term: number; readonly index: number; readonly bytes: number }
  | {
      readonly type: "snapshotSending";
      readonly term: number;
      readonly to: AgentId;
      readonly index: number;
      readonly bytes: number;
    }
  | { readonly type: "snapshotInstalled"; readonly term: number; readonly from: AgentId; readonly index: number };

/** The durable log's fields; nothing is ever written to them: all that must survive is in the log. */
export interface GossipHardState {
  readonly term: number;
  readonly votedFor: AgentId;
  readonly commit: number;
}

export type GossipReady = Ready<GossipMessage, GossipHardState, GossipObservation>;

/** How far the spreading has come, as far as is known here. */
export interface Spread {
  /** How many count. */
  readonly members: number;
  /** Whether this agent does: it takes commands. */
  readonly counted: boolean;
  /** How many of those who count are known to have at least all that this agent has, itself included. */
  readonly sameVector: number;
  /** Operations of its own that not everybody is known to have. */
  readonly behind: number;
  /**
   * Operations of its own that nobody else has said to have who counts, and knows of the same comings and goings: they might be lost with its disk. All of them, after a start and whenever somebody comes or
   * goes, until one says so.
   */
  readonly unshared: number;
  /** Operations that have come before what they depend on, or from a clock too far ahead. */
  readonly waiting: number;
  /** When it last became known that everybody has all that this agent has, ms; null: not in this life. */
  readonly convergedAtMs: number | null;
  /** How probable it is that everybody has it, in [0, 1]: 1 only where it is known. See epidemic.ts. */
  readonly agreement: number;
}

/** term is 0, leader empty, the followers none: always. lastTerm: the stamp of the last operation in the log. */
export interface GossipStatus extends Omit<ConsensusStatus, "role"> {
  readonly role: "peer";
  readonly gossip: Spread;
}
