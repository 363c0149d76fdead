import { seededRandom } from "../server/core/random.ts";
import { broadcastMs, type ElectionRules, type TrialSettings, trial } from "./election-trial.ts";
import { type BenchOptions, type BenchReport, type Figure, machine, percentile } from "./report.ts";

/** The upper graph, then the lower one; the last of both is the same. */
const RANGES = [
  [150, 150],
  [150, 151],
  [150, 155],
  [150, 175],
  [150, 200],
  [150, 300],
  [12, 24],
  [25, 50],
  [50, 100],
  [100, 200],
] as const;

/** What the paper's §9.3 says in words; its curves are not read off. */
const PAPER: Readonly<Record<string, Readonly<Partial<Record<keyof Elections, number>>>>> = {
  "150-155": { medianMs: 287 },
  "150-200": { maxMs: 513 },
  "12-24": { meanMs: 35, maxMs: 152 },
};

const TRIALS = 1000;
/** Without randomness the paper has 100 only, as each takes so long. */
const TRIALS_WITHOUT_RANDOMNESS = 100;
const QUICK_SHARE = 0.1;
const PATIENCE_MS = 60_000;
/** "Consistently longer than 10 seconds" (§9.3). */
const LONG_MS = 10_000;

export interface Elections {
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Infinity when one did not end. */
  readonly meanMs: number;
  /** Share of trials longer than 10 s. */
  readonly longShare: number;
  /** Share of trials with a term that nobody won. */
  readonly lostTermShare: number;
}

/** So many trials of one range; the same seed, the same figures. */
export function elections(settings: TrialSettings, trials: number, seed: number): Elections {
  const { timeoutMinMs, timeoutMaxMs, rules } = settings;
  const random = seededRandom(`election/${seed}/${timeoutMinMs}-${timeoutMaxMs}/${rules}`);
  const all = Array.from({ length: trials }, (_, at) => trial(settings, random.fork(String(at))));
  const downtimes = all.map(({ downtimeMs }) => downtimeMs);
  return {
    medianMs: percentile(downtimes, 0.5),
    p99Ms: percentile(downtimes, 0.99),
    maxMs: Math.max(...downtimes),
    meanMs: downtimes.reduce((sum, ms) => sum + ms, 0) / trials,
    longShare: downtimes.filter((ms) => ms > LONG_MS).length / trials,
    lostTermShare: all.filter(({ lostTerms }) => lostTerms > 0).length / trials,
  };
}

/** The mean broadcast time of the surroundings, ms. */
export function meanBroadcastMs(samples: number, seed: number): number {
  const random = seededRandom(`broadcast/${seed}`);
  let sum = 0;
  for (let sample = 0; sample < samples; sample++) sum += broadcastMs(random);
  return sum / samples;
}

/**
 * Figure 16 of the Raft paper: how long a crashed leader is missed, over ranges of election timeouts. In virtual time and from a seed: every run prints the same.
 */
export async function run({ say, quick }: BenchOptions): Promise<BenchReport> {
  const figures: Figure[] = [
    {
      name: "broadcast time",
      value: meanBroadcastMs(10_000, 1),
      unit: "ms",
      peer: "paper",
      peerValue: 15,
      ...AS_IT_IS,
    },
  ];
  for (const rules of ["paper", "voteFirst", "core"] as const satisfies readonly ElectionRules[])
    for (const [timeoutMinMs, timeoutMaxMs] of RANGES) {
      const name = `${timeoutMinMs}-${timeoutMaxMs}`;
      say(`election: ${name} ms, ${RULES[rules]}`);
      const trials = timeoutMinMs === timeoutMaxMs ? TRIALS_WITHOUT_RANDOMNESS : TRIALS;
      const settings = { timeoutMinMs, timeoutMaxMs, rules, patienceMs: PATIENCE_MS };
      figures.push(...figuresOf(name, rules, elections(settings, quick ? trials * QUICK_SHARE : trials, 1)));
    }
  return { bench: "election", machine: machine(), figures };
}

const AS_IT_IS = { goal: "", met: true } as const;
const RULES: Readonly<Record<ElectionRules, string>> = {
  paper: "the paper's rules",
  voteFirst: "the paper's rules, own vote durable first",
  core: "the core's rules",
};

function figuresOf(range: string, rules: ElectionRules, measured: Elections): readonly Figure[] {
  const row = (what: string, key: keyof Elections, unit: string, factor = 1): Figure => {
    const name = `${range}, ${RULES[rules]}: ${what}`;
    const said = PAPER[range]?.[key];
    const value = measured[key] * factor;
    return { name, value, unit, ...(said !== undefined && { peer: "paper", peerValue: said }), ...AS_IT_IS };
  };
  return [
    row("median", "medianMs", "ms"),
    row("p99", "p99Ms", "ms"),
    row("maximum", "maxMs", "ms"),
    row("mean", "meanMs", "ms"),
    row("longer than 10 s", "longShare", "%", 100),
    row("with a term nobody won", "lostTermShare", "%", 100),
  ];
}
