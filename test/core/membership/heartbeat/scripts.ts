import { HeartbeatMembership } from "../../../../server/core/membership/heartbeat/heartbeat.ts";
import type {
  HeartbeatNews,
  MemberNews,
  MemberState,
  MembershipReady,
} from "../../../../server/core/membership/types.ts";
import { seededRandom } from "../../../../server/core/random.ts";

/** What scripts of inputs to a single member are written with. */
export const TIMING = { heartbeatMs: 100, suspectAfterMs: 500, failAfterMs: 300, failAfterClosedMs: 200 };
export const MEMBERS = ["a", "b", "c", "d"];

/** The one called a. */
export function member(members: readonly string[] = MEMBERS, incarnation = 1, nowMs = 0): HeartbeatMembership {
  return new HeartbeatMembership({ id: "a", members, ...TIMING }, incarnation, nowMs, seededRandom("test"));
}

export function news(id: string, heartbeat: number, state: MemberState = "alive", incarnation = 1): MemberNews {
  return { id, incarnation, heartbeat, state };
}

export function suspicion(id: string, heartbeat: number, ...confirmedBy: string[]): HeartbeatNews {
  return { ...news(id, heartbeat, "suspected"), confirmedBy };
}

export function tell(core: HeartbeatMembership, from: string, nowMs: number, ...some: HeartbeatNews[]): void {
  core.heard(from, { type: "gossip", news: some, hears: [] }, nowMs);
}

/** "b: a5 c3?ab d7x": who is told what; ? suspected and who confirms it, x failed, - left. */
export function told(ready: MembershipReady | undefined): string[] {
  const marks = { alive: "", suspected: "?", failed: "x", left: "-" };
  return (ready?.messages ?? []).map(({ to, message }) => {
    const all: readonly HeartbeatNews[] = message.type === "gossip" ? message.news : [];
    const texts = all.map(
      ({ id, heartbeat, state, confirmedBy = [] }) => id + heartbeat + marks[state] + confirmedBy.join(""),
    );
    return `${to}: ${texts.join(" ")}`;
  });
}

export function happened(ready: MembershipReady | undefined): string[] {
  return (ready?.observations ?? []).map((one) => {
    if (one.type === "memberSuspected") return `${one.member} suspected by ${one.by}: ${one.reason}`;
    if (one.type === "memberFailed") return `${one.member} failed by ${one.by}`;
    return one.type === "memberLeft" ? `${one.member} left` : `${one.member}.${one.incarnation} alive, was ${one.was}`;
  });
}

/** Ticks whenever it is due until then; what leaves is dropped. */
export function runTo(core: HeartbeatMembership, nowMs: number): string[] {
  const all: string[] = [];
  for (let dueMs = core.deadline(); dueMs <= nowMs; dueMs = core.deadline()) {
    core.tick(dueMs);
    all.push(...happened(core.take(dueMs)));
  }
  return all;
}
