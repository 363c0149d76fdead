/**
 * From a fault as it was said to what a world has to do: open targets become agents, shapes become cuts, and the rest becomes effects. Both
 * worlds inject what comes out of here, and nothing else.
 */
import type { Effect, FaultSpec, ResolvedFault, Toxic } from "../../contract/faults.ts";
import type { Random } from "../../core/random.ts";
import { checkNumbers } from "./limits.ts";
import { type Cut, drawPartition, partitionOfSides } from "./partitions.ts";
import { FaultRefusal } from "./refusal.ts";
import { type FaultGround, isGroupTarget, resolveTarget, zoneTarget } from "./targets.ts";
import { agentFaultTitle, linkFaultTitle, messageFaultTitle } from "./titles.ts";

const CUT: Toxic = { toxic: "loss", share: 1 };

/**
 * @param random draws groups and shapes; what is not drawn takes nothing from it.
 * @throws FaultRefusal with a sentence for what makes no sense, now or at all
 */
export function resolveFault(spec: FaultSpec, ground: FaultGround, random: Random): ResolvedFault {
  checkNumbers(spec);
  switch (spec.kind) {
    case "crash":
    case "pause":
    case "isolate":
    case "disk":
    case "clock":
    case "cpu":
    case "byzantine": {
      const agents = resolveTarget(spec.agent, ground, random);
      const effects =
        spec.kind === "isolate" ? cutOff(agents, ground.agents) : agents.map((agent) => agentEffect(spec, agent));
      return { spec, agents, title: agentFaultTitle(spec, agents), effects };
    }
    case "partition": {
      const { cuts, title } = spec.shape
        ? drawPartition(spec.shape, ground.agents, random)
        : partitionOfSides(resolveSides(spec.sides, ground, random));
      return { spec, agents: ground.agents, title, effects: cuts.map((cut) => ({ on: "link", ...cut, toxic: CUT })) };
    }
    case "slow":
    case "lossy":
    case "link":
      return resolveLink(spec, ground, random);
    case "message":
      return resolveMessage(spec, ground, random);
  }
}

type AgentSpec = Extract<FaultSpec, { readonly agent: string }>;

function agentEffect(spec: Exclude<AgentSpec, { readonly kind: "isolate" }>, agent: string): Effect {
  switch (spec.kind) {
    case "crash":
      return { on: "process", agent, process: "down" };
    case "pause":
      return { on: "process", agent, process: "paused" };
    case "disk":
      return { on: "disk", agent, disk: spec.disk };
    case "clock":
      return { on: "clock", agent, skewMs: spec.skewMs, driftPpm: spec.driftPpm ?? 0 };
    case "cpu":
      return { on: "cpu", agent, slowdown: spec.slowdown };
    case "byzantine":
      return { on: "byzantine", agent, behaviour: spec.behaviour };
  }
}

/** Each of them from everybody, also from each other. */
function cutOff(agents: readonly string[], everyone: readonly string[]): readonly Effect[] {
  return everyone.flatMap((from) =>
    everyone
      .filter((to) => from !== to && (agents.includes(from) || agents.includes(to)))
      .map((to): Effect => ({ on: "link", from, to, toxic: CUT })),
  );
}

function resolveSides(
  sides: readonly (readonly string[])[],
  ground: FaultGround,
  random: Random,
): readonly (readonly string[])[] {
  // Who is down in a zone that is cut off comes up there.
  const { alive: _, ...everyone } = ground;
  const membersOf = (target: string): readonly string[] =>
    resolveTarget(target, zoneTarget(target) === undefined ? ground : everyone, random);
  const resolved = sides.map((side) => side.flatMap(membersOf));
  const named = resolved.flat();
  const twice = named.find((agent, at) => named.indexOf(agent) !== at);
  if (twice !== undefined)
    throw new FaultRefusal("sides", `${twice} is named on two sides; the sides must not overlap.`);
  const rest = ground.agents.filter((agent) => !named.includes(agent));
  const groups = [...resolved, rest].filter((side) => side.length > 0);
  if (groups.length < 2)
    throw new FaultRefusal("sides", "A partition needs at least two sides with an agent each; those unnamed form one.");
  return groups;
}

