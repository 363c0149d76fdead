import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { readArguments, refuseIdle, UsageError } from "./arguments.ts";
import { check } from "./check.ts";
import { exportCommand } from "./export.ts";
import { helpOf } from "./help.ts";
import { checkHistory, historyCommand } from "./history.ts";
import { optimiseFile } from "./optimise.ts";
import { Output } from "./output.ts";
import { replayCommand } from "./replay.ts";
import { isRunningCommand, runCommand } from "./running.ts";
import { secretCommand } from "./secret.ts";
import { simulateCommand } from "./simulate.ts";
import { up } from "./up.ts";
import { verifyCommand } from "./verify.ts";

/** @returns the exit code: 0 done; 1 refused, failed or a promise broken; 2 what was asked for makes no sense. */
async function main(argv: readonly string[]): Promise<number> {
  const own = argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv;
  const output = new Output(own.includes("--json"));
  try {
    const given = readArguments(argv);
    const { command, words, flags } = given;
    if (flags.version) {
      output.answer({ version: version() }, version);
      return 0;
    }
    if (flags.help || command === "" || command === "help") {
      process.stdout.write(helpOf(command === "help" ? (words[0] ?? "") : command));
      return flags.help || command === "help" ? 0 : 2;
    }
    refuseIdle(given);
    if (command === "optimise" && words.length > 0) {
      if (words.length > 1) throw new UsageError("optimise takes one mesh file, or none for the running swarm.");
      return optimiseFile(words[0] as string, given, output);
    }
    if (isRunningCommand(command)) return await runCommand(given, output);
    if (command === "replay") return replayCommand(given, output);
    if (command === "verify") return verifyCommand(given, output);
    if (command === "secret") return secretCommand(given.flags, output);
    // All of an agent is in it, which other commands need not wait for.
    if (command === "join") return await (await import("./join.ts")).join(given, output);
    if (command === "export") return await exportCommand(given, output);
    const [file] = words;
    if (command === "history") return await historyCommand(given, output);
    if (command === "check-history") {
      if (file === undefined || words.length > 1)
        throw new UsageError("check-history takes one history: agent-mesh check-history FILE");
      return checkHistory(file, output);
    }
    if (command === "up" || command === "check" || command === "simulate") {
      if (file === undefined || words.length > 1)
        throw new UsageError(`${command} takes one mesh file: agent-mesh ${command} FILE`);
      if (command === "check") return check(file, output);
      return command === "up" ? await up(file, flags, output) : await simulateCommand(file, flags, output);
    }
    throw new UsageError(`there is no command "${command}". \`agent-mesh help\` lists them.`);
  } catch (error) {
    output.problem(error instanceof Error ? error.message : String(error));
    return error instanceof UsageError ? 2 : 1;
  }
}

/** The package's version, from the nearest package.json above the running script. */
function version(): string {
  for (let folder = dirname(realpathSync(process.argv[1] as string)); ; folder = dirname(folder)) {
    const file = join(folder, "package.json");
    if (existsSync(file)) return String((JSON.parse(readFileSync(file, "utf8")) as { version: unknown }).version);
    if (dirname(folder) === folder) return "unknown";
  }
}

// Should everything come to rest before an answer was given, then none was.
process.exitCode = 1;
void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
