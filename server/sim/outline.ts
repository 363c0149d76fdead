/** What is settled about a run of a seed before it begins. */
import { CONSENSUS } from "../contract/consensus.ts";
import { type Mesh, remembersBeside } from "../contract/mesh.ts";
import { type Random, seededRandom } from "../core/random.ts";

/** Who may join. */
const JOINERS: readonly string[] = ["joiner1", "joiner2"];
/** The same where nobody comes back who has left. */
const MORE_JOINERS: readonly string[] = [...JOINERS, "joiner3", "joiner4"];

/** What all of a run is drawn from. */
export function randomOf(seed: number): Random {
  return seededRandom(`simulate/${seed}`);
}

/** Whether bad luck is drawn besides the mesh's own faults. @param chaos absent: exactly when the mesh has none */
export function isChaotic({ faults, chaos: drawn, simulate }: Mesh, chaos: boolean | undefined): boolean {
  return chaos ?? simulate?.chaos ?? (faults.length === 0 && drawn === null);
}

/** In half of the runs of Raft under chaos, unless a mesh file bounds what a change of the members may cost; by gossip where a mesh file asks for it; not with PBFT, whose members are fixed. */
export function changesMembers(mesh: Mesh, seed: number, chaos: boolean | undefined): boolean {
  const { consensus, expect, simulate } = mesh;
  if (consensus === "pbft" || remembersBeside(mesh)) return false;
  if (simulate !== null && simulate.members !== null) return simulate.members;
  if (!isOrdered(mesh)) return false;
  if (!isChaotic(mesh, chaos)) return false;
  const bounded = [expect.leaderWithinMs, expect.maxElections, expect.availability].some((bound) => bound !== null);
  return !bounded && randomOf(seed).fork("changes members").chance(0.5);
}

/** Agents may come and go without anybody planning links for it. */
export function linksFollow({ topology }: Mesh): boolean {
  return ["mesh", "hyparview"].includes(topology.kind);
}

/** All agents that there may be in a run, those that form the swarm first. */
export function everybodyIn(mesh: Mesh, seed: number, chaos: boolean | undefined): readonly string[] {
  const roster = mesh.agents.map(({ id }) => id);
  if (!changesMembers(mesh, seed, chaos) || !linksFollow(mesh)) return roster;
  return [...roster, ...(isOrdered(mesh) ? JOINERS : MORE_JOINERS)];
}

/** All are given the same in the same order. */
export function isOrdered({ consensus }: Mesh): boolean {
  return CONSENSUS[consensus].ordered;
}
