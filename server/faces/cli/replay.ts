import { resolve } from "node:path";
import { type RecordingsFound, readRecordings } from "../../live/recordings/read.ts";
import { replayAgent } from "../../live/recordings/replay.ts";
import { type RecordedState, recordedState } from "../../live/recordings/state.ts";
import { stateText } from "../../live/recordings/state-text.ts";
import { type Arguments, UsageError } from "./arguments.ts";
import type { Output } from "./output.ts";

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `agent-mesh replay RECORDING [--agent A] [--at TIME]`: what agents were at a moment. @returns the exit code. @throws UsageError; RecordingProblem; ReplayDiverged */
export function replayCommand({ words, flags }: Arguments, output: Output): number {
  const found = readRecordings(recordingOf("replay", words));
  for (const note of found.notes) output.note(note);
  const untilMs = momentOf(flags.at, found.startMs);
  const agents = agentsOf(found, flags.agent);
  const states: RecordedState[] = [];
  for (const agent of agents) {
    const replayed = replayAgent(found, agent, untilMs === undefined ? {} : { untilMs });
    if (replayed !== undefined) states.push(recordedState(replayed, found.startMs));
    else output.note(`${agent} had not been recorded by then.`);
  }
  if (states.length === 0) throw new UsageError(`Nothing was recorded by then. ${extent(found)}`);
  output.answer({ startMs: found.startMs, agents: states }, () => states.map(stateText).join("\n\n"));
  return 0;
}

/** @throws UsageError */
export function recordingOf(command: string, words: readonly string[]): string {
  const [path] = words;
  if (path === undefined || words.length > 1)
    throw new UsageError(
      `${command} takes one recording, a folder or a file: agent-mesh ${command} .agent-mesh/recordings/ID`,
    );
  return resolve(path);
}

function agentsOf(found: RecordingsFound, wanted: string | undefined): string[] {
  const agents = [...new Set(found.stretches.map(({ agent }) => agent))];
  if (wanted === undefined) return agents;
  if (!agents.includes(wanted))
    throw new UsageError(`There is no agent ${wanted} in this recording; it has ${agents.join(", ")}.`);
  return [wanted];
}

/** "12.4s" after the recording's start, or a date and time. @throws UsageError */
function momentOf(at: string | undefined, startMs: number): number | undefined {
  if (at === undefined) return undefined;
  const since = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(at);
  // Inputs lie microseconds apart: unlike elsewhere, a fraction of a ms counts.
  if (since !== null) return startMs + Number(since[1]) * (UNITS_MS[since[2] as string] as number);
  const date = /^\d{4}-\d{2}-\d{2}T/.test(at) ? Date.parse(at) : Number.NaN;
  if (Number.isFinite(date)) return date;
  throw new UsageError(
    `--at takes a time since the recording's start, such as 12.4s, or a moment, such as ${new Date(startMs).toISOString()}; not "${at}".`,
  );
}

function extent({ startMs, stretches }: RecordingsFound): string {
  const agents = new Set(stretches.map(({ agent }) => agent)).size;
  return `The recording of ${agents} agents begins at ${new Date(startMs).toISOString()}.`;
}
