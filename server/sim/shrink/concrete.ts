/** From what really happened in a run to faults that a mesh file can say: at a time, to agents that have names. */
import type { Effect, FaultSpec } from "../../contract/faults.ts";
import type { PlannedFault } from "../../contract/mesh.ts";
import { hasOpenTarget } from "../../meshfile/faults/resolve.ts";
import type { HappenedFault } from "../simulate.ts";

type LinkEffect = Extract<Effect, { readonly on: "link" }>;
type Link = { readonly a: string; readonly b: string };

/** @param links of the topology; what befell pairs without one befell nobody */
export function concretePlan(
  happened: readonly HappenedFault[],
  agents: readonly string[],
  links: readonly Link[],
): readonly PlannedFault[] {
  return happened.flatMap((fault) =>
    concrete(fault, agents, links).map((spec) => ({
      trigger: { on: "time", atMs: Math.round(fault.atMs) },
      fault: spec.forMs === undefined ? spec : { ...spec, forMs: Math.max(1, Math.round(spec.forMs)) },
    })),
  );
}

function concrete(
  { spec, agents, effects }: HappenedFault,
  everybody: readonly string[],
  links: readonly Link[],
): readonly FaultSpec[] {
  const drawn = spec.kind === "partition" && spec.shape !== undefined;
  if (effects.length === 0 || (!drawn && !hasOpenTarget(spec))) return [spec];
  switch (spec.kind) {
    case "crash":
    case "pause":
    case "isolate":
    case "disk":
    case "clock":
    case "cpu":
    case "byzantine":
      return agents.map((agent) => ({ ...spec, agent }));
    case "slow":
    case "lossy":
    case "link":
      return waysOf(effects, links).map(({ a, b, out, back }) => ({
        ...spec,
        a,
        b,
        ...(spec.kind === "link" && !(out && back) ? { direction: out ? "out" : "in" } : {}),
      }));
    case "message":
      return effects.flatMap((effect) => {
        if (effect.on !== "message") return [];
        const froms = effect.rule.from ?? [undefined];
        const tos = effect.rule.to ?? [undefined];
        return froms.flatMap((from) =>
          tos.map((to) => ({
            ...spec,
            match: {
              ...(spec.match.types && { types: spec.match.types }),
              ...(spec.match.fields && { fields: spec.match.fields }),
              ...(from === undefined ? {} : { from }),
              ...(to === undefined ? {} : { to }),
            },
          })),
        );
      });
    case "partition": {
      const lasts = spec.forMs === undefined ? {} : { forMs: spec.forMs };
      const sides = sidesOf(effects, everybody);
      if (sides !== undefined) return [{ kind: "partition", sides, ...lasts }];
      return waysOf(effects, links).map(({ a, b, out, back }) => ({
        kind: "link",
        a,
        b,
        ...(out && back ? {} : { direction: out ? "out" : "in" }),
        toxics: [{ toxic: "timeout", afterMs: 0 }],
        ...lasts,
      }));
    }
  }
}

/** Each link that something befell once, and which way. */
function waysOf(
  effects: readonly Effect[],
  links: readonly Link[],
): readonly (Link & { readonly out: boolean; readonly back: boolean })[] {
  const hit = new Set(linkEffects(effects).map(({ from, to }) => `${from} ${to}`));
  return links
    .map(({ a, b }) => ({ a, b, out: hit.has(`${a} ${b}`), back: hit.has(`${b} ${a}`) }))
    .filter(({ out, back }) => out || back);
}

/** The sides that everything is cut between, both ways; undefined: it is no partition of that kind. */
function sidesOf(effects: readonly Effect[], everybody: readonly string[]): readonly (readonly string[])[] | undefined {
  const cut = new Set(linkEffects(effects).map(({ from, to }) => `${from} ${to}`));
  const apart = (a: string, b: string): boolean => cut.has(`${a} ${b}`) && cut.has(`${b} ${a}`);
  const sides: string[][] = [];
  for (const agent of everybody) {
    const side = sides.find(([first]) => !apart(agent, first as string));
    if (side) side.push(agent);
    else sides.push([agent]);
  }
  const sideOf = (agent: string): number => sides.findIndex((side) => side.includes(agent));
  const whole = everybody.every((a) =>
    everybody.every((b) => a === b || (sideOf(a) === sideOf(b) ? !cut.has(`${a} ${b}`) : apart(a, b))),
  );
  return whole && sides.length > 1 ? sides : undefined;
}

function linkEffects(effects: readonly Effect[]): readonly LinkEffect[] {
  return effects.filter((effect) => effect.on === "link");
}
