import type { AgentId } from "../consensus.ts";

/**
 * alive: heard of within the timeout. suspected: silent, or its link closed; may still refute. failed: the suspicion ran out.
 * left: said goodbye.
 */
export type MemberState = "alive" | "suspected" | "failed" | "left";

export interface Member {
  readonly id: AgentId;
  readonly state: MemberState;
  /** Rises with every start of the agent; news of an older life is ignored. */
  readonly incarnation: number;
  /** Rises with every heartbeat of one life. */
  readonly heartbeat: number;
  /** When (local now, ms) this state was entered. */
  readonly sinceMs: number;
}

export interface MembershipConfig {
  readonly id: AgentId;
  readonly members: readonly AgentId[];
  readonly heartbeatMs: number;
  /** Silence after which a member is suspected. */
  readonly suspectAfterMs: number;
  /** Time a suspect has to be heard of before it is failed. */
  readonly failAfterMs: number;
  /** The same after a link to it closed and could not be opened again (a hint, not a verdict). */
  readonly failAfterClosedMs: number;
}

/** News of one member: a heartbeat counter, or a verdict somebody reached. */
export interface MemberNews {
  readonly id: AgentId;
  readonly incarnation: number;
  readonly heartbeat: number;
  readonly state: MemberState;
}

export interface MembershipMessage {
  readonly type: "gossip";
  readonly news: readonly MemberNews[];
  /** Members the sender hears over links of its own: its neighbours need not tell it their heartbeats. In roster order. */
  readonly hears: readonly AgentId[];
}

export type MembershipObservation =
  | {
      readonly type: "memberAlive";
      readonly member: AgentId;
      readonly incarnation: number;
      readonly was: MemberState | "unknown";
    }
  | {
      readonly type: "memberSuspected";
      readonly member: AgentId;
      readonly by: AgentId;
      readonly reason: "silence" | "linkClosed" | "told";
    }
  | { readonly type: "memberFailed"; readonly member: AgentId; readonly by: AgentId }
  | { readonly type: "memberLeft"; readonly member: AgentId };

export interface MembershipReady {
  /** To direct neighbours only. */
  readonly messages: readonly { readonly to: AgentId; readonly message: MembershipMessage }[];
  readonly observations: readonly MembershipObservation[];
}
