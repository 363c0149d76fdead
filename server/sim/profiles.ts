import type { Timing, TimingProfile } from "../contract/mesh.ts";
import type { DiskSpeed } from "./disk.ts";
import type { Latency } from "./network.ts";

/** What links and disks are like where a timing profile is meant for. */
export interface Surroundings {
  readonly latency: Latency;
  readonly disk: DiskSpeed;
}

const SSD: DiskSpeed = { minMs: 0.2, maxMs: 2, stallEvery: 200, stallMs: 20 };

const SURROUNDINGS: Readonly<Record<TimingProfile, Surroundings>> = {
  local: { latency: { minMs: 0.05, maxMs: 0.3, tailMs: 5 }, disk: SSD },
  lan: { latency: { minMs: 0.2, maxMs: 2, tailMs: 20 }, disk: SSD },
  wan: { latency: { minMs: 20, maxMs: 120, tailMs: 200 }, disk: SSD },
  seed: { latency: { minMs: 1, maxMs: 80, tailMs: 300 }, disk: SSD },
};

export function surroundings(timing: Timing): Surroundings {
  return SURROUNDINGS[timing.profile];
}