function resolveLink(
  spec: Extract<FaultSpec, { readonly a: string }>,
  ground: FaultGround,
  random: Random,
): ResolvedFault {
  const ends = resolveTarget(spec.a, ground, random);
  const others = spec.b === undefined ? undefined : resolveTarget(spec.b, ground, random);
  if (others?.length === 1 && ends.length === 1 && ends[0] === others[0])
    throw new FaultRefusal("sameEnds", `A link has two different ends, not ${ends[0]} twice.`);
  const pairs = ends.flatMap((a) =>
    (others ?? ground.agents).filter((b) => b !== a && linked(a, b, ground)).map((b) => [a, b] as const),
  );
  if (pairs.length === 0)
    throw new FaultRefusal(
      "noLink",
      others
        ? `There is no link between ${ends.join(", ")} and ${others.join(", ")} in this topology.`
        : `${ends.join(", ")} has no link.`,
    );
  const direction = spec.kind === "link" ? (spec.direction ?? "both") : "both";
  const ways = pairs.flatMap(([a, b]) => [
    ...(direction === "in" ? [] : [{ from: a, to: b }]),
    ...(direction === "out" ? [] : [{ from: b, to: a }]),
  ]);
  const toxics = toxicsOf(spec);
  const effects = distinct(ways).flatMap((way) => toxics.map((toxic): Effect => ({ on: "link", ...way, toxic })));
  const hit = [...ends, ...(others ?? [])];
  return {
    spec,
    agents: ground.agents.filter((agent) => hit.includes(agent)),
    title: linkFaultTitle(spec, ends, others),
    effects,
  };
}

function toxicsOf(spec: Extract<FaultSpec, { readonly a: string }>): readonly Toxic[] {
  switch (spec.kind) {
    case "slow": {
      const { delayMs, jitterMs = 0 } = spec;
      const shape = jitterMs === 0 ? "constant" : "uniform";
      return [{ toxic: "latency", delay: { shape, ms: delayMs, ...(jitterMs === 0 ? {} : { spread: jitterMs }) } }];
    }
    case "lossy":
      return [{ toxic: "loss", share: spec.loss }];
    case "link":
      return spec.toxics;
  }
}

function resolveMessage(
  spec: Extract<FaultSpec, { readonly kind: "message" }>,
  ground: FaultGround,
  random: Random,
): ResolvedFault {
  const { match, action, count, probability = 1 } = spec;
  const from = match.from === undefined ? undefined : resolveTarget(match.from, ground, random);
  const to = match.to === undefined ? undefined : resolveTarget(match.to, ground, random);
  const rule = {
    ...(match.types === undefined ? {} : { types: match.types }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(match.fields === undefined ? {} : { fields: match.fields }),
    action,
    ...(count === undefined ? {} : { count }),
    probability,
  };
  const ends = [...(from ?? []), ...(to ?? [])];
  return {
    spec,
    agents: ends.length === 0 ? ground.agents : ground.agents.filter((agent) => ends.includes(agent)),
    title: messageFaultTitle(spec, from, to),
    effects: [{ on: "message", rule }],
  };
}

function linked(one: string, other: string, { links }: FaultGround): boolean {
  return links.some(({ a, b }) => (a === one && b === other) || (a === other && b === one));
}

/** Agents of one group share links, and each direction suffers once. */
function distinct(ways: readonly Cut[]): readonly Cut[] {
  return [...new Map(ways.map((way) => [`${way.from}>${way.to}`, way])).values()];
}

/** Whether it depends on the moment whom it hits: what makes no sense now may later. */
export function hasOpenTarget(spec: FaultSpec): boolean {
  return targetsOf(spec).some(isGroupTarget);
}

/** As they were said. */
export function targetsOf(spec: FaultSpec): readonly string[] {
  switch (spec.kind) {
    case "partition":
      return spec.sides.flat();
    case "slow":
    case "lossy":
    case "link":
      return spec.b === undefined ? [spec.a] : [spec.a, spec.b];
    case "message":
      return [spec.match.from, spec.match.to].filter((target) => target !== undefined);
    default:
      return [spec.agent];
  }
}
