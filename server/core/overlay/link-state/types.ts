import type { AgentId } from "../../consensus.ts";

/** Which advert of an agent: of two the one of the later life, then of the higher number, counts. */
export interface AdvertNumber {
  readonly origin: AgentId;
  /** The origin's incarnation. */
  readonly life: number;
  /** Rises with each change of its links, from 1 in each life. */
  readonly number: number;
}

/** Who an agent has links with, as it says itself. */
export interface LinkAdvert extends AdvertNumber {
  /** Their places in the roster: the reader's may not have grown that far. */
  readonly peers: readonly number[];
  /** The origin's, of all the rest (signing.ts). */
  readonly signature: Uint8Array;
}

/** What one neighbour tells another: adverts, or the numbers of all that it has, so that either learns what it lacks. */
export type LinkStateMessage =
  | { readonly type: "adverts"; readonly adverts: readonly LinkAdvert[] }
  | { readonly type: "known"; readonly known: readonly AdvertNumber[] };

export interface LinkStateReady {
  /** This agent's own one, which is new: for all others, by a broadcast. */
  readonly broadcast?: LinkAdvert;
  /** From neighbour to neighbour. */
  readonly messages: readonly { readonly to: AgentId; readonly message: LinkStateMessage }[];
  /** The links that are known are others than at the last `take`. */
  readonly changed: boolean;
  /** Adverts that their origins did not sign. */
  readonly forged: readonly ForgedAdvert[];
}

export interface ForgedAdvert {
  /** Whom it is about. */
  readonly origin: AgentId;
  /** The neighbour that told of it; absent for a broadcast, which is passed on unread. */
  readonly from?: AgentId;
}
