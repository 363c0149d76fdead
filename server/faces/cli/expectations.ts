/** What is expected and what came of it, as lines for people. */
import type { ExpectationResult } from "../../contract/expect.ts";
import type { ExpectationTally } from "../../contract/simulation.ts";

export function expectationText({ name, held, measured, bound, detail }: ExpectationResult): string {
  const verdict = held === null ? "not known" : held ? "holds" : "BROKEN";
  const numbers = [measured, bound === "" ? "" : `expected ${bound}`].filter((part) => part !== "").join("; ");
  return [
    `  ${verdict.padEnd(9)}  ${name}`,
    numbers === "" ? "" : ` (${numbers})`,
    detail === "" ? "" : `: ${detail}`,
  ].join("");
}

/** One line each for what did not hold, or was not decided, in all of the seeds. */
export function tallyLines(tallies: readonly ExpectationTally[], seeds: number): string[] {
  return tallies.flatMap(({ name, held, broken, brokenCount, open, openCount }) => {
    if (brokenCount === 0 && openCount === 0) return [];
    const parts = [`holds in ${held} of ${seeds} seeds`];
    if (brokenCount > 0) parts.push(`broken in ${shown(broken, brokenCount)}`);
    if (openCount > 0) parts.push(`not decided in ${shown(open, openCount)}`);
    return [`  ${name}: ${parts.join(", ")}`];
  });
}

function shown(seeds: readonly number[], count: number): string {
  return count > 10 ? `${seeds.slice(0, 10).join(", ")} and ${count - 10} more` : seeds.join(", ");
}
