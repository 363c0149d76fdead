import { ByteWriter } from "../bytes.ts";
import type { AgentId } from "../consensus.ts";
import type { Vector } from "./types.ts";

/** As many of each as the other, or more. */
export function covers(vector: Vector, other: Vector): boolean {
  for (let at = 0; at < other.length; at++) if ((vector[at] as number) < (other[at] as number)) return false;
  return true;
}

/** How many operations it stands for. */
export function sumOf(vector: Vector): number {
  let sum = 0;
  for (const seq of vector) sum += seq;
  return sum;
}

const ROSTERS = new WeakMap<readonly AgentId[], number>();

/** FNV-1a of the sorted members, 32 bits: for telling apart what was never meant for each other, not against anybody's intent. Worked out once for a list, which is not to change. */
export function rosterOf(sortedMembers: readonly AgentId[]): number {
  const known = ROSTERS.get(sortedMembers);
  if (known !== undefined) return known;
  const writer = new ByteWriter();
  for (const id of sortedMembers) writer.text(id);
  let hash = 0x811c9dc5;
  for (const byte of writer.view()) hash = Math.imul(hash ^ byte, 0x01000193);
  ROSTERS.set(sortedMembers, hash >>> 0);
  return hash >>> 0;
}
