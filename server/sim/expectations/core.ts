import { quorumAmong } from "../../agent/consensus/quorum.ts";
import type { ConsensusKind } from "../../contract/consensus.ts";
import { BYZANTINE_BEHAVIOURS, type FaultSpec } from "../../contract/faults.ts";
import type { Random } from "../../core/random.ts";
import type { SimNetwork } from "../network.ts";
import type { SimWorld } from "../world.ts";

/**
 * A quorum that hangs together without the others, drawn from the seed; all agents when there is no smaller one. Places in the roster, in order.
 * @param neighbours by place
 * @param size of a quorum
 */
export function drawCore(random: Random, neighbours: readonly (readonly number[])[], size: number): readonly number[] {
  const core = new Set<number>([random.int(0, neighbours.length - 1)]);
  while (core.size < size) {
    const next = neighbours.flatMap((_, place) =>
      !core.has(place) && neighbours[place]?.some((peer) => core.has(peer)) ? [place] : [],
    );
    if (next.length === 0) return neighbours.map((_, place) => place);
    core.add(random.pick(next));
  }
  return [...core].sort((a, b) => a - b);
}

/** Of agents that are to be a quorum of those that vote; where some only learn, few draws are. */
const CORE_DRAWS = 30;

/** Of a mesh's members: linked to each other, and a quorum of those that vote, where they vote. */
export function drawHealthyCore(
  random: Random,
  members: readonly SimWorld[],
  network: SimNetwork,
  consensus: ConsensusKind,
): readonly SimWorld[] {
  const neighbours = members.map(({ index }) => {
    const linked = network.neighbours(index);
    return members.flatMap((peer, at) => (linked.includes(peer.index) ? [at] : []));
  });
  if (consensus === "gossip") {
    // Any number of them serves, and comes to the same: also a single one.
    const places = drawCore(random, neighbours, random.int(1, members.length));
    return places.map((at) => members[at] as SimWorld);
  }
  const voters = members.filter(({ agent, id, now }) => agent?.report(now).voters.includes(id) ?? true);
  for (let draws = 0; draws < CORE_DRAWS; draws++) {
    const places = drawCore(random, neighbours, quorumAmong(members.length, consensus));
    const core = places.map((at) => members[at] as SimWorld);
    if (core.filter((one) => voters.includes(one)).length >= quorumAmong(voters.length, consensus)) return core;
  }
  return members;
}

export const FAILS = { crash: "crashed", isolate: "cut off", byzantine: "lies" } as const;

/** How somebody outside of a healed core fails. @param mayLie no more lie then than the consensus survives */
export function brokenAgent(
  random: Random,
  agent: string,
  mayLie: boolean,
): FaultSpec & { readonly kind: keyof typeof FAILS } {
  if (mayLie && random.chance(0.5)) return { kind: "byzantine", agent, behaviour: random.pick(BYZANTINE_BEHAVIOURS) };
  return { kind: random.chance(0.5) ? "crash" : "isolate", agent };
}
