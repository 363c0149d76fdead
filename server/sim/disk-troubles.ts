import type { DiskTrouble } from "../contract/faults.ts";

/** What is wrong with one disk at present. */
export class DiskTroubles {
  #present: readonly DiskTrouble[] = [];

  /** @returns those that were not there before; a trouble is the same as long as it is the same object */
  set(troubles: readonly DiskTrouble[]): readonly DiskTrouble[] {
    const fresh = troubles.filter((trouble) => !this.#present.includes(trouble));
    this.#present = troubles;
    return fresh;
  }

  has(trouble: DiskTrouble): boolean {
    return this.#present.includes(trouble);
  }

  /** Those of a kind. */
  of(name: DiskTrouble["trouble"]): readonly DiskTrouble[] {
    return this.#present.filter(({ trouble }) => trouble === name);
  }

  /** How much longer a sync takes, ms. */
  get slowMs(): number {
    let sumMs = 0;
    for (const trouble of this.#present) if (trouble.trouble === "slow") sumMs += trouble.delayMs;
    return sumMs;
  }

  /** Why nothing can be written; "" when it can. */
  get unwritable(): string {
    if (this.#is("failing")) return "the disk fails: a write ended with EIO";
    return this.#is("full") ? "the disk is full: a write ended with ENOSPC" : "";
  }

  get tearsTail(): boolean {
    return this.#is("tornTail");
  }

  get lies(): boolean {
    return this.#is("lostSyncs");
  }

  #is(name: DiskTrouble["trouble"]): boolean {
    return this.#present.some(({ trouble }) => trouble === name);
  }
}
