import type { AgentId } from "../../consensus.ts";

/** Who an agent has links with, as it says itself; of two adverts of one agent the one of the later life, then of the higher number, counts. */
export interface LinkAdvert {
  readonly origin: AgentId;
  /** The origin's incarnation. */
  readonly life: number;
  /** Rises with each change of its links, from 1 in each life. */
  readonly number: number;
  readonly peers: readonly AgentId[];
}

export interface LinkStateReady {
  /** This agent's own one, which is new: for all others, by a broadcast. */
  readonly broadcast?: LinkAdvert;
  /** From neighbour to neighbour. */
  readonly messages: readonly { readonly to: AgentId; readonly adverts: readonly LinkAdvert[] }[];
  /** The links that are known are others than at the last `take`. */
  readonly changed: boolean;
}
