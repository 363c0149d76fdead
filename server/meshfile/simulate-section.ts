import type { Mesh, SimulatedRun } from "../contract/mesh.ts";
import { MAX_FOR_MS } from "./faults/limits.ts";
import { SIMULATE_KEYS } from "./keys.ts";
import type { Reading } from "./reading.ts";

export const MAX_CLIENTS = 100;
export const MAX_OPERATIONS = 1_000_000;

/** The `simulate:` section: what runs in virtual time are told rather than draw. */
export function readSimulatedRun(
  reading: Reading,
  node: unknown,
  { consensus, memory }: Pick<Mesh, "consensus" | "memory">,
): SimulatedRun | null {
  const map = reading.map(node, "simulate", SIMULATE_KEYS);
  if (!map) return null;
  const read = <T>(key: string, how: (value: unknown, what: string) => T | undefined): T | null =>
    map.has(key) ? (how(map.get(key), `simulate.${key}`) ?? null) : null;
  const members = read("members", (value, what) => reading.boolean(value, what));
  if (members === true && consensus === "pbft")
    reading.problem(
      reading.resolve(map.get("members")),
      "notWithPbft",
      "simulate.members: the members of a pbft swarm are fixed, nobody joins or leaves. Take this out.",
    );
  if (members === true && consensus === "raft" && memory === "eventual")
    reading.problem(
      reading.resolve(map.get("members")),
      "notWithRaft",
      "simulate.members: with memory: eventual the members are fixed, nobody joins or leaves. Take this out.",
    );
  const counters = read("counters", (value, what) => reading.boolean(value, what));
  if (counters === true && memory !== "eventual")
    reading.problem(
      reading.resolve(map.get("counters")),
      consensus === "pbft" ? "notWithPbft" : "notWithRaft",
      `simulate.counters: counters and sets are of an eventual memory, and this swarm's is replicated by ${consensus}. Take this out, or take memory: eventual with raft, or consensus: gossip.`,
    );
  return {
    seed: read("seed", (value, what) => reading.integer(value, what, 0, Number.MAX_SAFE_INTEGER)),
    forMs: read("for", (value, what) => reading.durationMs(value, what, 1, MAX_FOR_MS)),
    clients: read("clients", (value, what) => reading.integer(value, what, 1, MAX_CLIENTS)),
    operations: read("operations", (value, what) => reading.integer(value, what, 0, MAX_OPERATIONS)),
    chaos: read("chaos", (value, what) => reading.boolean(value, what)),
    members,
    counters,
  };
}
