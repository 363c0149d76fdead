/** What clients asked of the memory and what they were told, for the linearizability checker. Times are virtual µs. */
export type MemoryCall =
  | { readonly type: "get" }
  /** Values are unique in a history. */
  | { readonly type: "put"; readonly value: string }
  | { readonly type: "compareAndSet"; readonly expectedVersion: number; readonly value: string }
  | { readonly type: "delete" };

export type MemoryOutcome =
  | { readonly type: "item"; readonly value: string | null; readonly version: number }
  | { readonly type: "written"; readonly version: number }
  | { readonly type: "conflict"; readonly version: number }
  | { readonly type: "deleted"; readonly existed: boolean }
  /** Whether it took effect, and when, is not known. */
  | { readonly type: "unknown" };

export interface MemoryOperation {
  readonly client: string;
  readonly key: string;
  readonly call: MemoryCall;
  readonly outcome: MemoryOutcome;
  readonly invokedUs: number;
  /** Infinity when the outcome is unknown. */
  readonly returnedUs: number;
}

export class History {
  readonly #operations: MemoryOperation[] = [];

  get operations(): readonly MemoryOperation[] {
    return this.#operations;
  }

  record(operation: MemoryOperation): void {
    this.#operations.push(operation);
  }
}
