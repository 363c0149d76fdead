/** Smaller versions of a mesh: without one of its agents, with less time, less of a fault. Each may or may not fail as the whole did. */
import { BOUND_NAMES, type BoundName, type Expectations, INVARIANTS } from "../../contract/expect.ts";
import type { FaultSpec, Toxic } from "../../contract/faults.ts";
import type { Mesh, MeshAgent, PlannedFault, SimulatedRun } from "../../contract/mesh.ts";
import { targetsOf } from "../../meshfile/faults/resolve.ts";
import { isGroupTarget, zoneTarget } from "../../meshfile/faults/targets.ts";
import { invariantOf } from "../expectations/invariants.ts";

const DRAWN: SimulatedRun = {
  seed: null,
  forMs: null,
  clients: null,
  operations: null,
  chaos: null,
  members: null,
  counters: null,
};

export function withRun(mesh: Mesh, change: Partial<SimulatedRun>): Mesh {
  return { ...mesh, simulate: { ...DRAWN, ...mesh.simulate, ...change } };
}

/** The plan's order is that of its times. */
export function inTime(faults: readonly PlannedFault[]): readonly PlannedFault[] {
  const when = ({ trigger }: PlannedFault): number => (trigger.on === "time" ? trigger.atMs : 0);
  return faults.toSorted((a, b) => when(a) - when(b));
}

/** Faults and work for so long: later faults go, and those that would outlast it last until its end. */
export function lasting(mesh: Mesh, forMs: number): Mesh {
  const faults = mesh.faults.flatMap(({ trigger, fault }): readonly PlannedFault[] => {
    if (trigger.on !== "time" || "preset" in fault) return [{ trigger, fault }];
    if (trigger.atMs >= forMs) return [];
    const { forMs: lasts, ...endless } = fault;
    return [{ trigger, fault: trigger.atMs + (lasts ?? 0) >= forMs ? (endless as FaultSpec) : fault }];
  });
  return withRun({ ...mesh, faults }, { forMs });
}

/** At most so many ms, with two digits that are not 0. */
export function neat(ms: number): number {
  let unit = 1;
  while (ms >= unit * 100) unit *= 10;
  return Math.floor(ms / unit) * unit;
}

/** Only that of which it is a finding, least first: what is judged at the end of a run may need the end that liveness asks for. */
export function expectingOnly(expect: Expectations, finding: string): readonly Expectations[] {
  const invariants = INVARIANTS.filter((one) => one === invariantOf(finding));
  const bounds: readonly BoundName[] = BOUND_NAMES.filter((one) => one === finding);
  const only = (kept: readonly BoundName[]): Expectations => ({
    invariants,
    liveness: kept.includes("liveness") ? expect.liveness : null,
    recovery: kept.includes("recovery") ? expect.recovery : null,
    leaderWithinMs: kept.includes("leaderWithin") ? expect.leaderWithinMs : null,
    tasksDoneByMs: kept.includes("tasksDoneBy") ? expect.tasksDoneByMs : null,
    availability: kept.includes("availability") ? expect.availability : null,
    maxElections: kept.includes("maxElections") ? expect.maxElections : null,
    // What is off is said, and so is what is not the default.
    stated: [
      ...invariants,
      ...BOUND_NAMES.filter((one) =>
        one === "liveness" || one === "recovery"
          ? !kept.includes(one) || expect.stated.includes(one)
          : kept.includes(one),
      ),
    ],
  });
  return [only(bounds), only([...bounds, "liveness"])];
}

/** What names the agent goes with it; undefined: nobody would be left. */
export function withoutAgent(mesh: Mesh, agent: string): Mesh | undefined {
  const agents = mesh.agents.filter(({ id }) => id !== agent);
  if (agents.length === 0) return undefined;
  const { [agent]: _, ...policies } = mesh.proposals.policies;
  return {
    ...mesh,
    agents,
    topology: { ...mesh.topology, links: mesh.topology.links.filter((link) => !link.includes(agent)) },
    tasks: mesh.tasks.map((task) => (task.agent === agent ? { ...task, agent: "" } : task)),
    proposals: { ...mesh.proposals, policies },
    faults: mesh.faults.flatMap(({ trigger, fault }) => {
      const rest = "preset" in fault ? fault : faultWithout(fault, agent, agents);
      return rest === undefined ? [] : [{ trigger, fault: rest }];
    }),
  };
}

function faultWithout(fault: FaultSpec, agent: string, left: readonly MeshAgent[]): FaultSpec | undefined {
  /** Whom a target that names somebody still names. */
  const meant = (target: string): readonly string[] => {
    const zone = zoneTarget(target);
    return left.filter((one) => (zone === undefined ? one.id === target : one.zone === zone)).map(({ id }) => id);
  };
  const gone = (target: string): boolean =>
    target === agent || (zoneTarget(target) !== undefined && meant(target).length === 0);
  if (fault.kind !== "partition" || fault.shape !== undefined) return targetsOf(fault).some(gone) ? undefined : fault;
  const sides = fault.sides.map((side) => side.filter((one) => !gone(one))).filter((side) => side.length > 0);
  const named = sides.flat();
  const apart = sides.length > 1 || named.some(isGroupTarget) || named.flatMap(meant).length < left.length;
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
    ...(fault.kind === "link" && fault.toxics.some((toxic) => neatToxic(toxic) !== toxic)
      ? [{ trigger, fault: { ...fault, toxics: fault.toxics.map(neatToxic) } }]
      : []),
    ...lengths.map((ms): PlannedFault => ({ trigger, fault: { ...fault, forMs: ms } })),
    ...neat.map((ms): PlannedFault => ({ trigger: { on: "time", atMs: ms }, fault })),
  ];
}

/** A share in whole percents, one at least. */
function neatToxic(toxic: Toxic): Toxic {
  if (!("share" in toxic)) return toxic;
  const share = Math.max(1, Math.round(toxic.share * 100)) / 100;
  return share === toxic.share ? toxic : { ...toxic, share };
}

function neatLengths(ms: number): readonly number[] {
  const half = Math.floor(ms / 2);
  const rounded = [1000, 100, 10].map((unit) => Math.floor(ms / unit) * unit);
  return [...new Set([half, ...rounded])].filter((length) => length >= 1 && length < ms);
}
