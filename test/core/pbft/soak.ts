/** npm run soak -- FROM..TO: PBFT's core among liars, crashes and a bad network, seed by seed (chaos.ts). Exits with 1 when a seed breaks a promise. */
import { chaos, wronglyAccused } from "./chaos.ts";

const [, from = "1", to = from] = /^(?:(\d+)\.\.)?(\d+)$/.exec(process.argv[2] ?? "") ?? [];
if (process.argv[2] === undefined || Number(from) > Number(to)) {
  process.stderr.write("npm run soak -- FROM..TO, whole numbers\n");
  process.exit(2);
}

/** Seeds after which it says on standard error how far it is. */
const TOLD_EVERY = 1000;

const began = performance.now();
let broken = 0;
let lying = 0;
let executed = 0;
let views = 0;
for (let seed = Number(from); seed <= Number(to); seed++) {
  const tried = seed - Number(from);
  if (tried > 0 && tried % TOLD_EVERY === 0) process.stderr.write(`${tried} seeds, ${broken} broken\n`);
  // Most swarms are small: there a quorum is closest to breaking.
  const replicas = seed % 50 === 0 ? 10 : 4 + (seed % 4);
  const problems: string[] = [];
  try {
    const end = chaos({ seed: `soak ${seed}`, replicas });
    problems.push(...end.unfinished, ...wronglyAccused(end));
    lying += end.lying.size;
    executed += end.cluster.checkers.executedIndex;
    views += end.cluster.observations.filter(({ observation }) => observation.type === "viewEntered").length;
  } catch (error) {
    problems.push((error as Error).message);
  }
  if (problems.length === 0) continue;
  broken++;
  process.stdout.write(`seed ${seed}, ${replicas} replicas: ${problems.join("; ")}\n`);
}
const seconds = (performance.now() - began) / 1000;
const seeds = Number(to) - Number(from) + 1;
process.stdout.write(
  `${seeds} seeds, ${broken} broken; ${lying} liars, ${executed} commands executed, ${views} views entered; ${(seeds / seconds).toFixed(1)} seeds/s\n`,
);
process.exitCode = broken === 0 ? 0 : 1;
