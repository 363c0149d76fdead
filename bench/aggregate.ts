import { PRECISION } from "../server/core/aggregation/limits.ts";
import { seededRandom } from "../server/core/random.ts";
import { AggregationGroup, ROUND_MS } from "./aggregation-group.ts";
import { againstPeer, alone, type BenchOptions, type BenchReport, type Figure, machine, percentile } from "./report.ts";

/** How many agents, and how many runs, of a quick one and of one to quote. */
const SIZES = [
  { size: 10, runs: 200, quickRuns: 20 },
  { size: 100, runs: 30, quickRuns: 3 },
  { size: 1000, runs: 2, quickRuns: 1 },
] as const;
const LOSSES = [0, 0.1];
/** Of the theory: with this probability somebody may be further off. */
const DELTA = 0.01;
const MAX_DIFFUSION_ROUNDS = 200;

interface Run {
  /** Until every agent's sum / weight is within PRECISION of the mean, or it knows the answer. */
  readonly diffused: number;
  /** Until each agent knew the answer with its error. */
  readonly known: readonly number[];
  readonly outside: number;
  readonly notConverged: number;
  readonly messages: number;
  readonly bytes: number;
}

/**
 * Rounds of push-sum with values drawn evenly from 0 to 100, agents being nothing else: until every estimate is within 0.1 % of the truth, beside what the paper's Lemma 3.2 gives (the expected potential, at
 * most n - 1 at first, is at least halved in a round, which makes log2 n + 2 log2 1/ε + log2 1/δ; its network loses nothing), and until every agent knows an answer with so narrow an error.
 */
export async function run({ say, quick }: BenchOptions): Promise<BenchReport> {
  const figures: Figure[] = [];
  for (const { size, runs, quickRuns } of SIZES)
    for (const loss of LOSSES) {
      const measured: Run[] = [];
      for (let seed = 0; seed < (quick ? quickRuns : runs); seed++) measured.push(measure(size, loss, String(seed)));
      const where = `${size} agents${loss === 0 ? "" : `, ${loss * 100} % lost`}`;
      say(`${where}: ${measured.length} runs`);
      figures.push(...figuresOf(where, { size, lossless: loss === 0 }, measured));
    }
  return { bench: "aggregate", machine: machine(), figures };
}

function measure(size: number, loss: number, seed: string): Run {
  const random = seededRandom(`bench ${size} ${seed}`);
  const values = Array.from({ length: size }, () => random.float() * 100);
  const truth = values.reduce((sum, one) => sum + one, 0) / size;
  const group = new AggregationGroup({
    size,
    seed,
    loss,
    value: (place) => values[place] as number,
    encoded: true,
  });
  group.begin();
  let diffused = 0;
  const isClose = (): boolean =>
    group.parts.every(({ part }) => {
      // Who knows the answer has stopped gossiping.
      if (part?.ended) return true;
      const ratio = part?.masses.ratio;
      return ratio !== undefined && Math.abs(ratio - truth) <= PRECISION * truth;
    });
  while (diffused < MAX_DIFFUSION_ROUNDS && !isClose()) {
    group.run(ROUND_MS);
    diffused++;
  }
  group.runToEnd();
  const results = group.ended.map(({ result }) => result);
  return {
    diffused,
    known: results.map(({ rounds }) => rounds),
    outside: results.filter(({ mean, error }) => mean === null || error === null || Math.abs(mean - truth) > error)
      .length,
    notConverged: results.filter(({ converged, contributors }) => !converged || contributors.length < size).length,
    messages: group.messages,
    bytes: group.bytes,
  };
}

function figuresOf(
  where: string,
  { size, lossless }: { readonly size: number; readonly lossless: boolean },
  measured: readonly Run[],
): Figure[] {
  const sum = (of: (run: Run) => number): number => measured.reduce((total, one) => total + of(one), 0);
  const known = measured.flatMap((one) => one.known);
  const bound = Math.log2(size) + 2 * Math.log2(1 / PRECISION) + Math.log2(1 / DELTA);
  const diffused = percentile(
    measured.map((one) => one.diffused),
    1 - DELTA,
  );
  const spread = `${where}: rounds until all estimates are within 0.1 %, or the answer is known, p99 of runs`;
  const none = (name: string, value: number): Figure => ({ ...alone(name, "", value), goal: "none", met: value === 0 });
  return [
    lossless
      ? againstPeer(spread, diffused, "rounds", { name: "bound of the paper", value: bound }, "atMost")
      : alone(spread, "rounds", diffused),
    alone(`${where}: rounds until an agent knows the answer and its error, median`, "rounds", percentile(known, 0.5)),
    alone(`${where}: the same, the last agent of all runs`, "rounds", percentile(known, 1)),
    alone(`${where}: messages an agent`, "", sum(({ messages }) => messages) / measured.length / size),
    alone(`${where}: bytes a message`, "bytes", sum(({ bytes }) => bytes) / sum(({ messages }) => messages)),
    none(
      `${where}: answers further from the truth than they say, of ${known.length}`,
      sum(({ outside }) => outside),
    ),
    none(
      `${where}: answers that did not converge, or not with all`,
      sum(({ notConverged }) => notConverged),
    ),
  ];
}
