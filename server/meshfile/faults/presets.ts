/** What presets come to, step by step. What is drawn comes from forks of a run's seed, so that a plan that goes on after an interruption draws the same. */
import type { ConsensusKind } from "../../contract/consensus.ts";
import type { FaultPreset, FaultSpec, FaultTarget, PresetSpec } from "../../contract/faults.ts";
import type { Timing } from "../../contract/mesh.ts";
import type { Zones } from "../../core/overlay/zones.ts";
import type { Random } from "../../core/random.ts";
import { minorityOf, resolveTarget } from "./targets.ts";

/** The mesh that a plan is for. */
export interface PlanMesh {
  readonly agents: readonly string[];
  readonly links: readonly { readonly a: string; readonly b: string }[];
  readonly timing: Timing;
  /** Absent: there are none. */
  readonly zones?: Zones;
  /** Absent: raft. */
  readonly consensus?: ConsensusKind;
  /** Its disks are real: what would destroy one is not drawn. */
  readonly realDisks?: boolean;
}

/** Something that a step does, so much after the step's time. */
export interface StepFault {
  readonly afterMs: number;
  readonly fault: FaultSpec;
}

/** A preset that goes on, step by step. */
export interface PresetRun {
  readonly everyMs: number;
  /** null: no end. */
  readonly steps: number | null;
  /** What a step does, counted from 0. */
  step(step: number): readonly StepFault[];
}

/** Of the longest election timeout: the pace, and how long each step lasts. */
const PACE: Readonly<Record<FaultPreset, { readonly every: number; readonly for: number }>> = {
  rollingRestart: { every: 4, for: 2 },
  leaderHunt: { every: 1, for: 2 },
  swizzleClog: { every: 12, for: 8 },
  flappingLink: { every: 1, for: 0.5 },
  greyFailure: { every: 12, for: 8 },
  rollingPartition: { every: 4, for: 4 },
};
/** Of the shortest election timeout: heartbeats still come in time, as a rule. */
const GREY_DELAY = 0.25;
const GREY_SLOWDOWN = 5;

export function isPreset(fault: FaultSpec | PresetSpec): fault is PresetSpec {
  return "preset" in fault;
}

/** @param random of this run: two with the same one are the same run; a step draws from forks of it */
export function presetRun(spec: PresetSpec, mesh: PlanMesh, random: Random): PresetRun {
  const { everyMs, forMs } = paceOf(spec, mesh);
  const { times } = spec;
  switch (spec.preset) {
    case "leaderHunt":
      return { everyMs, steps: times ?? null, step: () => now(hunted(spec, mesh)) };
    case "rollingRestart": {
      const agents = drawn(spec.whom ?? "everyone", mesh, random.fork("whom"));
      const agentOf = (step: number) => agents[step % agents.length] as string;
      return {
        everyMs,
        steps: (times ?? 1) * agents.length,
        step: (step) => now({ kind: "crash", agent: agentOf(step), forMs }),
      };
    }
    case "rollingPartition": {
      const ring = random.fork("ring").shuffled(mesh.agents);
      const sides = (step: number) => [nextMinority(step, ring)];
      return {
        everyMs,
        steps: (times ?? 1) * ring.length,
        step: (step) => now({ kind: "partition", sides: sides(step), forMs }),
      };
    }
    case "flappingLink": {
      const link = spec.link ?? (mesh.links.length === 0 ? undefined : random.fork("link").pick(mesh.links));
      const cut = link && now({ kind: "lossy", a: link.a, b: link.b, loss: 1, forMs });
      return { everyMs, steps: times ?? null, step: () => cut ?? [] };
    }
    case "swizzleClog":
      return {
        everyMs,
        steps: times ?? 1,
        step: (step) => swizzle(spec.whom, forMs, mesh, random.fork(`swizzle/${step}`)),
      };
    case "greyFailure":
      return {
        everyMs,
        steps: times ?? 1,
        step: (step) => grey(spec.whom ?? "one", forMs, mesh, random.fork(`grey/${step}`)),
      };
  }
}

/** What befalls each leader of a hunt. */
export function hunted(spec: PresetSpec, mesh: PlanMesh): FaultSpec {
  return { kind: spec.hit ?? "crash", agent: "leader", forMs: paceOf(spec, mesh).forMs };
}

/** With defaults; where only the pace is given, a step lasts its usual part of it. */
export function paceOf(
  { preset, everyMs, forMs }: PresetSpec,
  { timing }: PlanMesh,
): { readonly everyMs: number; readonly forMs: number } {
  const pace = PACE[preset];
  const usualMs = (timeouts: number) => Math.max(1, Math.round(timeouts * timing.electionTimeoutMaxMs));
  const partMs =
    everyMs === undefined || preset === "leaderHunt" ? usualMs(pace.for) : (everyMs * pace.for) / pace.every;
  return { everyMs: everyMs ?? usualMs(pace.every), forMs: forMs ?? Math.max(1, Math.round(partMs)) };
}

function now(fault: FaultSpec): readonly StepFault[] {
  return [{ afterMs: 0, fault }];
}

/** Targets that are open in a plan are drawn by it where its steps must agree on them; only the leader is looked up when the fault is injected. */
function drawn(whom: FaultTarget, { agents, links, zones }: PlanMesh, random: Random): readonly FaultTarget[] {
  const ground = { agents, links, leader: null, ...(zones !== undefined && { zones }) };
  return whom === "leader" ? [whom] : resolveTarget(whom, ground, random);
}

/** As many as a minority has (one at least), the next ones in the ring. */
function nextMinority(step: number, ring: readonly string[]): readonly string[] {
  const size = Math.max(1, minorityOf(ring.length));
  return Array.from({ length: size }, (_, at) => ring[(step * size + at) % ring.length] as string);
}

/** FoundationDB's swizzle-clogging: connections of a subset are stopped one by one, and set going again one by one in another order. */
function swizzle(whom: FaultTarget | undefined, forMs: number, mesh: PlanMesh, random: Random): readonly StepFault[] {
  const size = random.int(Math.min(2, mesh.agents.length), mesh.agents.length);
  const agents = whom === undefined ? random.shuffled(mesh.agents).slice(0, size) : drawn(whom, mesh, random);
  const half = forMs / 2;
  const moments = (fromMs: number) =>
    agents.map(() => Math.round(fromMs + random.float() * half)).sort((a, b) => a - b);
  const cutMs = moments(0);
  const healMs = moments(half);
  const healed = random.shuffled(agents);
  return random.shuffled(agents).map((agent, at) => {
    const afterMs = cutMs[at] as number;
    const lastsMs = (healMs[healed.indexOf(agent)] as number) - afterMs;
    return { afterMs, fault: { kind: "isolate", agent, forMs: Math.max(1, lastsMs) } };
  });
}

/** Slow in everything, and alive: the failures that detectors of silence do not see (Huang et al., HotOS 2017). */
function grey(whom: FaultTarget, forMs: number, mesh: PlanMesh, random: Random): readonly StepFault[] {
  const delayMs = Math.max(1, Math.round(mesh.timing.electionTimeoutMinMs * GREY_DELAY));
  return drawn(whom, mesh, random).flatMap((agent) =>
    (
      [
        { kind: "slow", a: agent, delayMs, jitterMs: Math.round(delayMs / 2), forMs },
        { kind: "cpu", agent, slowdown: GREY_SLOWDOWN, forMs },
        { kind: "disk", agent, disk: { trouble: "slow", delayMs }, forMs },
      ] as const satisfies readonly FaultSpec[]
    ).map((fault) => ({ afterMs: 0, fault })),
  );
}
