import type { AgentId } from "../consensus.ts";
import type { DetectorFigures, Member, MembershipMessage, MembershipReady } from "./types.ts";

/**
 * Who is alive, as one agent sees it: a failure detector with the news it spreads. `swim/` probes members, `heartbeat/` listens to all of them; README.md
 * says what both promise. Inputs step it, `take` gives what has to leave; `tick` is to be called at `deadline()`. `now`: ms, never backwards.
 */
export interface Membership {
  /**
   * There are more members: `members` is what was known before, in the same order, and more. A new one counts as alive until it has been silent for as
   * long as at a start.
   * @throws RangeError when it is anything else.
   */
  grow(members: readonly AgentId[], now: number): void;
  /** A link to the peer is up. */
  linkUp(peer: AgentId, now: number): void;
  /** The link to the peer closed and is not up again: a hint that the peer is gone. */
  linkDown(peer: AgentId, now: number): void;
  /** There is no link to the peer any more, by somebody's choice: nothing is known of it by that. */
  linkGivenUp(peer: AgentId, now: number): void;
  /** A message came from a member. News of nobody known is ignored. */
  heard(from: AgentId, message: MembershipMessage, now: number): void;
  /** Says goodbye: others hear of it in the next `take`, and pass it on. Final. */
  leave(now: number): void;
  tick(now: number): void;
  /** When `tick` has something to do, ms. */
  deadline(): number;
  /** What has to leave and what happened since the last call, or undefined. */
  take(now: number): MembershipReady | undefined;
  /** Something was observed that `take` has not told yet. */
  readonly observed: boolean;
  /** All members in roster order, oneself among them. Incarnation 0: not heard of yet. */
  members(): Member[];
  member(id: AgentId): Member | undefined;
  figures(): DetectorFigures;
}

/** The binary form of messages among members that share a roster. */
export interface MembershipCodec {
  /** @param roster what was known before, and more. */
  grow(roster: readonly AgentId[]): void;
  /** @throws RangeError for a member that is not in the roster, and for more news than a message takes. */
  encode(message: MembershipMessage): Uint8Array;
  /** @throws MalformedBytes */
  decode(bytes: Uint8Array): MembershipMessage;
}
