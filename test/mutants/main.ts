/**
 * npm run mutants -- [NAME ...] [--core raft|pbft|gossip] [--seeds 2000] [--jobs 2]: can the checkers fail? Exits 1 when a mutant lives, or when the real thing, or a variant without its bug, does not.
 */
import { parseArgs } from "node:util";
import { hunt, huntAll } from "./hunt.ts";
import { coreOf, type Hunt, type Mutant, variantOf } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    core: { type: "string" },
    seeds: { type: "string", default: "2000" },
    jobs: { type: "string", default: "2" },
    control: { type: "string", default: "200" },
    json: { type: "boolean", default: false },
  },
});
const CORES = ["raft", "pbft", "gossip"] as const;
const cores = CORES.filter((core) => values.core === undefined || values.core === core);
const unknown = positionals.filter((name) => !MUTANTS.some((mutant) => mutant.name === name));
const [seeds, jobs, control] = [Number(values.seeds), Number(values.jobs), Number(values.control)];
if (
  cores.length === 0 ||
  unknown.length > 0 ||
  ![seeds, jobs, control].every((value) => Number.isInteger(value) && value > 0)
) {
  process.stderr.write(
    `npm run mutants -- [NAME ...] [--core ${CORES.join("|")}] [--seeds N] [--jobs N] [--control N]${unknown.length > 0 ? `; there is no ${unknown.join(", ")}` : ""}\nMutants: ${MUTANTS.map(({ name }) => name).join(", ")}\n`,
  );
  process.exit(2);
}

const print = (text: string): void => void (values.json || process.stdout.write(`${text}\n`));
const row = ({ name }: Mutant, { caughtBy, seed, seeds: tried, ms }: Hunt): string =>
  `${name.padEnd(42)} ${(caughtBy ?? "NOT CAUGHT").padEnd(34)} ${String(seed ?? "-").padStart(6)} ${String(tried).padStart(6)} ${(ms / 1000).toFixed(1).padStart(7)}`;

const controls: Hunt[] = [];
const hunts: Hunt[] = [];
for (const core of cores) {
  const chosen = MUTANTS.filter((mutant) => {
    return coreOf(mutant) === core && (positionals.length === 0 || positionals.includes(mutant.name));
  });
  if (chosen.length === 0) continue;
  print(
    `${`bug (${core})`.padEnd(42)} ${"caught by".padEnd(34)} ${"seed".padStart(6)} ${"needed".padStart(6)} ${"s".padStart(7)}`,
  );
  // The same checkers say nothing of the real thing, nor of what bugs are put into: what catches everything catches nothing.
  for (const innocent of [{ name: "(none: the real thing)", bug: "", core, patches: [] }, ...chosen.map(variantOf)]) {
    if (innocent === undefined) continue;
    const found = await hunt(innocent, control);
    controls.push(found);
    print(row(innocent, found).replace("NOT CAUGHT", "nothing   "));
  }
  const found = await huntAll(chosen, seeds, jobs, (one) => {
    print(row(chosen.find(({ name }) => name === one.mutant) as Mutant, one));
  });
  hunts.push(...found);
}
const alive = hunts.filter(({ caughtBy }) => caughtBy === null);
if (values.json) process.stdout.write(`${JSON.stringify({ controls, mutants: hunts })}\n`);
print(`${hunts.length} mutants, ${hunts.length - alive.length} caught within ${seeds} seeds, ${alive.length} not`);
process.exitCode = alive.length === 0 && controls.every(({ caughtBy }) => caughtBy === null) ? 0 : 1;
