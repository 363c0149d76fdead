/** What is expected and what came of it, as lines for people. */
import type { SeedReport } from "../../contract/coordinator.ts";
import type { ExpectationResult } from "../../contract/expect.ts";

export function expectationText({ name, held, measured, bound, detail }: ExpectationResult): string {
  const verdict = held === null ? "not known" : held ? "holds" : "BROKEN";
  const numbers = [measured, bound === "" ? "" : `expected ${bound}`].filter((part) => part !== "").join("; ");
  return [
    `  ${verdict.padEnd(9)}  ${name}`,
    numbers === "" ? "" : ` (${numbers})`,
    detail === "" ? "" : `: ${detail}`,
  ].join("");
}

/** Over all seeds, one line each for what did not hold, or was not decided, in all of them. */
export function expectationsSummary(reports: readonly SeedReport[]): string[] {
  const names = new Set(reports.flatMap(({ expectations }) => expectations.map(({ name }) => name)));
  const lines: string[] = [];
  for (const name of names) {
    const seeds = (held: boolean | null): number[] =>
      reports.flatMap((report) =>
        report.expectations.some((one) => one.name === name && one.held === held) ? [report.seed] : [],
      );
    const broken = seeds(false);
    const open = seeds(null);
    if (broken.length === 0 && open.length === 0) continue;
    const parts = [`holds in ${seeds(true).length} of ${reports.length} seeds`];
    if (broken.length > 0) parts.push(`broken in ${shown(broken)}`);
    if (open.length > 0) parts.push(`not decided in ${shown(open)}`);
    lines.push(`  ${name}: ${parts.join(", ")}`);
  }
  return lines;
}

function shown(seeds: readonly number[]): string {
  return seeds.length > 10 ? `${seeds.slice(0, 10).join(", ")} and ${seeds.length - 10} more` : seeds.join(", ");
}
