import { Agent } from "../../server/agent/agent.ts";
import { quorumAmong } from "../../server/agent/consensus/quorum.ts";
import type { AgentConfig } from "../../server/agent/types.ts";
import type { ConsensusKind } from "../../server/contract/consensus.ts";
import type { FaultSpec } from "../../server/contract/faults.ts";
import type { DetectorKind, Mesh, Timing } from "../../server/contract/mesh.ts";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import { quickMesh } from "../../server/meshfile/mesh-file.ts";
import { type HappenedFault, simulate } from "../../server/sim/simulate.ts";

export interface Parted {
  readonly agents: number;
  readonly consensus: ConsensusKind;
  readonly detector: DetectorKind;
  /** What falls apart: a shape, or sides. */
  readonly fault: FaultSpec & { readonly kind: "partition" };
  /** What the agents are told instead of the timing that the mesh has: one that is broken on purpose. */
  readonly told?: Partial<Timing>;
}

export interface PartedRun {
  /** What is not as it should be. */
  readonly problems: readonly string[];
  /** Of each agent that was cut off, ms: from the fault until it said so; until it knew itself to be read-only, where it is; and what it told of its recovery. */
  readonly noticedMs: readonly number[];
  readonly readOnlyMs: readonly number[];
  readonly recoveredMs: readonly number[];
  /** Of the healing: from when nothing was cut until the last agent had caught up. */
  readonly allRecoveredMs: number;
}

const AT_MS = 1000;
/** What moments that are told by several clocks may differ by. */
const CLOCKS_MS = 20;
export const APART_MS = 6000;
/** Most have caught up long before; whoever has not by then is told of. */
const AFTER_MS = 5000;

export function partedMesh({ agents, consensus, detector, fault }: Omit<Parted, "told">): Mesh {
  const mesh = wholeMesh(consensus, detector, agents);
  return { ...mesh, faults: [{ trigger: { on: "time", atMs: AT_MS }, fault: { ...fault, forMs: APART_MS } }] };
}

/** Nobody is cut off at the end of a run to see whether a majority serves: what agents say then would be about that. */
function wholeMesh(consensus: ConsensusKind, detector: DetectorKind, agents: number): Mesh {
  const mesh = quickMesh({ name: "parted", agents, topology: "mesh", consensus });
  return { ...mesh, detector, expect: { ...mesh.expect, recovery: null } };
}

/**
 * From the cut until everybody who is cut off says so, at most: by heartbeats a suspicion and its time, by probing a few periods a member; and the election timeouts in which the consensus forgets
 * whom it heard.
 */
export function noticeBoundMs({ agents, detector, timing }: Mesh): number {
  const { suspectAfterMs, failAfterMs, memberHeartbeatMs, probeIntervalMs, electionTimeoutMaxMs } = timing;
  const bySilence = suspectAfterMs + failAfterMs + 2 * memberHeartbeatMs;
  return 2 * electionTimeoutMaxMs + (detector === "heartbeat" ? bySilence : probeIntervalMs * (5 + agents.length));
}

