import { tried as triedIn } from "../core/gossip/trial.ts";
import type { Violation } from "./mutant.ts";

/** One run of a cluster through crashes, loss, delay, slow disks, partitions and clocks that differ; then all of that ends, and everybody must come to have the same. */
export function tried(seed: number): Violation | null {
  const { finding } = triedIn(seed);
  return finding && { invariant: finding.promise, detail: finding.detail };
}
