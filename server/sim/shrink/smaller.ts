/** Smaller versions of a mesh: without one of its agents, with less of a fault. Each may or may not fail as the whole did. */
import type { FaultSpec } from "../../contract/faults.ts";
import type { Mesh, PlannedFault } from "../../contract/mesh.ts";
import { targetsOf } from "../../meshfile/faults/resolve.ts";
import { isGroupTarget } from "../../meshfile/faults/targets.ts";

/** What names the agent goes with it; undefined: nobody would be left. */
export function withoutAgent(mesh: Mesh, agent: string): Mesh | undefined {
  const agents = mesh.agents.filter(({ id }) => id !== agent);
  if (agents.length === 0) return undefined;
  const ids = agents.map(({ id }) => id);
  return {
    ...mesh,
    agents,
    topology: { ...mesh.topology, links: mesh.topology.links.filter((link) => !link.includes(agent)) },
    tasks: mesh.tasks.map((task) => (task.agent === agent ? { ...task, agent: "" } : task)),
    faults: mesh.faults.flatMap(({ trigger, fault }) => {
      const rest = "preset" in fault ? fault : faultWithout(fault, agent, ids);
      return rest === undefined ? [] : [{ trigger, fault: rest }];
    }),
  };
}

function faultWithout(fault: FaultSpec, agent: string, left: readonly string[]): FaultSpec | undefined {
  if (fault.kind !== "partition" || fault.shape !== undefined)
    return targetsOf(fault).includes(agent) ? undefined : fault;
  const sides = fault.sides.map((side) => side.filter((one) => one !== agent)).filter((side) => side.length > 0);
  const named = sides.flat();
  const apart = sides.length > 1 || named.some(isGroupTarget) || named.length < left.length;
  return sides.length > 0 && apart ? { ...fault, sides } : undefined;
}

/** Of one fault, simplest first: shorter, with fewer toxics, at a neater time. */
export function simpler({ trigger, fault }: PlannedFault): readonly PlannedFault[] {
  if (trigger.on !== "time" || "preset" in fault) return [];
  const { atMs } = trigger;
  const { forMs } = fault;
  const neat = [1000, 100, 10].map((unit) => Math.round(atMs / unit) * unit).filter((ms) => ms !== atMs);
  const lengths = forMs === undefined ? [] : neatLengths(forMs);
  return [
    ...(fault.kind === "link" && fault.toxics.length > 1
      ? fault.toxics.map(
          (_, at): PlannedFault => ({ trigger, fault: { ...fault, toxics: fault.toxics.toSpliced(at, 1) } }),
        )
      : []),
    ...lengths.map((ms): PlannedFault => ({ trigger, fault: { ...fault, forMs: ms } })),
    ...neat.map((ms): PlannedFault => ({ trigger: { on: "time", atMs: ms }, fault })),
  ];
}

function neatLengths(ms: number): readonly number[] {
  const half = Math.floor(ms / 2);
  const rounded = [1000, 100, 10].map((unit) => Math.floor(ms / unit) * unit);
  return [...new Set([half, ...rounded])].filter((length) => length >= 1 && length < ms);
}
