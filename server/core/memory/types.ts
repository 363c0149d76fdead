import type { StateMachine } from "../consensus.ts";
import type { WriteId } from "./write-id.ts";

/** Namespaced key-value memory: the commands that go through the log and what applying one gives back. */
export type MemoryCommand =
  | {
      readonly type: "put";
      readonly namespace: string;
      readonly key: string;
      readonly value: Uint8Array;
      /** Counted from the entry's time; 0 = lives until deleted. */
      readonly ttlMs: number;
    }
  | { readonly type: "delete"; readonly namespace: string; readonly key: string }
  | {
      readonly type: "compareAndSet";
      readonly namespace: string;
      readonly key: string;
      /** The version that must be there; 0 = the key must be absent. */
      readonly expectedVersion: number;
      readonly value: Uint8Array;
      readonly ttlMs: number;
    }
  /** Eventual memory alone. by: may be below 0. */
  | { readonly type: "increment"; readonly namespace: string; readonly key: string; readonly by: number }
  | ({ readonly type: "add" } & ElementChange)
  | ({ readonly type: "remove" } & ElementChange);

/** Of a set. Eventual memory alone. */
interface ElementChange {
  readonly namespace: string;
  readonly key: string;
  readonly element: string;
  /** The adds of this element that the agent knew which was asked. */
  readonly replaces: readonly WriteId[];
}

/** A key's present value. `version` is the index of the entry that wrote it: unique in the swarm's life, rising. */
export interface MemoryItem {
  readonly namespace: string;
  readonly key: string;
  readonly value: Uint8Array;
  readonly version: number;
  /** Entry time in ms at which it expires; 0 = never. */
  readonly expiresAtMs: number;
  /** Absent: a value. Of a counter `value` is the total in decimal digits; of a set its elements in code unit order, as a JSON array of texts. */
  readonly type?: "counter" | "set";
}

export type MemoryResult =
  | { readonly type: "written"; readonly version: number }
  | { readonly type: "deleted"; readonly existed: boolean }
  /** compareAndSet found another version (0 = absent); nothing changed. */
  | { readonly type: "conflict"; readonly version: number }
  /** The counter's total here, with this increment. */
  | { readonly type: "counted"; readonly total: number }
  /** created: it was not an element here before. */
  | { readonly type: "added"; readonly created: boolean }
  | { readonly type: "removed"; readonly existed: boolean }
  /** Counters and sets are of eventual memory; nothing changed. */
  | { readonly type: "refused"; readonly reason: "eventualOnly" };

/** What every memory offers, whichever consensus carries it. Times are entry times, ms. */
export interface KeyedMemory extends StateMachine<MemoryCommand, MemoryResult> {
  /** Items held. */
  readonly size: number;
  /** Of the latest entry applied. */
  readonly timeMs: number;
  /** Time passes without a command. */
  clock(timeMs: number): void;
  /** @param timeMs hides what has expired by then. */
  get(namespace: string, key: string, timeMs: number): MemoryItem | undefined;
  /** At most `limit` items whose key starts with `prefix`, in code unit order of their keys. */
  list(namespace: string, prefix: string, limit: number): MemoryItem[];
  /** All such items, one by one; `after`: only keys that come after it. To be gone through before the memory changes. */
  items(namespace: string, prefix: string, after: string, timeMs: number): IterableIterator<MemoryItem>;
  /** Names of the namespaces that hold something, in code unit order. */
  namespaces(): string[];
  /** What `snapshot` gives at this moment, in pieces that are made as they are asked for; the memory may change meanwhile. */
  snapshotPieces(): Iterable<Uint8Array>;
}
