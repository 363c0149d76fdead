import { SNAPSHOT_CHUNK_BYTES, SNAPSHOT_EVERY_BYTES, SNAPSHOT_EVERY_ENTRIES } from "../agent/settings.ts";
import type { AgentConfig } from "../agent/types.ts";
import { type Mesh, remembersBeside, type Timing, type TimingProfile } from "../contract/mesh.ts";
import { overlayOf } from "../core/overlay/types.ts";
import type { Random } from "../core/random.ts";
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

type LoggingKey = "snapshotEveryEntries" | "snapshotEveryBytes" | "snapshotChunkBytes";

/**
 * How often logs are compacted, and in how small parts snapshots travel: mostly very often, as little is written in a run, and sometimes never, as most of
 * what goes wrong goes wrong in plain logs.
 */
export function drawLogging(random: Random): Pick<AgentConfig, LoggingKey> {
  const often = random.chance(0.8);
  return {
    snapshotEveryEntries: often ? random.int(4, 60) : SNAPSHOT_EVERY_ENTRIES,
    snapshotEveryBytes: SNAPSHOT_EVERY_BYTES,
    snapshotChunkBytes: random.chance(0.6) ? random.int(100, 3000) : SNAPSHOT_CHUNK_BYTES,
  };
}

/** What a mesh file says of all its agents alike. */
export function configOf(
  mesh: Mesh,
): Omit<AgentConfig, "id" | "incarnation" | "roster" | "voters" | "links" | "seed" | LoggingKey> {
  const { topology, consensus, timing, slots, taskLeaseMs, reads, detector } = mesh;
  const overlay = overlayOf(topology.kind, topology.degree);
  return {
    swarm: mesh.name,
    consensus,
    ...(overlay && { overlay }),
    ...(remembersBeside(mesh) && { memory: "eventual" }),
    timing,
    slots,
    taskLeaseMs,
    reads,
    detector,
  };
}
