/** Faults as bookkeeping, without doing anything: whom a fault hits, how it reads, and what each agent must do to its links. */
import type { FaultSpec, LinkRule } from "../contract/faults.ts";
import { Refusal } from "./refusal.ts";

export interface Mesh {
  readonly agents: readonly string[];
  readonly links: readonly { readonly a: string; readonly b: string }[];
}

/** A fault whose `leader` is resolved. */
export interface HeldFault {
  readonly id: string;
  readonly resolved: FaultSpec;
  readonly untilMs: number | null;
}

const MAX_DELAY_MS = 600_000;

/** Replaces `leader` by the agent that leads, and checks that the fault makes sense. @throws Refusal */
export function resolveFault(spec: FaultSpec, mesh: Mesh, leader: string | null): FaultSpec {
  const agent = (target: string): string => {
    const found = target === "leader" ? leader : target;
    if (found === null)
      throw new Refusal("refused", "There is no leader now. Wait for the election to end, or name an agent.");
    if (!mesh.agents.includes(found))
      throw new Refusal("refused", `There is no agent ${found}. The agents are ${mesh.agents.join(", ")}.`);
    return found;
  };
  if (spec.forMs !== undefined && !(spec.forMs > 0))
    throw new Refusal("refused", "How long a fault lasts must be more than 0 ms.");
  switch (spec.kind) {
    case "crash":
    case "pause":
    case "isolate":
      return { ...spec, agent: agent(spec.agent) };
    case "partition":
      return {
        ...spec,
        sides: checkedSides(
          spec.sides.map((side) => side.map(agent)),
          mesh,
        ),
      };
    case "slow":
    case "lossy": {
      const a = agent(spec.a);
      const b = spec.b === undefined ? undefined : agent(spec.b);
      if (spec.kind === "lossy" && !(spec.loss > 0 && spec.loss <= 1))
        throw new Refusal("refused", "The share of frames to drop must be above 0 and at most 1.");
      if (spec.kind === "slow" && !(spec.delayMs >= 0 && spec.delayMs <= MAX_DELAY_MS))
        throw new Refusal("refused", `The delay must be from 0 to ${MAX_DELAY_MS} ms.`);
      if (spec.kind === "slow" && !((spec.jitterMs ?? 0) >= 0 && (spec.jitterMs ?? 0) <= MAX_DELAY_MS))
        throw new Refusal("refused", `The jitter must be from 0 to ${MAX_DELAY_MS} ms.`);
      if (b !== undefined && !mesh.links.some((link) => joins(link, a, b)))
        throw new Refusal("refused", `There is no link between ${a} and ${b} in this topology.`);
      return { ...spec, a, ...(b === undefined ? {} : { b }) };
    }
  }
}

function checkedSides(sides: readonly (readonly string[])[], mesh: Mesh): readonly (readonly string[])[] {
  const named = sides.flat();
  const twice = named.find((agent, at) => named.indexOf(agent) !== at);
  if (twice !== undefined) throw new Refusal("refused", `${twice} is named on two sides; the sides must not overlap.`);
  const full = sides.filter((side) => side.length > 0);
  const rest = mesh.agents.filter((agent) => !named.includes(agent));
  const groups = rest.length === 0 ? full : [...full, rest];
  if (groups.length < 2)
    throw new Refusal("refused", "A partition needs at least two sides with an agent each; those unnamed form one.");
  return groups;
}

/** The agents that a resolved fault hits, in roster order. */
export function agentsHit(spec: FaultSpec, mesh: Mesh): string[] {
  switch (spec.kind) {
    case "partition": {
      const named = new Set(spec.sides.flat());
      return mesh.agents.filter((agent) => named.has(agent));
    }
    case "slow":
    case "lossy":
      return mesh.agents.filter((agent) => agent === spec.a || agent === spec.b);
    default:
      return [spec.agent];
  }
}

export function titleOf(spec: FaultSpec): string {
  switch (spec.kind) {
    case "crash":
      return `${spec.agent} crashed`;
    case "pause":
      return `${spec.agent} paused`;
    case "isolate":
      return `${spec.agent} isolated`;
    case "partition":
      return `${spec.sides.map((side) => side.join(", ")).join(" | ")} partitioned`;
    case "slow": {
      const jitter = spec.jitterMs === undefined || spec.jitterMs === 0 ? "" : ` ± ${spec.jitterMs}`;
      return `${linkName(spec)} slow by ${spec.delayMs}${jitter} ms`;
    }
    case "lossy":
      return `${linkName(spec)} losing ${Math.round(spec.loss * 1000) / 10} % of frames`;
  }
}

function linkName({ a, b }: { readonly a: string; readonly b?: string }): string {
  return b === undefined ? `All links of ${a}` : `${a} – ${b}`;
}

/** All rules of one agent: what every active fault asks of its own links. */
export function rulesOf(agent: string, faults: readonly HeldFault[], mesh: Mesh): LinkRule[] {
  const peers = mesh.links.flatMap(({ a, b }) => (a === agent ? [b] : b === agent ? [a] : []));
  return faults.flatMap((fault) => peers.flatMap((peer) => rulesOfLink(agent, peer, fault)));
}

/** Whether nothing passes on the link. */
export function isCut(a: string, b: string, faults: readonly HeldFault[]): boolean {
  return faults.some((fault) => rulesOfLink(a, b, fault).some((rule) => rule.drop === 1));
}

export function hitsLink(a: string, b: string, fault: HeldFault): boolean {
  return rulesOfLink(a, b, fault).length > 0;
}

function rulesOfLink(agent: string, peer: string, { id, resolved, untilMs }: HeldFault): LinkRule[] {
  const rule = (direction: LinkRule["direction"], effect: Partial<LinkRule>): LinkRule => ({
    faultId: id,
    peer,
    direction,
    drop: 0,
    delayMs: 0,
    jitterMs: 0,
    untilMs,
    ...effect,
  });
  // A cut holds at both ends, so that it holds where only one could be told.
  const cut = [rule("out", { drop: 1 }), rule("in", { drop: 1 })];
  switch (resolved.kind) {
    case "partition":
      return sideOf(agent, resolved.sides) === sideOf(peer, resolved.sides) ? [] : cut;
    case "isolate":
      return resolved.agent === agent || resolved.agent === peer ? cut : [];
    // Each end treats what it sends: together both directions, each once.
    case "slow":
      return concerns(resolved, agent, peer)
        ? [rule("out", { delayMs: resolved.delayMs, jitterMs: resolved.jitterMs ?? 0 })]
        : [];
    case "lossy":
      return concerns(resolved, agent, peer) ? [rule("out", { drop: resolved.loss })] : [];
    default:
      return [];
  }
}

function sideOf(agent: string, sides: readonly (readonly string[])[]): number {
  return sides.findIndex((side) => side.includes(agent));
}

function concerns({ a, b }: { readonly a: string; readonly b?: string }, one: string, other: string): boolean {
  return b === undefined ? a === one || a === other : joins({ a, b }, one, other);
}

function joins(link: { readonly a: string; readonly b: string }, one: string, other: string): boolean {
  return (link.a === one && link.b === other) || (link.a === other && link.b === one);
}
