/**
 * What the mesh has committed, as first seen: for each index the chain of the log up to it, and the term of the one that said so. The first to
 * know that an index committed is its leader, so this is the term it committed in.
 */
export class CommittedLog {
  readonly #chains: number[] = [0];
  readonly #terms: number[] = [0];

  get lastIndex(): number {
    return this.#chains.length - 1;
  }

  chainAt(index: number): number | undefined {
    return this.#chains[index];
  }

  termAt(index: number): number | undefined {
    return this.#terms[index];
  }

  push(chain: number, term: number): void {
    this.#chains.push(chain);
    this.#terms.push(term);
  }

  /** The highest index committed in a term below this one. */
  lastBefore(term: number): number {
    let index = this.lastIndex;
    while (index > 0 && (this.#terms[index] as number) >= term) index--;
    return index;
  }
}
