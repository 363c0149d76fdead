import { getHeapStatistics } from "node:v8";
import { SwimMembership } from "../../server/core/membership/swim/swim.ts";
import { seededRandom } from "../../server/core/random.ts";
import { keptBytes } from "./measured.ts";
import { SETTINGS } from "./swim-members.ts";

/** So many members are made to see what one keeps. */
const SAMPLE = 10;

/**
 * Every member, and so every agent, knows every other: what that takes alone must fit, or a trial would run for minutes to end without memory.
 * @throws Error with what it would take, as measured
 */
export function checkRoom(size: number): void {
  const ids = Array.from({ length: size }, (_, at) => `a${at + 1}`);
  const empty = keptBytes();
  const made = Array.from(
    { length: SAMPLE },
    (_, at) => new SwimMembership({ id: ids[at] as string, members: ids, ...SETTINGS }, 1, 0, seededRandom(String(at))),
  );
  const each = (keptBytes() - empty) / made.length;
  const limit = getHeapStatistics().heap_size_limit;
  if (each * size <= limit) return;
  throw new Error(
    `their lists of members alone would keep ${gib(each * size)} GiB (${Math.round(each / 1024).toLocaleString("en")} KiB each), and ${gib(limit)} are allowed`,
  );
}

/**
 * What is kept now, typed arrays among it, which no limit of the heap holds: it is to be within that limit all the same.
 * @throws Error with what there is
 */
export function checkKept(): void {
  const kept = keptBytes();
  const limit = getHeapStatistics().heap_size_limit;
  if (kept > limit) throw new Error(`${gib(kept)} GiB are kept, and ${gib(limit)} are allowed`);
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}