/** One seed, and all that its agents said of their sides. */
export function runParted(parted: Parted, seed: number): PartedRun {
  const mesh = partedMesh(parted);
  const ids = mesh.agents.map(({ id }) => id);
  // Agents' clocks differ by a part of an election timeout at most; the latest of them counts, in which all others' stamps are merged.
  let latestMs = 0;
  let cutMs = Number.NaN;
  let cuts: HappenedFault | undefined;
  /** How much of the log any of them had decided, so far and when each was last healed. */
  let decided = 0;
  const decidedThen = new Map<string, number>();
  const lacking: string[] = [];
  const said: { readonly event: TimelineEvent; readonly atMs: number }[] = [];
  const told = (config: AgentConfig): AgentConfig => ({ ...config, timing: { ...config.timing, ...parted.told } });
  const { violation } = simulate(mesh, seed, {
    durationMs: AT_MS + APART_MS + AFTER_MS,
    clients: 2,
    onEvent: (event) => {
      latestMs = Math.max(latestMs, event.hlc.wallMs);
      decided = Math.max(decided, event.state?.commit ?? 0);
      if (event.kind === "healed") decidedThen.set(event.agent, decided);
      const wanted = decidedThen.get(event.agent) ?? 0;
      const applied = event.state?.applied ?? 0;
      if (event.kind === "recovered" && applied < wanted)
        lacking.push(`${event.agent} says that it has caught up, and has ${applied} of ${wanted} entries`);
      if (["partitioned", "healed", "recovered"].includes(event.kind)) said.push({ event, atMs: latestMs });
    },
    onFault: (fault) => {
      cuts = fault;
      cutMs = latestMs;
    },
    ...(parted.told && { createAgent: (config, ...rest) => new Agent(told(config), ...rest) }),
  });
  const problems: string[] = violation === null ? [] : [`${violation.invariant}: ${violation.detail}`];
  problems.push(...lacking);
  if (cuts === undefined)
    return { problems: ["no fault came"], noticedMs: [], readOnlyMs: [], recoveredMs: [], allRecoveredMs: 0 };
  const noticedMs: number[] = [];
  const readOnlyMs: number[] = [];
  const recoveredMs: number[] = [];
  let allRecoveredMs = 0;
  for (const side of sidesOf(ids, cuts)) {
    const decides = parted.consensus === "gossip" || side.length >= quorumAmong(ids.length, parted.consensus);
    const apart = 2 * (side.length - 1) < ids.length - 1;
    for (const id of side) {
      const of = said.filter(({ event }) => event.agent === id);
      const first = (kind: string, readOnly = false): number | undefined =>
        of.find(({ event }) => event.kind === kind && (!readOnly || event.fields.readOnly === true))?.atMs;
      if (decides && !apart) {
        if (of.length > 0)
          problems.push(`${id} can decide and hears ${side.length} of ${ids.length}, and says ${of[0]?.event.kind}`);
        continue;
      }
      const noticed = first("partitioned");
      const readOnly = first("partitioned", true);
      const recovered = of.find(({ event }) => event.kind === "recovered");
      const late = (atMs: number | undefined): boolean => atMs === undefined || atMs - cutMs > noticeBoundMs(mesh);
      if (late(noticed)) problems.push(`${id} does not say within ${noticeBoundMs(mesh)} ms that it is cut off`);
      else noticedMs.push((noticed as number) - cutMs);
      if (decides && readOnly !== undefined) problems.push(`${id} can decide, and says that it is read-only`);
      if (!decides && late(readOnly))
        problems.push(`${id} does not say within ${noticeBoundMs(mesh)} ms that it is read-only`);
      else if (readOnly !== undefined) readOnlyMs.push(readOnly - cutMs);
      const healedMs = cutMs + APART_MS;
      if (recovered === undefined || recovered.atMs - healedMs > AFTER_MS)
        problems.push(`${id} has not caught up within ${AFTER_MS} ms`);
      else {
        recoveredMs.push(Number(recovered.event.fields.tookMs));
        allRecoveredMs = Math.max(allRecoveredMs, recovered.atMs - healedMs);
      }
      if (of.some(({ event, atMs }) => event.kind === "healed" && atMs < healedMs - CLOCKS_MS))
        problems.push(`${id} says healed before it was`);
    }
  }
  return { problems, noticedMs, readOnlyMs, recoveredMs, allRecoveredMs };
}

/** Who reaches whom both ways, directly or through others. */
function sidesOf(ids: readonly string[], { effects }: HappenedFault): string[][] {
  const cut = new Set(effects.flatMap((effect) => (effect.on === "link" ? [`${effect.from} ${effect.to}`] : [])));
  const hears = (a: string, b: string): boolean => !cut.has(`${a} ${b}`) && !cut.has(`${b} ${a}`);
  const sides: string[][] = [];
  for (const id of ids) {
    const near = sides.filter((side) => side.some((other) => hears(id, other)));
    const joined = [...near.flat(), id];
    for (const side of near) sides.splice(sides.indexOf(side), 1);
    sides.push(joined);
  }
  return sides;
}

/** Runs in which nothing is ever cut; what their agents say of sides of partitions. @param loss share of all messages that are lost */
export function falseAlarms(
  consensus: ConsensusKind,
  detector: DetectorKind,
  agents: number,
  loss: number,
  seeds: number,
): string[] {
  const mesh = wholeMesh(consensus, detector, agents);
  const lossy: Mesh =
    loss === 0
      ? mesh
      : { ...mesh, faults: [{ trigger: { on: "time", atMs: 0 }, fault: { kind: "lossy", a: "everyone", loss } }] };
  const alarms: string[] = [];
  for (let seed = 1; seed <= seeds; seed++)
    simulate(lossy, seed, {
      chaos: false,
      durationMs: 10_000,
      clients: 2,
      onEvent: ({ kind, agent, fields }) => {
        if (kind === "partitioned") alarms.push(`seed ${seed}: ${agent} says ${JSON.stringify(fields)}`);
      },
    });
  return alarms;
}
