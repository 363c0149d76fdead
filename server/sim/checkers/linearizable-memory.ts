import type { MemoryOperation } from "../history.ts";
import type { Broken } from "./broken.ts";
import { judgeMemory } from "./memory-verdict.ts";

/**
 * The memory is linearizable: each key by itself behaves as one copy that one operation at a time changes or reads (Herlihy and Wing, 1990).
 */
export class LinearizableMemory {
  readonly #broken: Broken;
  #undecided = "";

  constructor(broken: Broken) {
    this.#broken = broken;
  }

  /** Keys whose history was too hard to judge, in words; "" = none. */
  get undecided(): string {
    return this.#undecided;
  }

  check(history: readonly MemoryOperation[]): void {
    const undecided: string[] = [];
    for (const verdict of judgeMemory(history)) {
      if (verdict.type === "broken")
        this.#broken("linearizable memory", `key ${verdict.key}: ${verdict.unexplained.reason}`);
      if (verdict.type === "undecided") undecided.push(`key ${verdict.key}: ${verdict.detail}`);
    }
    this.#undecided = undecided.join("; ");
  }
}
