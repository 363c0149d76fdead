import { pacedBy } from "../../server/core/membership/swim/config.ts";
import { TIMING } from "../../server/meshfile/timing.ts";
import { MembershipNetwork, type SwimSettings } from "../membership-network.ts";
import { mean } from "../statistics.ts";
import { cpuMs, fewOf, keptBytes, type Measured } from "./measured.ts";

const { probeIntervalMs, probeTimeoutMs, suspicionMultiplier } = TIMING.local;
/** As an agent's. */
export const SETTINGS: SwimSettings = {
  probeIntervalMs,
  probeTimeoutMs,
  suspicionMultiplier,
  ...pacedBy(probeIntervalMs),
  lifeguard: true,
};

const SETTLE_PERIODS = 25;
const IDLE_PERIODS = 12;
/** Of all together, at least, before costs are counted and while they are: by then the engine has compiled what few members do, too, and a step of the processor's clock is little beside what they take. */
const MEMBER_PERIODS = 100_000;
const QUICK_PERIODS = 3;
const BROADCASTS = 5;
const LOOK_EVERY_MS = 5;
const PATIENCE_MS = 60_000;

/**
 * Members that probe each other and let news travel on the probes, as in every agent, and nothing else of an agent: each reaches each in one step, as over UDP. Once they have settled nothing
 * happens for a while; then one starts anew, until all know, a few times.
 * @throws Error when not all know in time
 */
export function measureSwim(size: number, quick: boolean): Measured {
  const ids = Array.from({ length: size }, (_, at) => `a${at + 1}`);
  const empty = keptBytes();
  const network = new MembershipNetwork({ ids, seed: `scale/${size}`, settings: SETTINGS, unwatched: true });
  network.startAll(probeIntervalMs);
  const periods = (count: number): void => network.runUntil(network.nowMs + count * probeIntervalMs);
  periods(quick ? QUICK_PERIODS : Math.max(SETTLE_PERIODS, Math.ceil(MEMBER_PERIODS / size)));

  const count = quick ? QUICK_PERIODS : Math.max(IDLE_PERIODS, Math.ceil(MEMBER_PERIODS / size));
  const sent = (): number => ids.reduce((sum, id) => sum + network.load(id).sent, 0);
  const before = { sent: sent(), bytes: network.bytes, cpuMs: cpuMs() };
  periods(count);
  const took = cpuMs() - before.cpuMs;
  const idleMs = count * probeIntervalMs;
  const each = (sum: number): number => sum / size / (idleMs / 1000);
  const idle = { messages: each(sent() - before.sent), bytes: each(network.bytes - before.bytes) };
  const memoryKiB = (keptBytes() - empty) / size / 1024;

  const broadcasts = ids.slice(0, quick ? 1 : BROADCASTS).map((id) => restartOf(network, id, ids));
  return {
    broadcastMs: mean(broadcasts.map(({ allMs }) => allMs)),
    mostMs: mean(broadcasts.map(({ mostMs }) => mostMs)),
    ...idle,
    cpuMs: each(took),
    memoryKiB,
    speed: idleMs / took,
  };
}

/** From its start until all know of its new life, or all but a few, ms. */
function restartOf(
  network: MembershipNetwork,
  restarted: string,
  ids: readonly string[],
): { readonly mostMs: number; readonly allMs: number } {
  const startedMs = network.nowMs;
  network.kill(restarted);
  network.start(restarted);
  const life = network.core(restarted)?.member(restarted)?.incarnation;
  const knows = (id: string): boolean => network.core(id)?.member(restarted)?.incarnation === life;
  // Who knows does not forget.
  let unsure = ids.filter((id) => id !== restarted);
  let mostMs = Number.NaN;
  for (const untilMs = startedMs + PATIENCE_MS; unsure.length > 0 && network.nowMs < untilMs; ) {
    network.runUntil(network.nowMs + LOOK_EVERY_MS);
    unsure = unsure.filter((id) => !knows(id));
    if (Number.isNaN(mostMs) && unsure.length <= fewOf(ids.length)) mostMs = network.nowMs - startedMs;
  }
  if (unsure.length > 0)
    throw new Error(`${unsure.length} of ${ids.length} did not hear of a member's new life in ${PATIENCE_MS} ms`);
  return { mostMs, allMs: network.nowMs - startedMs };
}
