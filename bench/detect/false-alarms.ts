import { type ChildProcess, spawn } from "node:child_process";
import { cpus, loadavg } from "node:os";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { TimelineEvent } from "../../server/contract/timeline.ts";
import type { Coordinator } from "../../server/coordinator/coordinator.ts";
import { type SerfCluster, withSerf } from "../peers/serf.ts";
import type { Figure } from "../report.ts";
import { withSwarm } from "../swarms.ts";
import type { PartOptions } from "./detect.ts";

const AGENTS = 12;
const MINUTES = 10;
const QUICK_MINUTES = 0.5;
const LOOK_EVERY_MS = 15_000;
/** That one search gives. */
const MAX_EVENTS = 10_000;

/** Verdicts about agents that run, all agents together. */
export interface Alarms {
  readonly failed: number;
  /** Reached by an agent's own probes, not heard of. */
  readonly suspected: number;
}

interface Measured extends Alarms {
  /** Suspicions that an agent held, its own or told, and then saw to be wrong. */
  readonly refuted: number;
}

/** Nobody dies while all cores are busy: whom is it said of all the same? Ours and serf's run at the same time, under the same load, which each is a part of for the other. */
export async function falseAlarms(options: PartOptions): Promise<readonly Figure[]> {
  const { serf, quick } = options;
  const minutes = quick ? QUICK_MINUTES : MINUTES;
  const mesh = { name: "bench", agents: AGENTS, topology: "mesh", consensus: "raft" } as const;
  const [ours, theirs] = await withSwarm(mesh, async (coordinator, swarm) => {
    const measure = (peer?: SerfCluster): Promise<readonly [Measured, Alarms | undefined]> =>
      underLoad(coordinator, swarm, peer, minutes, options);
    return serf === undefined ? await measure() : await withSerf(AGENTS, measure);
  });
  const where = `of ${AGENTS} agents that run, ${minutes} minutes with ${cpus().length} of ${cpus().length} cores busy`;
  const figure = (name: string, value: number, peerValue: number | undefined, goal: string): Figure => ({
    name,
    value,
    unit: "",
    ...(peerValue === undefined ? {} : { peer: `serf ${serf}`, peerValue }),
    goal,
    met: goal === "" || value === 0,
  });
  return [
    figure(`verdicts "failed" ${where}`, ours.failed, theirs?.failed, "none"),
    figure("suspicions meanwhile, by an agent's own probes", ours.suspected, theirs?.suspected, ""),
    figure("suspicions that agents held meanwhile, heard of included, and saw refuted", ours.refuted, undefined, ""),
  ];
}

async function underLoad(
  coordinator: Coordinator,
  swarm: SwarmView,
  peer: SerfCluster | undefined,
  minutes: number,
  { say, look }: PartOptions,
): Promise<readonly [Measured, Alarms | undefined]> {
  const before = refutedIn(await coordinator.handle("swarm", { swarm: swarm.id }));
  const fromMs = Date.now();
  const theirsBefore = peer?.alarms;
  const busy = cpus().map(() => spawn(process.execPath, ["-e", "for(;;);"], { stdio: "ignore" }));
  try {
    const untilMs = fromMs + minutes * 60_000;
    for (let leftMs = untilMs - Date.now(); leftMs > 0; leftMs = untilMs - Date.now()) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(leftMs, LOOK_EVERY_MS)));
      look();
      requireRunning(swarm, await coordinator.handle("swarm", { swarm: swarm.id }), busy, peer);
      say(`${((Date.now() - fromMs) / 60_000).toFixed(2)} minutes, load ${loadavg()[0]?.toFixed(1)}`);
    }
  } finally {
    for (const process of busy) process.kill("SIGKILL");
  }
  const events: TimelineEvent[] = [];
  for (const kind of ["memberFailed", "memberSuspected"]) events.push(...(await eventsOf(coordinator, swarm.id, kind)));
  const refuted = refutedIn(await coordinator.handle("swarm", { swarm: swarm.id })) - before;
  const theirs = peer?.alarms;
  return [
    { ...alarmsIn(events, fromMs), refuted },
    theirs === undefined || theirsBefore === undefined
      ? undefined
      : { failed: theirs.failed - theirsBefore.failed, suspected: theirs.suspected - theirsBefore.suspected },
  ];
}

/** @throws Error when they are more than one search gives */
async function eventsOf(coordinator: Coordinator, swarm: string, kind: string): Promise<readonly TimelineEvent[]> {
  const search = { swarm, text: `kind:${kind}`, limit: MAX_EVENTS };
  const { events, complete } = await coordinator.handle("timelineSearch", search);
  if (!complete) throw new Error(`more than ${MAX_EVENTS} events of the kind ${kind}`);
  return events;
}

/** Of nobody who died: all that are said to have are false. */
export function alarmsIn(events: readonly TimelineEvent[], fromMs: number): Alarms {
  const since = events.filter(({ hlc }) => hlc.wallMs >= fromMs);
  return {
    failed: since.filter(({ kind }) => kind === "memberFailed").length,
    suspected: since.filter(({ kind, fields }) => kind === "memberSuspected" && fields.reason !== "told").length,
  };
}

function refutedIn({ agents }: SwarmView): number {
  return agents.reduce((sum, { detector }) => sum + (detector?.refuted ?? 0), 0);
}

/** A verdict about a process that ended would be none that is false; and without the load nothing was shown. @throws Error */
function requireRunning(
  then: SwarmView,
  now: SwarmView,
  busy: readonly ChildProcess[],
  peer: SerfCluster | undefined,
): void {
  for (const { id, pid } of then.agents) {
    const agent = now.agents.find((one) => one.id === id);
    if (agent?.process !== "running" || agent.pid !== pid) throw new Error(`${id} does not run any more`);
  }
  if (busy.some(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null))
    throw new Error("what was to keep a core busy has ended");
  peer?.requireRunning();
}
