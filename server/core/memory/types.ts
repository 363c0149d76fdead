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
    };

/** A key's present value. `version` is the index of the entry that wrote it: unique in the swarm's life, rising. */
export interface MemoryItem {
  readonly namespace: string;
  readonly key: string;
  readonly value: Uint8Array;
  readonly version: number;
  /** Entry time in ms at which it expires; 0 = never. */
  readonly expiresAtMs: number;
}

export type MemoryResult =
  | { readonly type: "written"; readonly version: number }
  | { readonly type: "deleted"; readonly existed: boolean }
  /** compareAndSet found another version (0 = absent); nothing changed. */
  | { readonly type: "conflict"; readonly version: number };
