/** What clients asked of the memory and were told: taken from a running swarm, from a seed, and judged from a file. docs/history.md. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import type { HistoryLine } from "../../contract/history.ts";
import type { ReachedCoordinator } from "../../coordinator/control-client.ts";
import { judgeMemory, type KeyVerdict, unexplainedLines } from "../../sim/checkers/memory-verdict.ts";
import { historyLines } from "../../sim/histories/lines.ts";
import { HISTORY_LIMIT_BYTES, HistoryProblem, readHistory } from "../../sim/histories/read.ts";
import type { MemoryOperation } from "../../sim/history.ts";
import { simulate } from "../../sim/simulate.ts";
import { type Arguments, integerFlag, UsageError } from "./arguments.ts";
import { diagnosticText, readMeshFile } from "./check.ts";
import type { Output } from "./output.ts";
import { reachSwarm } from "./reach.ts";

/** `agent-mesh history`. @returns the exit code */
export async function historyCommand({ words, flags }: Arguments, output: Output): Promise<number> {
  const [swarm, ...more] = words;
  if (more.length > 0) throw new UsageError("history takes one swarm, or --simulate FILE --seed N.");
  if (flags.simulate !== undefined) {
    if (swarm !== undefined) throw new UsageError("history takes a swarm or --simulate, not both.");
    return simulatedHistory(
      flags.simulate,
      integerFlag(flags.seed, "seed", 0, Number.MAX_SAFE_INTEGER) ?? 1,
      flags.out,
      output,
    );
  }
  if (flags.seed !== undefined) throw new UsageError("--seed is for history --simulate FILE.");
  const reached = await reachSwarm(swarm === undefined ? flags : { ...flags, swarm }, output);
  try {
    tell(await swarmHistory(reached.coordinator, reached.swarm.id), flags.out, output);
    return 0;
  } finally {
    await reached.coordinator.close();
  }
}

/** All pages. @throws Refusal when no workload runs there */
export async function swarmHistory(
  coordinator: Pick<ReachedCoordinator, "handle">,
  swarm: string,
): Promise<readonly HistoryLine[]> {
  const lines: HistoryLine[] = [];
  for (;;) {
    const page = await coordinator.handle("history", { swarm, from: lines.length });
    lines.push(...page.lines);
    if (page.lines.length === 0 || lines.length >= page.total) return lines;
  }
}

export function writeHistory(path: string, lines: readonly HistoryLine[]): void {
  writeFileSync(path, textOf(lines));
}

function simulatedHistory(file: string, seed: number, out: string | undefined, output: Output): number {
  const { mesh, diagnostics } = readMeshFile(file);
  for (const found of diagnostics) output.problem(diagnosticText(file, found));
  if (!mesh) return 2;
  const operations: MemoryOperation[] = [];
  const { violation } = simulate(mesh, seed, { onOperation: (operation) => operations.push(operation) });
  if (violation !== null) output.note(`Seed ${seed} breaks ${violation.invariant}: ${violation.detail}`);
  tell(historyLines(operations), out, output);
  return 0;
}

function tell(lines: readonly HistoryLine[], out: string | undefined, output: Output): void {
  if (out === undefined) {
    process.stdout.write(textOf(lines));
    return;
  }
  writeHistory(out, lines);
  output.answer({ file: out, lines: lines.length }, () => `${lines.length} lines written to ${out}`);
}

function textOf(lines: readonly HistoryLine[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join("");
}

/** `agent-mesh check-history FILE`. @returns 0 when it is linearizable; 1 when it is not, or not decided; 2 when it is no history */
export function checkHistory(file: string, output: Output): number {
  let history: ReturnType<typeof readHistory>;
  try {
    if (statSync(file).size > HISTORY_LIMIT_BYTES)
      throw new UsageError(
        `${file} is larger than ${HISTORY_LIMIT_BYTES / 1024 / 1024} MiB, the most a history may have.`,
      );
    history = readHistory(readFileSync(file, "utf8"));
  } catch (error) {
    if (error instanceof HistoryProblem) throw new UsageError(`${file}:${error.line}: ${error.message}`);
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}.`);
  }
  const began = performance.now();
  const keys = judgeMemory(history.operations);
  const { operations, processes, unknown, skipped } = history;
  const ms = Math.round(performance.now() - began);
  const all = keys.every(({ type }) => type === "linearizable");
  const linearizable = all ? true : keys.some(({ type }) => type === "broken") ? false : null;
  output.answer(
    { linearizable, operations: operations.length, processes, unknown, skipped, keys: keys.map(keyAnswer), ms },
    () => {
      const what = `${operations.length} operations of ${processes} processes on ${keys.length} ${keys.length === 1 ? "key" : "keys"}, ${unknown} of unknown outcome`;
      const verdict = linearizable === null ? "Not decided" : linearizable ? "Linearizable" : "NOT linearizable";
      return [`${verdict}: ${what} (${ms} ms)`, ...keys.flatMap(keyLines)].join("\n");
    },
  );
  return all ? 0 : 1;
}

function keyAnswer(verdict: KeyVerdict): object {
  if (verdict.type !== "broken") return verdict;
  const { key, type, operations, unexplained } = verdict;
  return { type, key, operations, reason: unexplained.reason, around: unexplainedLines(unexplained).slice(1) };
}

function keyLines(verdict: KeyVerdict): string[] {
  const name = verdict.key === "" ? "" : `key ${verdict.key}: `;
  if (verdict.type === "undecided") return ["", `${name}${verdict.detail}`];
  if (verdict.type === "linearizable") return [];
  const [reason, ...around] = unexplainedLines(verdict.unexplained);
  return ["", `${name}${reason}`, ...around.map((line) => `  ${line}`)];
}
