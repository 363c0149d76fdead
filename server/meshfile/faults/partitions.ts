/** Partitions as cuts between pairs, after the shapes of Jepsen's nemesis (jepsen.nemesis: bisect, bridge, majorities-ring, split-one). */
import type { PartitionShape } from "../../contract/faults.ts";
import type { Random } from "../../core/random.ts";
import { FaultRefusal } from "./refusal.ts";
import { majorityOf } from "./targets.ts";

/** What `from` sends does not reach `to`. */
export interface Cut {
  readonly from: string;
  readonly to: string;
}

export interface Partition {
  readonly cuts: readonly Cut[];
  /** For people: "a1, a2 | a3, a4, a5 partitioned". */
  readonly title: string;
}

/** The fewest agents with which a shape cuts something and is not another one. A ring of three would cut nothing. */
export const FEWEST_AGENTS: Readonly<Record<PartitionShape, number>> = {
  halves: 2,
  majority: 3,
  bridge: 3,
  ring: 4,
  isolateOne: 2,
  oneWay: 2,
  random: 2,
};

/** Nothing passes between sides. The sides do not overlap. */
export function partitionOfSides(sides: readonly (readonly string[])[]): Partition {
  const cuts = sides.flatMap((side) =>
    sides.filter((other) => other !== side).flatMap((other) => between(side, other)),
  );
  return { cuts, title: `${sides.map((side) => side.join(", ")).join(" | ")} partitioned` };
}

/** @param agents in roster order @throws FaultRefusal tooFew */
export function drawPartition(shape: PartitionShape, agents: readonly string[], random: Random): Partition {
  if (agents.length < FEWEST_AGENTS[shape])
    throw new FaultRefusal(
      "tooFew",
      `A partition of the shape ${shape} needs at least ${FEWEST_AGENTS[shape]} agents, and there are ${agents.length}.`,
    );
  const drawn = random.shuffled(agents);
  const inOrder = (side: readonly string[]) => agents.filter((agent) => side.includes(agent));
  const split = (size: number) => [inOrder(drawn.slice(0, size)), inOrder(drawn.slice(size))] as const;
  const half = Math.floor(agents.length / 2);
  switch (shape) {
    case "halves":
      return partitionOfSides(split(half));
    case "majority":
      return partitionOfSides(split(majorityOf(agents.length)));
    case "isolateOne":
      return partitionOfSides(split(1));
    case "oneWay": {
      const [deafened, others] = split(half);
      return {
        cuts: between(deafened, others),
        title: `${deafened.join(", ")} not heard by ${others.join(", ")}`,
      };
    }
    case "bridge": {
      const bridge = drawn[half] as string;
      const sides = split(half).map((side) => side.filter((agent) => agent !== bridge));
      const { cuts, title } = partitionOfSides(sides);
      return { cuts, title: `${title} but for ${bridge}` };
    }
    case "ring":
      return ring(drawn);
    case "random":
      return randomPairs(agents, random);
  }
}

/**
 * Each hears its `reach` nearest on both sides of the ring, as few as make a majority with itself. Hearing is mutual, unlike in a ring of exact majorities, in which a
 * round trip need not find one.
 */
function ring(order: readonly string[]): Partition {
  const count = order.length;
  const reach = Math.ceil((majorityOf(count) - 1) / 2);
  const cuts: Cut[] = [];
  for (const [at, from] of order.entries())
    for (const [place, to] of order.entries()) {
      const apart = Math.abs(at - place);
      if (Math.min(apart, count - apart) > reach) cuts.push({ from, to });
    }
  return { cuts, title: `${order.join(", ")} partitioned in a ring` };
}

function randomPairs(agents: readonly string[], random: Random): Partition {
  const pairs = agents.flatMap((a, at) => agents.slice(at + 1).map((b) => [a, b] as const));
  const cut = pairs.filter(() => random.chance(0.5));
  return {
    cuts: cut.flatMap(([a, b]) => [...between([a], [b]), ...between([b], [a])]),
    title: `${cut.length === 0 ? "No pair" : cut.map(([a, b]) => `${a} | ${b}`).join("; ")} partitioned`,
  };
}

function between(senders: readonly string[], receivers: readonly string[]): Cut[] {
  return senders.flatMap((from) => receivers.map((to) => ({ from, to })));
}
