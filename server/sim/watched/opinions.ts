import type { MemberStateName } from "../../contract/swarm.ts";

/** What the others hold of an agent, by majority, and who doubts it; agents are places in the roster. */
export interface Opinion {
  /** null: nobody tells. */
  readonly majority: MemberStateName | null;
  /** Who suspects it or holds it for failed; of very many, the first. */
  readonly suspectedBy: readonly number[];
}

/** One agent's doubts: those that it does not hold alive. */
export type Doubts = ReadonlyMap<number, MemberStateName>;

const NO_DOUBTS: Doubts = new Map();
const DOUBTS: readonly MemberStateName[] = ["suspected", "failed", "left"];

/**
 * Counts what agents hold of each other, as each of them tells it: with a thousand agents there are a million opinions, of which nearly all are that somebody is alive, and
 * only the others are kept.
 */
export class OpinionTally {
  readonly #size: number;
  readonly #shown: number;
  /** By teller; undefined: it does not tell. */
  readonly #told: (Doubts | undefined)[];
  /** By subject and state: who holds it so. */
  readonly #holders: Map<MemberStateName, Set<number>>[];
  readonly #changed = new Set<number>();
  #tellers = 0;

  /** @param shown who doubts an agent is named up to so many */
  constructor(size: number, shown: number) {
    this.#size = size;
    this.#shown = shown;
    this.#told = Array.from({ length: size }, () => undefined);
    this.#holders = Array.from({ length: size }, () => new Map());
  }

  /** What an agent holds of the others now. @param doubts undefined: it does not run */
  tells(teller: number, doubts: Doubts | undefined): void {
    const before = this.#told[teller];
    if ((before === undefined) !== (doubts === undefined)) {
      this.#tellers += doubts === undefined ? -1 : 1;
      // Whether anybody tells at all, and whether it is a majority, concerns all.
      for (let subject = 0; subject < this.#size; subject++) this.#changed.add(subject);
    }
    for (const [subject, state] of before ?? NO_DOUBTS)
      if (doubts?.get(subject) !== state) {
        this.#holders[subject]?.get(state)?.delete(teller);
        this.#changed.add(subject);
      }
    for (const [subject, state] of doubts ?? NO_DOUBTS)
      if (before?.get(subject) !== state) {
        this.#holdersOf(subject, state).add(teller);
        this.#changed.add(subject);
      }
    this.#told[teller] = doubts;
  }

  /** Those of whom something else is held than when this was asked last. */
  take(): ReadonlyMap<number, Opinion> {
    const taken = new Map([...this.#changed].map((subject) => [subject, this.#opinionOf(subject)]));
    this.#changed.clear();
    return taken;
  }

  #holdersOf(subject: number, state: MemberStateName): Set<number> {
    const states = this.#holders[subject] as Map<MemberStateName, Set<number>>;
    const known = states.get(state) ?? new Set();
    states.set(state, known);
    return known;
  }

  #opinionOf(subject: number): Opinion {
    const holders = this.#holders[subject] as Map<MemberStateName, Set<number>>;
    const others = this.#tellers - (this.#told[subject] === undefined ? 0 : 1);
    let doubting = 0;
    for (const by of holders.values()) doubting += by.size;
    // Where as many hear an agent as do not, it is heard.
    let [majority, most]: [MemberStateName | null, number] = [others === 0 ? null : "alive", others - doubting];
    for (const state of DOUBTS) {
      const count = holders.get(state)?.size ?? 0;
      if (count > most) [majority, most] = [state, count];
    }
    const sorted = (state: MemberStateName): number[] => [...(holders.get(state) ?? [])].sort((a, b) => a - b);
    return { majority, suspectedBy: [...sorted("suspected"), ...sorted("failed")].slice(0, this.#shown) };
  }
}
