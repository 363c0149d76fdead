import type { OutcomeRequest } from "./requests.ts";

/** A client's question what a write came to, that has not been answered. */
export interface PendingOutcome {
  readonly type: "outcome";
  readonly connection: number;
  readonly id: number;
  readonly request: OutcomeRequest;
  /** Unique and rising: breaks ties between deadlines. */
  readonly order: number;
}

/** Questions about writes that have not been applied here, by the write they are about. Nothing is proposed for them: another agent was asked to. */
export class PendingOutcomes {
  readonly #bySession = new Map<string, Map<number, Set<PendingOutcome>>>();

  add(outcome: PendingOutcome): void {
    const { session, sequence } = outcome.request;
    let bySequence = this.#bySession.get(session);
    if (bySequence === undefined) {
      bySequence = new Map();
      this.#bySession.set(session, bySequence);
    }
    const asked = bySequence.get(sequence);
    if (asked === undefined) bySequence.set(sequence, new Set([outcome]));
    else asked.add(outcome);
  }

  /** Who asked about this write, in the order in which they asked. */
  about(session: string, sequence: number): readonly PendingOutcome[] {
    const asked = this.#bySession.get(session)?.get(sequence);
    return asked === undefined ? NOBODY : [...asked];
  }

  /** It is answered or given up. */
  delete(outcome: PendingOutcome): void {
    const { session, sequence } = outcome.request;
    const bySequence = this.#bySession.get(session);
    const asked = bySequence?.get(sequence);
    if (bySequence === undefined || asked?.delete(outcome) !== true || asked.size > 0) return;
    bySequence.delete(sequence);
    if (bySequence.size === 0) this.#bySession.delete(session);
  }

  *all(): IterableIterator<PendingOutcome> {
    for (const bySequence of this.#bySession.values()) for (const asked of bySequence.values()) yield* asked;
  }
}

const NOBODY: readonly PendingOutcome[] = [];
