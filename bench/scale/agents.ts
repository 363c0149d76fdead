import { buildLinks } from "../../server/core/overlay/topology.ts";
import type { Witness } from "../../server/sim/witness.ts";
import { mean } from "../statistics.ts";
import { NOBODY } from "../unwatched.ts";
import { hasKey, putKey, wholeAgents } from "../whole-agents.ts";
import { cpuMs, fewOf, keptBytes, type Measured } from "./measured.ts";
import { checkKept } from "./room.ts";
import { startSettled } from "./settled.ts";

const DEGREE = 4;
/** Until links are up and each has compared what it has with some others, virtual ms: neither takes longer among more. */
const SETTLE_MS = 6000;
const IDLE_MS = 2000;
/** Of all together, at least, before costs are counted and while they are: by then the engine has compiled what few agents do, too, and a step of the processor's clock is little beside what they take. */
const AGENT_MS = 2_000_000;
const QUICK_MS = 1000;
const PATIENCE_MS = 60_000;
const BROADCASTS = 20;

/**
 * Whole agents in the simulated world, that decide by gossip and probe each other (SWIM), on a k-regular topology; without trace hash and checkers. They begin as if they had been there for long. Once they have settled nothing happens for a
 * while; then one of them takes a write, until all have it, a few times.
 * @throws Error when not all have it in time
 */
export function measureAgents(size: number, quick: boolean): Measured {
  const ids = Array.from({ length: size }, (_, at) => `a${at + 1}`);
  const links = buildLinks("k-regular", ids, { degree: DEGREE });
  const lacking = new Set<number>();
  let bytes = 0;
  let writing = "";
  const witness: Witness = {
    ...NOBODY,
    delivered: (_from, _to, frame) => {
      bytes += frame.length;
    },
    turned: (agent) => {
      if (lacking.size > 0 && lacking.has(agent) && hasKey(worlds[agent], writing)) lacking.delete(agent);
    },
  };
  const { worlds, network, schedule } = wholeAgents({
    consensus: "gossip",
    links,
    ids,
    seed: `scale/${size}`,
    witness,
  });
  const empty = keptBytes();
  startSettled(worlds, ids, links);
  const run = (forMs: number, stop: () => boolean = () => false): void =>
    schedule.runUntil(schedule.nowUs + forMs * 1000, stop);
  run(quick ? QUICK_MS : Math.max(SETTLE_MS, AGENT_MS / size));

  const idleMs = quick ? QUICK_MS : Math.max(IDLE_MS, AGENT_MS / size);
  const before = { frames: network.delivered, bytes, cpuMs: cpuMs() };
  run(idleMs);
  const took = cpuMs() - before.cpuMs;
  const each = (sum: number): number => sum / size / (idleMs / 1000);
  const idle = { messages: each(network.delivered - before.frames), bytes: each(bytes - before.bytes) };
  const memoryKiB = (keptBytes() - empty) / size / 1024;
  checkKept();

  const broadcasts = worlds.slice(0, quick ? 1 : BROADCASTS).map((world) => {
    for (const { index } of worlds) lacking.add(index);
    writing = world.id;
    const startedMs = schedule.nowMs;
    putKey(world, writing);
    run(PATIENCE_MS, () => lacking.size <= fewOf(size));
    const mostMs = schedule.nowMs - startedMs;
    run(PATIENCE_MS, () => lacking.size === 0);
    if (lacking.size > 0) throw new Error(`${lacking.size} of ${size} did not hear of a write in ${PATIENCE_MS} ms`);
    return { mostMs, allMs: schedule.nowMs - startedMs };
  });
  return {
    broadcastMs: mean(broadcasts.map(({ allMs }) => allMs)),
    mostMs: mean(broadcasts.map(({ mostMs }) => mostMs)),
    ...idle,
    cpuMs: each(took),
    memoryKiB,
    speed: idleMs / took,
  };
}
