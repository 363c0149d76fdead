import type { AgentId } from "../../consensus.ts";

/**
 * Plumtree (Leitão, Pereira and Rodrigues, "Epidemic Broadcast Trees", SRDS 2007): a broadcast goes along a tree that it finds itself among the links of an overlay; over
 * the other links agents only tell that they have it, and that is how the tree is mended. What agents tell each other, and what they want.
 */
export interface BroadcastId {
  readonly origin: AgentId;
  /** Of the origin: its broadcasts are counted anew in each life. */
  readonly incarnation: number;
  /** From 1, rising. */
  readonly number: number;
}

/** `hops`: links that it has crossed when it arrives. */
export interface Announcement {
  readonly id: BroadcastId;
  readonly hops: number;
}

export type PlumtreeMessage =
  /** The paper's GOSSIP. */
  | { readonly type: "broadcast"; readonly id: BroadcastId; readonly hops: number; readonly payload: Uint8Array }
  /** Broadcasts that the sender has, and how many hops they would have come by it. */
  | { readonly type: "ihave"; readonly announcements: readonly Announcement[] }
  /** Push to me again; and this broadcast, which I lack. Without one the link is wanted only because it is shorter ("Optimization"). */
  | { readonly type: "graft"; readonly id?: BroadcastId }
  /** Only announce to me: I had it already. */
  | { readonly type: "prune" };

export interface PlumtreeConfig {
  readonly id: AgentId;
  readonly incarnation: number;
  /** From an announcement until the broadcast is asked for (the paper's first timeout): longer than it takes along the tree. */
  readonly missingMs: number;
  /** Until the next who announced it is asked (the second): about a round trip. */
  readonly againMs: number;
  /** Announcements are gathered for so long; 0: they leave with the next turn. */
  readonly gatherMs: number;
  /** A link is put in another's place that would have been so many hops shorter ("Optimization"); Infinity: none ever. */
  readonly threshold: number;
  /** Broadcasts an agent remembers having had. One that comes back later than that is delivered again. */
  readonly remembered: number;
  /** Of those it keeps the payloads of the newest, up to so many bytes, for whoever lacks one. */
  readonly keptBytes: number;
}

export interface Delivery extends Announcement {
  readonly payload: Uint8Array;
  /** The neighbour that pushed it. */
  readonly from: AgentId;
}

export type PlumtreeObservation =
  /** A link became one of the tree. missing: a broadcast did not come otherwise. shorter: it came by a longer way. */
  | { readonly type: "grafted"; readonly peer: AgentId; readonly reason: "missing" | "shorter" }
  /** It is none any more: what came over it was here already, or came by a shorter way. */
  | { readonly type: "pruned"; readonly peer: AgentId };

/** Counted since the start. */
export interface PlumtreeFigures {
  /** Begun here. */
  readonly broadcast: number;
  /** Of others, that came here for the first time. */
  readonly delivered: number;
  /** Payloads that came although they were here already: redundant / delivered, over all agents, is the paper's relative message redundancy. */
  readonly redundant: number;
  /** Links that the last one delivered had crossed; null: none was. */
  readonly lastHops: number | null;
  /** How often this agent made a link one of the tree, and how often it took one out. */
  readonly grafted: number;
  readonly pruned: number;
}

export interface PlumtreeReady {
  readonly messages: readonly { readonly to: AgentId; readonly message: PlumtreeMessage }[];
  readonly deliveries: readonly Delivery[];
  readonly observations: readonly PlumtreeObservation[];
}
