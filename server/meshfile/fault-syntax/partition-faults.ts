import { isScalar, isSeq } from "yaml";
import { type FaultSpec, PARTITION_SHAPES, type PartitionShape } from "../../contract/faults.ts";
import { FEWEST_AGENTS } from "../faults/partitions.ts";
import { isGroupTarget, zoneTarget } from "../faults/targets.ts";
import { PARTITION_KEYS } from "./keys.ts";
import { type FaultScope, readTarget } from "./scope.ts";

type Partition = Omit<Extract<FaultSpec, { readonly kind: "partition" }>, "forMs">;

/** `halves`, `[[a1, a2], [a3]]`, `{ shape: bridge }` or `{ sides: [[a1]] }`. */
export function readPartition(scope: FaultScope, node: unknown): Partition | undefined {
  const { reading } = scope;
  const value = reading.resolve(node);
  if (isScalar(value) && value.value !== null) return readShape(scope, node);
  if (isSeq(value)) return readSides(scope, node);
  const map = reading.map(node, "partition", PARTITION_KEYS);
  if (!map) return undefined;
  if (map.has("shape") === map.has("sides")) {
    reading.problem(map.node, "partitionShape", "A partition needs either `shape:` or `sides:`.");
    return undefined;
  }
  return map.has("shape") ? readShape(scope, map.get("shape")) : readSides(scope, map.get("sides"));
}

function readShape({ reading, mesh }: FaultScope, node: unknown): Partition | undefined {
  const shape: PartitionShape | undefined = reading.oneOf(node, "partition", PARTITION_SHAPES);
  if (shape === undefined) return undefined;
  if (mesh && mesh.agents.length < FEWEST_AGENTS[shape]) {
    reading.problem(
      reading.resolve(node),
      "tooFew",
      `A partition of the shape ${shape} needs at least ${FEWEST_AGENTS[shape]} agents, and there are ${mesh.agents.length}.`,
    );
    return undefined;
  }
  return { kind: "partition", sides: [], shape };
}

function readSides(scope: FaultScope, node: unknown): Partition | undefined {
  const { reading, mesh } = scope;
  // As many agents as it is known to mean: a zone's are all named with it.
  const meant = (target: string): readonly string[] => {
    const zone = zoneTarget(target);
    return zone === undefined ? [target] : (mesh?.agents ?? []).filter((id) => mesh?.zones?.get(id) === zone);
  };
  const lists = reading.list(node, "partition");
  if (!lists) return undefined;
  const sides: string[][] = [];
  const seen = new Set<string>();
  let whole = true;
  for (const list of lists) {
    const side: string[] = [];
    for (const member of reading.list(list, "A side of a partition") ?? []) {
      const agent = readTarget(scope, member, "partition");
      const twice = agent === undefined ? undefined : [agent, ...meant(agent)].find((one) => seen.has(one));
      if (agent === undefined || twice !== undefined) {
        if (twice !== undefined)
          reading.problem(reading.resolve(member), "sidesOverlap", `${twice} stands on two sides of the partition.`);
        whole = false;
        continue;
      }
      for (const one of [agent, ...meant(agent)]) seen.add(one);
      side.push(agent);
    }
    if (side.length > 0) sides.push(side);
  }
  if (!whole) return undefined;
  const everybody = mesh !== null && ![...seen].some(isGroupTarget) && mesh.agents.every((id) => seen.has(id));
  if (sides.length === 0 || (sides.length < 2 && everybody)) {
    reading.problem(
      reading.resolve(node),
      "oneSide",
      sides.length === 0
        ? "A partition needs at least one list of agents."
        : "A partition needs two sides: name at least two lists, or leave some agents out.",
    );
    return undefined;
  }
  return { kind: "partition", sides };
}
