import type { AgentId } from "../../consensus.ts";

/**
 * HyParView (Leitão, Pereira and Rodrigues, "HyParView: a membership protocol for reliable gossip-based broadcast", DSN 2007): every agent keeps links with
 * few others (its active view), knows some more (its passive view), and repairs the first from the second. What agents tell each other, and what they want.
 */
export type HyParViewMessage =
  /** Takes me in ("Join Mechanism"). Answered with `neighbourReply`. */
  | { readonly type: "join"; readonly number: number }
  /** A walk that looks for neighbours of a newcomer ("Join Mechanism"). `ttl`: hops it may still go. */
  | { readonly type: "forwardJoin"; readonly newcomer: AgentId; readonly ttl: number }
  /** Be my neighbour ("Active View Management"): with priority it is not refused. Answered with `neighbourReply`. */
  | { readonly type: "neighbour"; readonly number: number; readonly priority: Priority }
  /** `number`: of the request. */
  | { readonly type: "neighbourReply"; readonly number: number; readonly accepted: boolean }
  /** I am not your neighbour any more ("Join Mechanism"). `leaving`: nor anybody's. */
  | { readonly type: "disconnect"; readonly leaving: boolean }
  /** A walk with some of whom `origin` knows ("Passive View Management"); where it ends, it is answered with as many. */
  | {
      readonly type: "shuffle";
      readonly origin: AgentId;
      readonly number: number;
      readonly ttl: number;
      readonly ids: readonly AgentId[];
    }
  | { readonly type: "shuffleReply"; readonly number: number; readonly ids: readonly AgentId[] };

export type Priority = "high" | "low";

export interface HyParViewConfig {
  readonly id: AgentId;
  /** Agents to join through, in any order; this one itself does not count. Without any it waits for others to come. */
  readonly contacts: readonly AgentId[];
  /** Links an agent has at most: the fanout of the broadcast above, and 1. */
  readonly activeSize: number;
  /** With fewer neighbours it asks with priority. The paper's is 1: only who has none does, and some stay with few. */
  readonly activeLeast: number;
  readonly passiveSize: number;
  /** Hops that a newcomer's walks go (ARWL). */
  readonly activeWalk: number;
  /** With so many hops to go such a walk leaves the newcomer in a passive view (PRWL). */
  readonly passiveWalk: number;
  /** Hops that a shuffle goes. */
  readonly shuffleWalk: number;
  /** Of its active view (ka) and its passive view (kp) an agent tells so many in a shuffle, and itself. */
  readonly shuffleActive: number;
  readonly shufflePassive: number;
  /** From one shuffle to the next. */
  readonly shuffleIntervalMs: number;
  /** Who does not answer a request within this is not there. */
  readonly answerMs: number;
}

/** The paper's, for some 10,000 agents; how far a shuffle goes is not in it. */
export const PAPER_VIEWS = {
  activeSize: 5,
  activeLeast: 1,
  passiveSize: 30,
  activeWalk: 6,
  passiveWalk: 3,
  shuffleWalk: 6,
  shuffleActive: 3,
  shufflePassive: 4,
} as const satisfies Partial<HyParViewConfig>;

/**
 * Why a neighbour is none any more. failed: it cannot be reached. disconnected: it said so. replaced: room was made for another. left: one of the two left for good.
 */
export type NeighbourLoss = "failed" | "disconnected" | "replaced" | "left";

export type HyParViewObservation =
  | { readonly type: "neighbourUp"; readonly peer: AgentId }
  | { readonly type: "neighbourDown"; readonly peer: AgentId; readonly reason: NeighbourLoss }
  /** A shuffle came back. `learned`: whom it brought into the passive view. */
  | { readonly type: "shuffled"; readonly peer: AgentId; readonly learned: number };

export interface HyParViewReady {
  /** Those to one who is no neighbour go over a link that is opened for them. */
  readonly messages: readonly { readonly to: AgentId; readonly message: HyParViewMessage }[];
  readonly observations: readonly HyParViewObservation[];
}
