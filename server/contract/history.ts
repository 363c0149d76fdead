/** A line of a history: docs/history.md. What Jepsen calls an operation, and Porcupine's examples log. */
export interface HistoryLine {
  /** From 0, in the order of time. */
  readonly index: number;
  /** Has one operation under way at a time; one whose operation ended in `info` does nothing more. */
  readonly process: number;
  /** fail: it is known to have had no effect. info: nobody knows whether it had, or will have, one. */
  readonly type: "invoke" | "ok" | "fail" | "info";
  /** cas compares the value, casVersion the version; both take `[expected, new]`. */
  readonly f: "read" | "write" | "cas" | "casVersion" | "delete";
  /** Of a read: null, then what was read (null: nothing). Of a delete: null, then whether it was there. */
  readonly value: unknown;
  /** Ns from the beginning of the history. */
  readonly time: number;
  readonly key: string;
  /** What the answer told of it. */
  readonly version?: number;
  readonly error?: string;
}
