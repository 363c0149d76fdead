import { fromUtf8 } from "../../core/bytes.ts";
import type { MemoryCommand, MemoryItem } from "../../core/memory/types.ts";
import type { WriteId } from "../../core/memory/write-id.ts";

/** What counters and sets must come to that were told these writes, each after all that its agent knew. Nothing is ever forgotten. Not by the code that is judged. */
export class EventualTypes {
  readonly #counted = new Set<string>();
  readonly #totals = new Map<string, number>();
  /** By key and element: the adds that were told, and those that somebody has taken away or taken the place of. */
  readonly #added = new Map<string, Map<string, Set<string>>>();
  readonly #gone = new Set<string>();

  write(command: MemoryCommand, { session, sequence }: WriteId): void {
    const id = `${session} ${sequence}`;
    const name = `${command.namespace} ${command.key}`;
    if (command.type === "increment") {
      if (this.#counted.has(id)) return;
      this.#counted.add(id);
      this.#totals.set(name, (this.#totals.get(name) ?? 0) + command.by);
    }
    if (command.type !== "add" && command.type !== "remove") return;
    const { element, replaces } = command;
    for (const other of replaces) {
      const gone = `${other.session} ${other.sequence}`;
      if (gone !== id || command.type === "remove") this.#gone.add(`${name} ${element} ${gone}`);
    }
    if (command.type === "remove") return;
    const elements = this.#added.get(name) ?? new Map<string, Set<string>>();
    this.#added.set(name, elements.set(element, (elements.get(element) ?? new Set()).add(id)));
  }

  /** How these items are not the counters and sets that must be shown of the namespace; undefined: they are. */
  differs(namespace: string, items: readonly MemoryItem[]): string | undefined {
    const expected = this.#expected();
    const shown = new Map(items.map((item) => [`${item.namespace} ${item.key}`, item]));
    for (const name of new Set([...expected.keys(), ...shown.keys()])) {
      if (!name.startsWith(`${namespace} `)) continue;
      const item = shown.get(name);
      const is = item === undefined ? "nothing" : `${item.type} ${fromUtf8(item.value)}`;
      const must = expected.get(name) ?? "nothing";
      if (is !== must) return `${is} as ${name.slice(namespace.length + 1)}, which by what it was told is ${must}`;
    }
    return undefined;
  }

  #expected(): Map<string, string> {
    const expected = new Map<string, string>();
    for (const [name, elements] of this.#added) {
      const there = [...elements].filter(([element, ids]) =>
        [...ids].some((id) => !this.#gone.has(`${name} ${element} ${id}`)),
      );
      if (there.length > 0) expected.set(name, `set ${JSON.stringify(there.map(([element]) => element).sort())}`);
    }
    for (const [name, total] of this.#totals) expected.set(name, `counter ${total}`);
    return expected;
  }
}
