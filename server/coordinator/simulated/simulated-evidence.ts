import type { Fields } from "../../contract/timeline.ts";
import { readProof } from "../../live/proofs/evidence-line.ts";
import { MAX_EVIDENCE_EACH } from "../evidence-keeper.ts";

/**
 * Who was proved to lie in a simulated swarm. Its keys are no real ones, so that nobody else could verify it: an agent is believed that no fault made lie, as it has verified
 * both signatures itself.
 */
export class SimulatedEvidence {
  readonly #finders = new Map<string, Set<string>>();
  readonly #statements = new Map<string, Set<string>>();
  /** Who was made to lie. */
  #liars: ReadonlySet<string> = new Set();

  believeNot(liars: readonly string[]): void {
    this.#liars = new Set(liars);
  }

  /** Who was proved to lie, with who found proof of it, sorted. */
  get liars(): ReadonlyMap<string, readonly string[]> {
    return new Map([...this.#finders].sort().map(([culprit, by]) => [culprit, [...by].sort()]));
  }

  /** What is proved of one, as sentences. */
  statementsOf(culprit: string): readonly string[] {
    return [...(this.#statements.get(culprit) ?? [])];
  }

  /** An agent tells that it caught another. @returns whether anybody is now known for a liar, or better known, who was not */
  told(by: string, { evidence: digits }: Fields): boolean {
    if (this.#liars.has(by) || typeof digits !== "string") return false;
    const { evidence, statement } = readProof(digits);
    if (evidence === undefined) return false;
    const { culprit } = evidence;
    const [finders, statements] = [setOf(this.#finders, culprit), setOf(this.#statements, culprit)];
    const before = finders.size + statements.size;
    finders.add(by);
    if (statements.size < MAX_EVIDENCE_EACH) statements.add(statement);
    return finders.size + statements.size > before;
  }
}

function setOf(sets: Map<string, Set<string>>, name: string): Set<string> {
  const known = sets.get(name) ?? new Set();
  sets.set(name, known);
  return known;
}
