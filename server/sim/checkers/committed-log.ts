import type { Configuration } from "../../core/consensus.ts";

/** Who the members are from an entry on. */
export interface ConfiguredFrom {
  readonly index: number;
  readonly configuration: Configuration;
}

/**
 * What the mesh has committed, as first seen: for each index the chain of the log up to it, the entry's term, and the term of the one that said so. The
 * first to know that an index committed is its leader, so this is the term it committed in.
 */
export class CommittedLog {
  readonly #chains: number[] = [0];
  readonly #entryTerms: number[] = [0];
  readonly #terms: number[] = [0];
  readonly #configurations: ConfiguredFrom[];

  /** @param bootstrap the members before any entry. */
  constructor(bootstrap: Configuration) {
    this.#configurations = [{ index: 0, configuration: bootstrap }];
  }

  get lastIndex(): number {
    return this.#chains.length - 1;
  }

  chainAt(index: number): number | undefined {
    return this.#chains[index];
  }

  /** The term of the entry. */
  entryTermAt(index: number): number | undefined {
    return this.#entryTerms[index];
  }

  /** The term it committed in. */
  termAt(index: number): number | undefined {
    return this.#terms[index];
  }

  /** Up to an index, oldest first; never empty. */
  configurationsUpTo(index: number): ConfiguredFrom[] {
    return this.#configurations.filter((one) => one.index <= index);
  }

  /** @param configuration what the entry changes the members to, if it does. */
  push(chain: number, entryTerm: number, term: number, configuration: Configuration | undefined): void {
    this.#chains.push(chain);
    this.#entryTerms.push(entryTerm);
    this.#terms.push(term);
    if (configuration !== undefined) this.#configurations.push({ index: this.lastIndex, configuration });
  }

  /** The highest index committed in a term below this one. */
  lastBefore(term: number): number {
    let index = this.lastIndex;
    while (index > 0 && (this.#terms[index] as number) >= term) index--;
    return index;
  }
}
