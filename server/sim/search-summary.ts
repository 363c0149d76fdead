import type { ConsensusKind } from "../contract/consensus.ts";
import type { SeedReport } from "../contract/coordinator.ts";
import type { BrokenSeed, ExpectationTally, SearchSummary } from "../contract/simulation.ts";
import { addCoverage } from "./coverage.ts";

/** Seeds that are named one by one. */
const NAMED = 100;

/** The lowest few of many numbers that come in any order. */
class Lowest<T> {
  readonly #of: (item: T) => number;
  #kept: T[] = [];
  count = 0;

  constructor(of: (item: T) => number) {
    this.#of = of;
  }

  add(item: T): void {
    this.count++;
    this.#kept.push(item);
    if (this.#kept.length >= 2 * NAMED) this.#kept = [...this.sorted];
  }

  get sorted(): readonly T[] {
    return this.#kept.toSorted((a, b) => this.#of(a) - this.#of(b)).slice(0, NAMED);
  }
}

interface Tally {
  held: number;
  readonly broken: Lowest<number>;
  readonly open: Lowest<number>;
}

/** Takes reports in any order, keeps little of each, and comes to the same in every order. */
export class SearchTotals {
  readonly #consensus: ConsensusKind;
  #seeds = 0;
  #delivered = 0;
  #virtualMs = 0;
  #operations = 0;
  #elections = 0;
  readonly #broken = new Lowest<BrokenSeed>(({ seed }) => seed);
  readonly #expectations = new Map<string, Tally>();
  readonly #faults = new Map<string, number>();
  readonly #transitions = new Map<string, number>();

  constructor(consensus: ConsensusKind) {
    this.#consensus = consensus;
  }

  add(report: SeedReport): void {
    this.#seeds++;
    this.#delivered += report.delivered;
    this.#virtualMs += report.virtualMs;
    this.#operations += report.operations;
    this.#elections += report.elections;
    if (report.violation) this.#broken.add({ seed: report.seed, ...report.violation });
    for (const { name, held } of report.expectations) {
      let tally = this.#expectations.get(name);
      if (!tally) {
        tally = { held: 0, broken: new Lowest((seed) => seed), open: new Lowest((seed) => seed) };
        this.#expectations.set(name, tally);
      }
      if (held === true) tally.held++;
      else (held === false ? tally.broken : tally.open).add(report.seed);
    }
    addCoverage(this.#faults, report.coverage.faults);
    addCoverage(this.#transitions, report.coverage.transitions);
  }

  get seeds(): number {
    return this.#seeds;
  }

  get virtualMs(): number {
    return this.#virtualMs;
  }

  get broken(): number {
    return this.#broken.count;
  }

  get summary(): SearchSummary {
    return {
      consensus: this.#consensus,
      seeds: this.#seeds,
      delivered: this.#delivered,
      virtualMs: this.#virtualMs,
      operations: this.#operations,
      elections: this.#elections,
      brokenCount: this.#broken.count,
      broken: this.#broken.sorted,
      expectations: [...this.#expectations].toSorted(byKey).map(
        ([name, { held, broken, open }]): ExpectationTally => ({
          name,
          held,
          broken: broken.sorted,
          open: open.sorted,
          brokenCount: broken.count,
          openCount: open.count,
        }),
      ),
      coverage: { faults: byName(this.#faults), transitions: byName(this.#transitions) },
    };
  }
}

function byName(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].toSorted(byKey));
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
