import { type BenchOptions, type BenchReport, type Figure, machine, percentile } from "./report.ts";
import { confidence95, fittedLine, mean } from "./statistics.ts";
import { crashes, expectedFirstPing, longestGap, memberLoad, probeGaps, quietGroup } from "./swim-group.ts";
import { type Alarms, alarms, latencies, type Slowness, VARIANTS, type VariantName } from "./swim-slow.ts";

const SEED = 1;

const SIZES = [8, 16, 32, 64, 128, 256, 512] as const;
const QUICK_SIZES = [8, 16, 32, 64] as const;
/** Trials times members: what takes the time. At most MOST_TRIALS of one size. */
const TRIALS_TIMES_MEMBERS = 100_000;
const MOST_TRIALS = 1000;
const LOAD_PERIODS = 100;
const ROUNDS = 1000;
/** SWIM, §5: a ping and an answer to somebody else's. */
const EXPECTED_MESSAGES = 2;

const MEMBERS = 128;
const VIRTUAL_MS = 120_000;
const CELLS: readonly Slowness[] = [4, 16, 32].flatMap((members) =>
  [8192, 16_384, 32_768].map((heldUpMs) => ({ kind: "blocked", members, heldUpMs, runMs: 64 }) as const),
);
const QUICK_CELLS: readonly Slowness[] = [{ kind: "blocked", members: 16, heldUpMs: 16_384, runMs: 64 }];
/** The whole process stops, and runs for less time than an answer takes. */
const STOPPED: Slowness = { kind: "stopped", members: 16, heldUpMs: 16_384, runMs: 1 };
const VARIANT_NAMES = Object.keys(VARIANTS) as VariantName[];
const STOPPED_VARIANTS: readonly VariantName[] = ["SWIM", "Lifeguard", "Lifeguard, allowances"];
const CRASH_VARIANTS: readonly VariantName[] = [
  "SWIM",
  "Lifeguard",
  "Lifeguard, allowances",
  "Lifeguard, alpha 4",
  "Lifeguard, alpha 2",
];
const CRASH_GROUPS = 12;
const CRASHES_PER_GROUP = 16;

/**
 * The experiments of the SWIM paper and of Lifeguard's, over the core in server/core/membership/swim. In virtual time and from a seed: every run prints the same.
 */
export async function run(options: BenchOptions): Promise<BenchReport> {
  const figures = [...groups(options), ...slowMembers(options), ...realFailures(options)];
  return { bench: "swim", machine: machine(), figures };
}

function groups({ say, quick }: BenchOptions): readonly Figure[] {
  const figures: Figure[] = [];
  const spreads: (readonly [number, number])[] = [];
  for (const size of quick ? QUICK_SIZES : SIZES) {
    const trials = Math.floor(Math.min(MOST_TRIALS, TRIALS_TIMES_MEMBERS / size) * (quick ? 0.2 : 1));
    say(`swim: ${size} members, ${trials} crashes`);
    const group = quietGroup({ size, seed: SEED });
    const load = memberLoad(group, LOAD_PERIODS);
    const { firstPing, firstSuspicion, spread } = crashes(group, trials);
    const gaps = probeGaps(size, ROUNDS, SEED);
    spreads.push([Math.log(size), mean(spread.periods)]);
    const row = (what: string, unit: string, value: number, peer?: readonly [name: string, value: number]) =>
      figures.push(figure(`${size} members: ${what}`, unit, value, peer));
    row("first ping in vain, mean", "periods", mean(firstPing), ["paper", Math.E / (Math.E - 1)]);
    row("first ping in vain, 95 % interval, half", "periods", confidence95(firstPing));
    row("expected, random targets", "periods", expectedFirstPing(size, "random"));
    row("expected, round robin", "periods", expectedFirstPing(size, "roundRobin"));
    row("first ping in vain, longest", "periods", Math.max(...firstPing));
    row("first suspicion, mean", "periods", mean(firstSuspicion));
    row("between two probes of one member by another, longest", "periods", gaps.longest, ["bound", longestGap(size)]);
    row("sent", "messages/member/period", load.sent, ["expected", EXPECTED_MESSAGES]);
    row("sent, deviation", "messages/member/period", load.sentDeviation);
    row("received", "messages/member/period", load.received, ["expected", EXPECTED_MESSAGES]);
    row("received, deviation", "messages/member/period", load.receivedDeviation);
    row("until the last knows, mean", "periods", mean(spread.periods), ["ln n", Math.log(size)]);
    row("until the last knows, 95 % interval, half", "periods", confidence95(spread.periods));
    row("until the last knows, p99", "periods", percentile(spread.periods, 0.99));
    row("came to know", "%", spread.reached * 100);
    row("were told", "%", spread.told * 100);
  }
  const { slope, intercept, r2 } = fittedLine(spreads);
  return [
    ...figures,
    figure("until the last knows, for each e-fold of members", "periods", slope),
    figure("until the last knows, fitted at one member", "periods", intercept),
    figure("until the last knows, explained by log n", "%", r2 * 100),
  ];
}

