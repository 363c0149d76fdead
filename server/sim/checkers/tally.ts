import type { ClientOperation } from "../../contract/client.ts";
import { fromUtf8 } from "../../core/bytes.ts";
import type { MemoryItem } from "../../core/memory/types.ts";
import { compareText } from "../../core/text.ts";

export type TypedOperation = Extract<ClientOperation, { readonly op: "increment" | "add" | "remove" }>;

interface Count {
  /** The sum of what was acknowledged. */
  told: number;
  /** Of what was not: it may count, or not. */
  mayAdd: number;
  mayTake: number;
}

/** What clients asked of counters and sets and were told, as they see it: in the end it must be there, each once. */
export class Tally {
  readonly #counts = new Map<string, Count>();
  /** By key and element. kept: an add of it was acknowledged, and nobody ever asked for its removal. */
  readonly #elements = new Map<string, Map<string, { kept: boolean; removal: boolean }>>();
  #acknowledged = 0;

  /** Writes that a client was told of. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  asked(operation: TypedOperation): void {
    if (operation.op === "increment") {
      const { by = 1 } = operation;
      const count = this.#countOf(operation.key);
      if (by > 0) count.mayAdd += by;
      else count.mayTake -= by;
    } else if (operation.op === "remove") this.#elementOf(operation).removal = true;
    else this.#elementOf(operation);
  }

  answered(operation: TypedOperation): void {
    this.#acknowledged++;
    if (operation.op === "increment") {
      const { by = 1 } = operation;
      const count = this.#countOf(operation.key);
      count.told += by;
      if (by > 0) count.mayAdd -= by;
      else count.mayTake += by;
    } else if (operation.op === "add") this.#elementOf(operation).kept = true;
  }

  /** What all agents hold when all is quiet. How it is not what clients were told; undefined: it is. */
  differs(items: readonly MemoryItem[]): string | undefined {
    const held = new Map(items.map((item) => [item.key, item]));
    for (const [key, { told, mayAdd, mayTake }] of [...this.#counts].sort(([a], [b]) => compareText(a, b))) {
      const item = held.get(key);
      const total = item === undefined ? 0 : Number(fromUtf8(item.value));
      if (total < told - mayTake || total > told + mayAdd)
        return `${key} is ${total}; what clients were told of comes to ${told}, and what they were not to between -${mayTake} and ${mayAdd}`;
    }
    for (const [key, elements] of this.#elements) {
      const item = held.get(key);
      const there = new Set(item === undefined ? [] : (JSON.parse(fromUtf8(item.value)) as string[]));
      for (const [element, { kept, removal }] of elements)
        if (kept && !removal && !there.has(element))
          return `${key} lacks ${element}, which a client was told is added and nobody removed`;
      for (const element of there) if (!elements.has(element)) return `${key} has ${element}, which nobody added`;
    }
    return undefined;
  }

  #countOf(key: string): Count {
    const count = this.#counts.get(key) ?? { told: 0, mayAdd: 0, mayTake: 0 };
    this.#counts.set(key, count);
    return count;
  }

  #elementOf({ key, element }: { readonly key: string; readonly element: string }): {
    kept: boolean;
    removal: boolean;
  } {
    const elements = this.#elements.get(key) ?? new Map<string, { kept: boolean; removal: boolean }>();
    this.#elements.set(key, elements);
    const known = elements.get(element) ?? { kept: false, removal: false };
    elements.set(element, known);
    return known;
  }
}
