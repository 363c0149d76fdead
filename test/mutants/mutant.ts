import type { QuickMesh } from "../../server/contract/coordinator.ts";

/** One known way to get a protocol wrong: a small patch to a source file, made while that file is loaded, and nowhere else. */
export interface Mutant {
  readonly name: string;
  /** What is wrong, and which rule it breaks. */
  readonly bug: string;
  /** The consensus that it is a bug of; absent: Raft, or the machines above it. */
  readonly core?: "raft" | "pbft" | "gossip";
  readonly patches: readonly Patch[];
  /** Another right way to do what stands in the bug's way, patched in besides: by itself it breaks nothing (see `variantOf`). */
  readonly variant?: readonly Patch[];
  /** The mesh it is hunted in, for Raft; absent: five agents, each linked with each. */
  readonly mesh?: { readonly agents: number; readonly topology?: QuickMesh["topology"] };
}

export interface Patch {
  /** From the root of the project. */
  readonly file: string;
  /** Occurs exactly once in it. */
  readonly find: string;
  readonly replace: string;
}

/** A promise that was broken. */
export interface Violation {
  /** Which. */
  readonly invariant: string;
  readonly detail: string;
}

/** What a hunt of one mutant through the seeds found. */
export interface Hunt {
  readonly mutant: string;
  /** null: it was not caught. */
  readonly caughtBy: string | null;
  readonly detail: string;
  /** The seed that caught it; null when none did. */
  readonly seed: number | null;
  /** How many were tried. */
  readonly seeds: number;
  readonly ms: number;
}

export function coreOf({ core = "raft" }: Mutant): NonNullable<Mutant["core"]> {
  return core;
}

/** What the bug is put into, without the bug: this must not be found guilty, or it would be caught instead of the bug. undefined: the real thing. */
export function variantOf(mutant: Mutant): Mutant | undefined {
  return mutant.variant && { ...mutant, name: `(no bug: ${mutant.name})`, patches: [] };
}

/** @throws RangeError where the text is not found exactly once: the source has moved on, and the mutant must follow. */
export function patched(source: string, { file, find, replace }: Patch): string {
  const at = source.indexOf(find);
  const again = at < 0 ? -1 : source.indexOf(find, at + 1);
  if (at < 0 || again >= 0)
    throw new RangeError(`${file}: the text to patch occurs ${at < 0 ? "nowhere" : "more than once"}: ${find}`);
  return source.slice(0, at) + replace + source.slice(at + find.length);
}