function slowMembers({ say, quick }: BenchOptions): readonly Figure[] {
  const figures: Figure[] = [];
  const totals = new Map<VariantName, Alarms[]>();
  for (const slowness of quick ? QUICK_CELLS : CELLS)
    for (const name of VARIANT_NAMES) {
      const measured = alarmsOf(slowness, name, say);
      totals.set(name, [...(totals.get(name) ?? []), measured]);
      figures.push(...alarmFigures(slowness, name, measured));
    }
  const sums = (name: VariantName) => {
    const all = totals.get(name) as Alarms[];
    const [wrong, atHealthy] = [all.map((one) => one.falsePositives), all.map((one) => one.atHealthy)];
    return { wrong: mean(wrong) * wrong.length, atHealthy: mean(atHealthy) * atHealthy.length, all };
  };
  const swim = sums("SWIM");
  for (const name of VARIANT_NAMES) {
    const { wrong, atHealthy, all } = sums(name);
    figures.push(
      figure(`all of them, ${name}: held failed wrongly`, "", wrong),
      figure(`all of them, ${name}: held failed wrongly, of SWIM's`, "%", (100 * wrong) / swim.wrong),
      figure(`all of them, ${name}: of those at healthy members`, "", atHealthy),
      figure(`all of them, ${name}: at healthy members, of SWIM's`, "%", (100 * atHealthy) / swim.atHealthy),
      figure(`all of them, ${name}: sent`, "messages/member/s", mean(all.map(({ messages }) => messages))),
    );
  }
  if (!quick)
    for (const name of STOPPED_VARIANTS) figures.push(...alarmFigures(STOPPED, name, alarmsOf(STOPPED, name, say)));
  return figures;
}

function alarmsOf(slowness: Slowness, name: VariantName, say: BenchOptions["say"]): Alarms {
  say(`swim: ${cellName(slowness)}, ${name}`);
  return alarms({ size: MEMBERS, slowness, variant: VARIANTS[name], virtualMs: VIRTUAL_MS, seed: SEED });
}

function alarmFigures(slowness: Slowness, name: VariantName, measured: Alarms): readonly Figure[] {
  const cell = `${cellName(slowness)}, ${name}`;
  return [
    figure(`${cell}: held failed wrongly`, "", measured.falsePositives),
    figure(`${cell}: of those at healthy members`, "", measured.atHealthy),
  ];
}

function cellName({ kind, members, heldUpMs, runMs }: Slowness): string {
  return `${members} of ${MEMBERS} ${kind} for ${heldUpMs} ms every ${heldUpMs + runMs}`;
}

function realFailures({ say, quick }: BenchOptions): readonly Figure[] {
  return CRASH_VARIANTS.flatMap((name) => {
    say(`swim: crashes among ${MEMBERS}, ${name}`);
    const { firstMs, lastMs } = latencies({
      size: MEMBERS,
      variant: VARIANTS[name],
      groups: quick ? 2 : CRASH_GROUPS,
      crashesPerGroup: CRASHES_PER_GROUP,
      seed: SEED,
    });
    const row = (who: string, what: string, ms: number) =>
      figure(`a crash, ${name}: ${who} holds it failed, ${what}`, "s", ms / 1000);
    return [
      row("the first", "median", percentile(firstMs, 0.5)),
      row("the first", "p99", percentile(firstMs, 0.99)),
      row("the first", "maximum", Math.max(...firstMs)),
      row("the last", "median", percentile(lastMs, 0.5)),
      row("the last", "p99", percentile(lastMs, 0.99)),
      row("the last", "maximum", Math.max(...lastMs)),
    ];
  });
}

function figure(name: string, unit: string, value: number, peer?: readonly [name: string, value: number]): Figure {
  return {
    name,
    value,
    unit,
    ...(peer !== undefined && { peer: peer[0], peerValue: peer[1] }),
    goal: "",
    met: true,
  };
}
