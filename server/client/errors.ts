import type { ClientErrorCode } from "../contract/client.ts";

/**
 * What agents answer, and what this side finds out by itself: `closed` = `close()` was called while the request was under way; `unvouched` = agents answered,
 * but no f + 1 of them the same.
 */
export type MeshErrorCode = ClientErrorCode | "closed" | "unvouched";

/** notApplied: nothing changed. unknown: a write may have been applied, or may still be. */
export type Outcome = "notApplied" | "unknown";

/** A request that did not succeed. `message` is a sentence for people. */
export class MeshError extends Error {
  override readonly name = "MeshError";
  readonly code: MeshErrorCode;
  readonly outcome: Outcome;

  constructor(code: MeshErrorCode, outcome: Outcome, message: string) {
    super(message);
    this.code = code;
    this.outcome = outcome;
  }
}

/** A connection that could not be opened, or an agent at the other end that is not the expected one. */
export class ConnectionFailed extends Error {
  override readonly name = "ConnectionFailed";
}

/** A frame that is not what an agent sends; the connection it came by is closed. */
export class MalformedFrame extends Error {
  override readonly name = "MalformedFrame";
}
