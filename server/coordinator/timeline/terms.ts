/** Who was what in which term (of PBFT, view), exactly: one entry per change of an agent's role or term. Of gossip nothing: it has no terms. */
import { CONSENSUS, kindOfRole } from "../../contract/consensus.ts";
import type { AgentStamp, TermBar, TimelineEvent } from "../../contract/timeline.ts";

interface Change {
  readonly atMs: number;
  readonly counter: number;
  /** null: its process ended. */
  readonly state: Pick<AgentStamp, "role" | "term"> | null;
}

export class Terms {
  readonly #changes = new Map<string, Change[]>();

  /** An agent's own events come in their order; only the end of its process, seen from outside, may arrive before its last ones. */
  add(event: TimelineEvent): void {
    const state = event.kind === "processEnded" ? null : event.state;
    if (state === undefined || (state !== null && CONSENSUS[kindOfRole(state.role)].term === "")) return;
    let changes = this.#changes.get(event.agent);
    if (changes === undefined) {
      changes = [];
      this.#changes.set(event.agent, changes);
    }
    const { wallMs: atMs, counter } = event.hlc;
    let at = changes.length;
    while (at > 0 && isAfter(changes[at - 1]!, atMs, counter)) at--;
    const before = changes[at - 1];
    if (before !== undefined && same(before.state, state)) return;
    const after = changes[at];
    const change = { atMs, counter, state: state && { role: state.role, term: state.term } };
    changes.splice(at, after !== undefined && same(after.state, state) ? 1 : 0, change);
  }

  /** The bars that touch [fromMs, toMs), by agent, then by time. */
  bars(agents: readonly string[], fromMs: number, toMs: number): TermBar[] {
    const bars: TermBar[] = [];
    for (const agent of agents) {
      const changes = this.#changes.get(agent) ?? [];
      for (let at = lastAtOrBefore(changes, fromMs); at < changes.length; at++) {
        const { atMs, state } = changes[at]!;
        if (atMs >= toMs) break;
        const end = changes[at + 1]?.atMs ?? null;
        if (state !== null && (end === null || end > fromMs))
          bars.push({ agent, fromMs: atMs, toMs: end, term: state.term, role: state.role });
      }
    }
    return bars;
  }
}

function isAfter(change: Change, atMs: number, counter: number): boolean {
  return change.atMs > atMs || (change.atMs === atMs && change.counter > counter);
}

function same(a: Change["state"], b: Change["state"]): boolean {
  return a === null || b === null ? a === b : a.role === b.role && a.term === b.term;
}

function lastAtOrBefore(changes: readonly Change[], atMs: number): number {
  let low = 0;
  let high = changes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (changes[middle]!.atMs <= atMs) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}
