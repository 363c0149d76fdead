/** npm run mutants -- [NAME ...] [--seeds 2000] [--jobs 2]: can the checkers fail? Exits 1 when a mutant lives, or when the real thing, or a variant without its bug, does not. */
import { parseArgs } from "node:util";
import { hunt, huntAll } from "./hunt.ts";
import { type Hunt, type Mutant, variantOf } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "2000" },
    jobs: { type: "string", default: "2" },
    control: { type: "string", default: "200" },
    json: { type: "boolean", default: false },
  },
});
const unknown = positionals.filter((name) => !MUTANTS.some((mutant) => mutant.name === name));
const [seeds, jobs, control] = [Number(values.seeds), Number(values.jobs), Number(values.control)];
if (unknown.length > 0 || ![seeds, jobs, control].every((value) => Number.isInteger(value) && value > 0)) {
  process.stderr.write(
    `npm run mutants -- [NAME ...] [--seeds N] [--jobs N] [--control N]${unknown.length > 0 ? `; there is no ${unknown.join(", ")}` : ""}\nMutants: ${MUTANTS.map(({ name }) => name).join(", ")}\n`,
  );
  process.exit(2);
}
const chosen = positionals.length === 0 ? MUTANTS : MUTANTS.filter(({ name }) => positionals.includes(name));

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const row = ({ name }: Mutant, { caughtBy, seed, seeds: tried, ms }: Hunt): string =>
  `${name.padEnd(34)} ${(caughtBy ?? "NOT CAUGHT").padEnd(34)} ${String(seed ?? "-").padStart(6)} ${String(tried).padStart(6)} ${(ms / 1000).toFixed(1).padStart(7)}`;

if (!values.json)
  print(
    `${"bug".padEnd(34)} ${"caught by".padEnd(34)} ${"seed".padStart(6)} ${"needed".padStart(6)} ${"s".padStart(7)}`,
  );
// The same checkers say nothing of the real thing, nor of what bugs are put into: what catches everything catches nothing.
const controls: Hunt[] = [];
for (const innocent of [{ name: "(none: the real thing)", bug: "", patches: [] }, ...chosen.map(variantOf)]) {
  if (innocent === undefined) continue;
  const found = await hunt(innocent, control);
  controls.push(found);
  if (!values.json) print(row(innocent, found).replace("NOT CAUGHT", "nothing   "));
}
const hunts = await huntAll(chosen, seeds, jobs, (found) => {
  if (!values.json) print(row(chosen.find(({ name }) => name === found.mutant) as Mutant, found));
});
const alive = hunts.filter(({ caughtBy }) => caughtBy === null);
if (values.json) print(JSON.stringify({ controls, mutants: hunts }));
else print(`${hunts.length} mutants, ${hunts.length - alive.length} caught within ${seeds} seeds, ${alive.length} not`);
process.exitCode = alive.length === 0 && controls.every(({ caughtBy }) => caughtBy === null) ? 0 : 1;
