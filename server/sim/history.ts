/** What clients asked of the memory and what they were told, for the linearizability checker. Values are compared as texts. */
export type MemoryCall =
  | { readonly type: "get" }
  /** ttlMs: it expires; absent: it lasts. Only asked for where that is not judged by the history. */
  | { readonly type: "put"; readonly value: string; readonly ttlMs?: number }
  | { readonly type: "compareAndSet"; readonly expectedVersion: number; readonly value: string }
  /** Compares the value, as registers of other systems do; ours compares versions. */
  | { readonly type: "compareAndSwap"; readonly expected: string | null; readonly value: string }
  | { readonly type: "delete" };

/** Versions are absent where a history does not tell them. */
export type MemoryOutcome =
  | { readonly type: "item"; readonly value: string | null; readonly version?: number }
  | { readonly type: "written"; readonly version?: number }
  | { readonly type: "conflict"; readonly version: number }
  | { readonly type: "deleted"; readonly existed?: boolean }
  /** It is known to have had no effect. */
  | { readonly type: "failed" }
  /** Whether it took effect, and when, is not known. */
  | { readonly type: "unknown" };

export interface MemoryOperation {
  readonly client: string;
  readonly key: string;
  readonly call: MemoryCall;
  readonly outcome: MemoryOutcome;
  /** Times of one clock, µs: virtual ones in a simulated mesh. */
  readonly invokedUs: number;
  /** Infinity when the outcome is unknown. */
  readonly returnedUs: number;
  /** Of an unknown outcome: when the client stopped waiting for it; absent when it never did. */
  readonly gaveUpUs?: number;
  /** Where a person finds it (its lines in a file); absent: its times tell. */
  readonly where?: string;
}

export class History {
  readonly #operations: MemoryOperation[] = [];
  readonly #onOperation: ((operation: MemoryOperation) => void) | undefined;

  constructor(onOperation?: (operation: MemoryOperation) => void) {
    this.#onOperation = onOperation;
  }

  get operations(): readonly MemoryOperation[] {
    return this.#operations;
  }

  record(operation: MemoryOperation): void {
    this.#operations.push(operation);
    this.#onOperation?.(operation);
  }
}
