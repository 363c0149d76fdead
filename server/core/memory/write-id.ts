import { compareText } from "../text.ts";

/** A client's write, however often it is sent and through whichever agents: the same in all of the operations that it became. */
export interface WriteId {
  readonly session: string;
  /** From 1. */
  readonly sequence: number;
}

export function sameId(one: WriteId, other: WriteId): boolean {
  return one.sequence === other.sequence && one.session === other.session;
}

export function compareIds(one: WriteId, other: WriteId): number {
  return compareText(one.session, other.session) || one.sequence - other.sequence;
}
