/**
 * Slow members and real failures, after Lifeguard (Dadgar, Phillips and Currey 2017, arXiv:1707.00788, §V): how many members are held failed that are not, and
 * how soon those are that really are. 128 members with memberlist's timing for local networks, the real core, in virtual time.
 */
import type { Lifeguard } from "../server/core/membership/types.ts";
import { seededRandom } from "../server/core/random.ts";
import { MembershipNetwork, type NetworkOptions, type SwimSettings } from "./membership-network.ts";

/** Everybody knows everybody by then. */
const SETTLED_MS = 15_000;
/** Between two crashes of one group. */
const CRASH_EVERY_MS = 3000;
/** By then the last crash is known to all, even if nobody confirmed it: alpha 5, beta 6, 128 members. */
const PATIENCE_MS = 70_000;

export interface Variant {
  readonly lifeguard: Lifeguard;
  /** Lifeguard's alpha. */
  readonly suspicionMultiplier: number;
}

const PLAIN: Lifeguard = { localHealth: false, dogpile: false, buddy: false, allowances: false };
const PAPER: Lifeguard = { localHealth: true, dogpile: true, buddy: true, allowances: false };

/** By alpha 5, as in the paper's experiments, but the last two. `allowances` is not in the paper. */
export const VARIANTS = {
  SWIM: { lifeguard: PLAIN, suspicionMultiplier: 5 },
  "local health": { lifeguard: { ...PLAIN, localHealth: true }, suspicionMultiplier: 5 },
  dogpile: { lifeguard: { ...PLAIN, dogpile: true }, suspicionMultiplier: 5 },
  "buddy system": { lifeguard: { ...PLAIN, buddy: true }, suspicionMultiplier: 5 },
  Lifeguard: { lifeguard: PAPER, suspicionMultiplier: 5 },
  "Lifeguard, allowances": { lifeguard: { ...PAPER, allowances: true }, suspicionMultiplier: 5 },
  "Lifeguard, alpha 4": { lifeguard: PAPER, suspicionMultiplier: 4 },
  "Lifeguard, alpha 2": { lifeguard: PAPER, suspicionMultiplier: 2 },
} as const satisfies Readonly<Record<string, Variant>>;
export type VariantName = keyof typeof VARIANTS;

function settingsOf({ lifeguard, suspicionMultiplier }: Variant): SwimSettings {
  return {
    probeIntervalMs: 1000,
    probeTimeoutMs: 500,
    suspicionMultiplier,
    spreadIntervalMs: 200,
    syncIntervalMs: 30_000,
    lifeguard,
  };
}

function settledGroup(size: number, seed: string, variant: Variant, make: NetworkOptions["make"]) {
  const ids = Array.from({ length: size }, (_, at) => `a${at + 1}`);
  const settings = settingsOf(variant);
  const network = new MembershipNetwork({ ids, seed, settings, ...(make !== undefined && { make }) });
  network.startAll(settings.probeIntervalMs);
  network.runUntil(SETTLED_MS);
  return { network, ids };
}

/** Slow members are held up for a while, run for a while, and so on, all at the same time. */
export interface Slowness {
  /** blocked: messages wait in both directions, timers fire. stopped: nothing runs. */
  readonly kind: "blocked" | "stopped";
  /** How many are slow (C). */
  readonly members: number;
  /** How long they are held up each time (D), ms. */
  readonly heldUpMs: number;
  /** How long they run in between (I), ms. */
  readonly runMs: number;
}

export interface SlowSettings {
  readonly size: number;
  readonly slowness: Slowness;
  readonly variant: Variant;
  readonly virtualMs: number;
  readonly seed: number;
  readonly make?: NetworkOptions["make"];
}

export interface Alarms {
  /** Verdicts "failed" on members that were never slow, wherever they were reached or adopted: the paper's FP. */
  readonly falsePositives: number;
  /** Those of them at members that were never slow: FP-. */
  readonly atHealthy: number;
  /** Messages that a member sends a second. */
  readonly messages: number;
}

export function alarms({ size, slowness, variant, virtualMs, seed, make }: SlowSettings): Alarms {
  const { kind, members, heldUpMs, runMs } = slowness;
  // The same members are slow, and everything else is drawn alike, whatever the variant.
  const name = `slow/${seed}/${size}/${kind}/${members}/${heldUpMs}/${runMs}`;
  const { network, ids } = settledGroup(size, name, variant, make);
  const slow = new Set(ids.slice(0, members));
  const sentBefore = sentBy(network, ids);
  const endMs = network.nowMs + virtualMs;
  for (const id of slow) {
    const again = () => {
      if (kind === "blocked") network.block(id, heldUpMs);
      else network.pause(id, heldUpMs);
      network.at(network.nowMs + heldUpMs + runMs, again);
    };
    again();
  }
  network.runUntil(endMs);
  const wrong = network.sightings.filter(
    ({ observation: { type, member } }) => type === "memberFailed" && !slow.has(member),
  );
  return {
    falsePositives: wrong.length,
    atHealthy: wrong.filter(({ at }) => !slow.has(at)).length,
    messages: (sentBy(network, ids) - sentBefore) / size / (virtualMs / 1000),
  };
}

function sentBy(network: MembershipNetwork, ids: readonly string[]): number {
  return ids.reduce((sum, id) => sum + network.load(id).sent, 0);
}

export interface CrashSettings {
  readonly size: number;
  readonly variant: Variant;
  readonly groups: number;
  readonly crashesPerGroup: number;
  readonly seed: number;
  readonly make?: NetworkOptions["make"];
}

export interface Latencies {
  /** From each crash until the first member held it failed, ms. */
  readonly firstMs: readonly number[];
  /** Until the last one that still ran did, ms. */
  readonly lastMs: readonly number[];
}

/** Healthy groups in which one member after the other crashes. @throws Error when a crash was not noticed by all. */
export function latencies({ size, variant, groups, crashesPerGroup, seed, make }: CrashSettings): Latencies {
  const firstMs: number[] = [];
  const lastMs: number[] = [];
  for (let group = 0; group < groups; group++) {
    const name = `crashes/${seed}/${size}/${group}`;
    const { network, ids } = settledGroup(size, name, variant, make);
    const random = seededRandom(name);
    const crashed = random
      .shuffled(ids)
      .slice(0, crashesPerGroup)
      .map((id, at) => ({ id, atMs: network.nowMs + (at + random.float()) * CRASH_EVERY_MS }));
    for (const { id, atMs } of crashed) network.at(atMs, () => network.kill(id));
    network.runUntil(network.nowMs + crashesPerGroup * CRASH_EVERY_MS + PATIENCE_MS);
    const survivors = new Set(network.running());
    for (const { id, atMs } of crashed) {
      const verdicts = network.seen("memberFailed", id, atMs).filter(({ at }) => survivors.has(at));
      if (new Set(verdicts.map(({ at }) => at)).size < survivors.size)
        throw new Error(`not everybody noticed that ${id} crashed`);
      firstMs.push((verdicts[0]?.atMs as number) - atMs);
      lastMs.push((verdicts.at(-1)?.atMs as number) - atMs);
    }
  }
  return { firstMs, lastMs };
}
