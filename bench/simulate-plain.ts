import { buildLinks } from "../server/core/overlay/topology.ts";
import { seededRandom } from "../server/core/random.ts";
import { quickMesh } from "../server/meshfile/mesh-file.ts";
import { EventQueue } from "../server/sim/event-queue.ts";
import { Inspector } from "../server/sim/inspector.ts";
import { Schedule } from "../server/sim/schedule.ts";
import type { SimWorld } from "../server/sim/world.ts";
import { NOBODY } from "./unwatched.ts";
import { wholeAgents } from "./whole-agents.ts";

const AGENTS = 5;
/** One put every so often, to one agent after the other, virtual µs: about what keeps every link of the leader in use. */
const PUT_EVERY_US = 500;
/** Looked at the clock after so much virtual time. */
const STEP_US = 200_000;
const VALUE = new Uint8Array(32);

export interface PlainRun {
  /** From one agent to another, with all they carry. */
  readonly frames: number;
  /** Raft messages in them, as the agents count what they have stepped. Membership messages are not counted. */
  readonly raftMessages: number;
  readonly committed: number;
  readonly virtualMs: number;
  readonly cpuMs: number;
}

/**
 * Five Raft agents without any fault, and puts that come evenly, in one thread. After a first tenth that only warms up.
 * @param checked with the trace hash, and all checkers that look at every step; else with neither.
 * @throws Error when an invariant broke or nothing was decided.
 */
export function runPlain(checked: boolean, forCpuMs: number): PlainRun {
  const ids = Array.from({ length: AGENTS }, (_, at) => `a${at + 1}`);
  const { expect } = quickMesh({ name: "plain", agents: AGENTS, topology: "mesh", consensus: "raft" });
  const schedule = new Schedule();
  const inspector = new Inspector(schedule, "raft", ids, ids, expect.invariants);
  const { worlds, network, start } = wholeAgents({
    consensus: "raft",
    ids,
    links: buildLinks("mesh", ids),
    seed: "bench/plain",
    witness: checked ? inspector : NOBODY,
    schedule,
  });
  start();
  putSteadily(schedule, worlds);
  const broken = () => inspector.violation !== null;
  const sums = () => {
    const reports = worlds.map(({ agent, now }) => agent?.report(now));
    return {
      frames: network.delivered,
      raftMessages: reports.reduce((sum, report) => sum + (report?.messagesIn ?? 0), 0),
      committed: Math.max(...reports.map((report) => report?.commit ?? 0)),
      virtualMs: schedule.nowMs,
    };
  };
  cpuMsUntil(forCpuMs / 10, schedule, broken);
  const before = sums();
  const cpuMs = cpuMsUntil(forCpuMs, schedule, broken);
  const after = sums();
  if (inspector.violation) throw new Error(`${inspector.violation.invariant}: ${inspector.violation.detail}`);
  if (after.committed === before.committed) throw new Error("nothing was decided");
  return {
    frames: after.frames - before.frames,
    raftMessages: after.raftMessages - before.raftMessages,
    committed: after.committed - before.committed,
    virtualMs: after.virtualMs - before.virtualMs,
    cpuMs,
  };
}

function putSteadily(schedule: Schedule, worlds: readonly SimWorld[]): void {
  const connections = worlds.map((world) => world.openConnection());
  let puts = 0;
  const put = {
    happen: () => {
      const at = puts++ % worlds.length;
      const request = { op: "put", id: puts, namespace: "bench", key: `key${puts % 64}`, value: VALUE } as const;
      worlds[at]?.clientRequests(connections[at] as number, [request]);
      schedule.after(PUT_EVERY_US, put);
    },
  };
  schedule.after(PUT_EVERY_US, put);
}

/** @returns CPU time of this thread. */
function cpuMsUntil(forMs: number, schedule: Schedule, stop: () => boolean): number {
  const start = process.threadCpuUsage();
  for (;;) {
    schedule.runUntil(schedule.nowUs + STEP_US, stop);
    const { user, system } = process.threadCpuUsage(start);
    const ms = (user + system) / 1000;
    if (ms >= forMs || stop()) return ms;
  }
}

/** The limit: events a CPU second of a loop that only takes the earliest of some hundred out and puts it in again later. */
export function bareEventsPerSecond(forCpuMs: number): number {
  const queue = new EventQueue<number>();
  const random = seededRandom("bench/heap");
  for (let item = 0; item < 500; item++) queue.push(random.uint32() % 1000, item);
  const start = process.threadCpuUsage();
  for (let events = 0; ; ) {
    for (const until = events + 100_000; events < until; events++) {
      const time = queue.nextTime;
      queue.push(time + (random.uint32() % 1000), queue.pop() as number);
    }
    const { user, system } = process.threadCpuUsage(start);
    const ms = (user + system) / 1000;
    if (ms >= forCpuMs) return events / (ms / 1000);
  }
}
