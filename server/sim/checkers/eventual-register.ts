import { fromUtf8 } from "../../core/bytes.ts";
import type { MemoryCommand, MemoryItem } from "../../core/memory/types.ts";

/** What a key was last told. */
interface Register {
  readonly stamp: number;
  readonly deleted: boolean;
  readonly value: Uint8Array;
  /** Entry time, ms; Infinity: never. A deletion is over when it is made. */
  readonly expiresAtMs: number;
}

/**
 * What a memory must hold that was given these writes, whatever their order: of each key the one with the greatest stamp (last writer wins: Johnson and Thomas 1975), of equal ones the greater
 * value, and a value before a deletion. Nothing is ever forgotten. Not by the code that is judged.
 */
export class EventualRegisters {
  readonly #registers = new Map<string, Register>();
  #timeMs = 0;

  /** @param timeMs its own time. */
  write(command: MemoryCommand, stamp: number, timeMs: number): void {
    if (command.type !== "put" && command.type !== "delete") return;
    const { namespace, key } = command;
    const name = `${namespace} ${key}`;
    const register: Register =
      command.type === "delete"
        ? { stamp, deleted: true, value: new Uint8Array(0), expiresAtMs: 0 }
        : {
            stamp,
            deleted: false,
            value: command.value,
            expiresAtMs: command.ttlMs === 0 ? Infinity : timeMs + command.ttlMs,
          };
    const before = this.#registers.get(name);
    if (before === undefined || compare(register, before) > 0) this.#registers.set(name, register);
  }

  /** Anything was given: time is the latest of all. */
  passed(timeMs: number): void {
    this.#timeMs = Math.max(this.#timeMs, timeMs);
  }

  /** The stamp of what a key was last told, also where that is a deletion or has expired; 0: nothing. */
  stampOf(namespace: string, key: string): number {
    return this.#registers.get(`${namespace} ${key}`)?.stamp ?? 0;
  }

  /** How these items are not what must be shown of the namespace; undefined: they are. */
  differs(namespace: string, items: readonly MemoryItem[]): string | undefined {
    const shown = new Map(items.map((item) => [item.key, item]));
    for (const [name, { stamp, deleted, value, expiresAtMs }] of this.#registers) {
      if (!name.startsWith(`${namespace} `)) continue;
      const key = name.slice(namespace.length + 1);
      const item = shown.get(key);
      shown.delete(key);
      const there = !deleted && expiresAtMs > this.#timeMs;
      if (!there && item === undefined) continue;
      const last = deleted ? `its deletion (${stamp})` : `${fromUtf8(value)} (${stamp}${there ? "" : ", expired"})`;
      if (item === undefined) return `nothing as ${key}, which was last told ${last}`;
      if (!there || item.version !== stamp || fromUtf8(item.value) !== fromUtf8(value))
        return `${fromUtf8(item.value)} (${item.version}) as ${key}, which was last told ${last}`;
    }
    const [more] = shown.values();
    return more && `${fromUtf8(more.value)} (${more.version}) as ${more.key}, which nobody wrote`;
  }
}

function compare(one: Register, other: Register): number {
  if (one.stamp !== other.stamp) return one.stamp - other.stamp;
  if (one.deleted !== other.deleted) return one.deleted ? -1 : 1;
  const at = one.value.findIndex((byte, place) => byte !== other.value[place]);
  if (at >= 0) return at >= other.value.length ? 1 : (one.value[at] as number) - (other.value[at] as number);
  return one.value.length - other.value.length || (one.expiresAtMs < other.expiresAtMs ? -1 : 1);
}
