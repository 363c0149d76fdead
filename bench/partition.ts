/**
 * Partitions: how long until whoever is cut off says so, and how long until all have caught up once it heals. The smaller half is cut off, while clients write on both sides; the same agents in
 * virtual time and as processes.
 */
import { loadavg } from "node:os";
import type { TimelineEvent } from "../server/contract/timeline.ts";
import type { Coordinator } from "../server/coordinator/coordinator.ts";
import { quickMesh } from "../server/meshfile/mesh-file.ts";
import { simulate } from "../server/sim/simulate.ts";
import { alone, type BenchOptions, type BenchReport, type Figure, loadFigure, machine, percentile } from "./report.ts";
import { withSwarm } from "./swarms.ts";

export const PARTS = ["simulated", "live"];

const SIZES = [5, 12] as const;
const APART_MS = 8000;
const PATIENCE_MS = 30_000;
const LOOK_EVERY_MS = 50;

/** Of one partition, ms. */
interface Sample {
  /** From the cut until the first, and the last, of those that are cut off said that it is read-only. */
  readonly firstMs: number;
  readonly allMs: number;
  /** What each said of its own recovery, and from the healing until the last had caught up. */
  readonly tookMs: readonly number[];
  readonly recoveredMs: number;
}

export async function run({ say, quick, parts }: BenchOptions): Promise<BenchReport> {
  const figures: Figure[] = [];
  const loads: number[] = [];
  for (const agents of SIZES) {
    if (parts.has("simulated")) {
      const samples = Array.from({ length: quick ? 2 : 20 }, (_, at) => simulated(agents, at + 1));
      say(`${agents} simulated agents: ${samples.length} partitions`);
      figures.push(...figuresOf(`${agents} agents, simulated`, samples));
    }
    if (!parts.has("live")) continue;
    const samples: Sample[] = [];
    const mesh = { name: "bench", agents, topology: "mesh", consensus: "raft" } as const;
    await withSwarm(mesh, async (coordinator, { id }) => {
      for (let round = 0; round < (quick ? 1 : 5); round++) {
        samples.push(await live(coordinator, id, agents));
        loads.push(loadavg()[0] as number);
        say(
          `${agents} live agents, round ${round + 1}: all said so after ${Math.round(samples.at(-1)?.allMs ?? 0)} ms`,
        );
      }
    });
    figures.push(...figuresOf(`${agents} agents, live`, samples));
  }
  if (loads.length > 0) figures.push(loadFigure(loads));
  return { bench: "partition", machine: machine(), figures };
}

function figuresOf(name: string, samples: readonly Sample[]): Figure[] {
  const both = (what: string, values: readonly number[]): Figure[] => [
    alone(`${name}: ${what}, median of ${values.length}`, "ms", percentile(values, 0.5)),
    alone(`${name}: ${what}, most`, "ms", percentile(values, 1)),
  ];
  return [
    ...both(
      "first of the minority is read-only",
      samples.map(({ firstMs }) => firstMs),
    ),
    ...both(
      "all of the minority are read-only",
      samples.map(({ allMs }) => allMs),
    ),
    ...both(
      "time to recover, as agents measure it",
      samples.flatMap(({ tookMs }) => tookMs),
    ),
    ...both(
      "from the healing until all have caught up",
      samples.map(({ recoveredMs }) => recoveredMs),
    ),
  ];
}

/** The last ones of the roster: fewer than half. */
function minorityOf(agents: number): string[] {
  const size = Math.floor((agents - 1) / 2);
  return Array.from({ length: size }, (_, at) => `a${agents - size + at + 1}`);
}

type Said = Pick<TimelineEvent, "agent" | "kind" | "fields"> & { readonly atMs: number };

function sampleOf(minority: readonly string[], said: readonly Said[], cutMs: number, healedMs: number): Sample {
  const readOnly = minority.map((id) => {
    const event = said.find(
      ({ agent, kind, fields }) => agent === id && kind === "partitioned" && fields.readOnly === true,
    );
    if (event === undefined) throw new Error(`${id} never said that it is read-only`);
    return event.atMs - cutMs;
  });
  const recovered = minority.map((id) => {
    const event = said.find(({ agent, kind }) => agent === id && kind === "recovered");
    if (event === undefined) throw new Error(`${id} has not caught up`);
    return event;
  });
  return {
    firstMs: Math.min(...readOnly),
    allMs: Math.max(...readOnly),
    tookMs: recovered.map(({ fields }) => Number(fields.tookMs)),
    recoveredMs: Math.max(...recovered.map(({ atMs }) => atMs)) - healedMs,
  };
}

/** Moments are those of the agents' latest clock; they differ by a fraction of an election timeout. */
function simulated(agents: number, seed: number): Sample {
  const minority = minorityOf(agents);
  const mesh = quickMesh({ name: "bench", agents, topology: "mesh", consensus: "raft" });
  const fault = { kind: "partition", sides: [minority], forMs: APART_MS } as const;
  const said: Said[] = [];
  let nowMs = 0;
  let cutMs = 0;
  simulate(
    { ...mesh, faults: [{ trigger: { on: "time", atMs: 1000 }, fault }], expect: { ...mesh.expect, recovery: null } },
    seed,
    {
      durationMs: 1000 + APART_MS + 6000,
      onEvent: ({ agent, kind, fields, hlc }) => {
        nowMs = Math.max(nowMs, hlc.wallMs);
        if (kind === "partitioned" || kind === "recovered") said.push({ agent, kind, fields, atMs: nowMs });
      },
      onFault: () => {
        cutMs = nowMs;
      },
    },
  );
  return sampleOf(minority, said, cutMs, cutMs + APART_MS);
}

async function live(coordinator: Coordinator, swarm: string, agents: number): Promise<Sample> {
  const minority = minorityOf(agents);
  await untilIn(coordinator, swarm, (states) => states.every((state) => state === "whole"));
  const cutMs = Date.now();
  const fault = { kind: "partition", sides: [minority] } as const;
  const { id } = await coordinator.handle("injectFault", { swarm, fault });
  await untilIn(
    coordinator,
    swarm,
    (states) => states.filter((state) => state === "readOnly").length === minority.length,
  );
  await coordinator.handle("memory", { swarm, op: "put", namespace: "bench", key: "k", text: String(cutMs) });
  await pause(1000);
  const healedMs = Date.now();
  await coordinator.handle("healFault", { swarm, fault: id });
  await untilIn(coordinator, swarm, (states) => states.every((state) => state === "whole"));
  // What is told of an agent and what it tells itself come on their own ways.
  await pause(1000);
  const found: TimelineEvent[] = [];
  for (const kind of ["partitioned", "recovered"] as const)
    found.push(...(await coordinator.handle("timelineSearch", { swarm, text: `kind:${kind}`, limit: 1000 })).events);
  const said = found
    .map(({ agent, kind, fields, hlc }) => ({ agent, kind, fields, atMs: hlc.wallMs }))
    .filter(({ atMs }) => atMs >= cutMs)
    .sort((a, b) => a.atMs - b.atMs);
  return sampleOf(minority, said, cutMs, healedMs);
}

async function untilIn(
  coordinator: Coordinator,
  swarm: string,
  holds: (states: readonly (string | undefined)[]) => boolean,
): Promise<void> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const { agents } = await coordinator.handle("swarm", { swarm });
    const states = agents.map(({ partition }) => partition?.state);
    if (holds(states)) return;
    if (performance.now() > deadlineMs)
      throw new Error(`not in ${PATIENCE_MS} ms; the agents are ${states.join(", ")}`);
    await pause(LOOK_EVERY_MS);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms));
}
