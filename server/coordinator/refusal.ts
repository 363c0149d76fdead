import { CoordinatorError } from "../contract/coordinator.ts";

export type RefusalReason = keyof typeof CoordinatorError;

/** A request that was not done. `message` is for people, whole; `code` is the JSON-RPC error code of the contract. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string) {
    super(message);
    this.reason = reason;
  }

  get code(): number {
    return CoordinatorError[this.reason];
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
