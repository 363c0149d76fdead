// What the scripts in this folder say to a person: one line a step, with the time it took.

const startedAt = performance.now();

/** A step's line: what is going on, after how many seconds. Not on standard output, which is for results. */
export function say(sentence) {
  process.stderr.write(`[${seconds(performance.now() - startedAt).padStart(6)}] ${sentence}\n`);
}

/** Milliseconds as seconds with one decimal: 1234 becomes "1.2s". */
export function seconds(elapsedMs) {
  return `${(elapsedMs / 1000).toFixed(1)}s`;
}

/** An error whose message is a whole sentence for a person; its stack is of no use to them. */
export class Refusal extends Error {}

/** Runs a script's main function. A `Refusal` ends it with its sentence, anything else with its stack; both exit 1. */
export async function runMain(main) {
  try {
    process.exitCode = (await main(process.argv.slice(2))) ?? 0;
  } catch (error) {
    process.stderr.write(`\n${error instanceof Refusal ? error.message : (error?.stack ?? error)}\n`);
    process.exitCode = 1;
  }
}
