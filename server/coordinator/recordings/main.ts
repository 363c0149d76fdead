/** A thread of its own for recordings (dist/recordings.cjs): the coordinator goes on observing while one is recomputed. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { recordedEvents } from "../../live/recordings/events.ts";
import { writeExport } from "../../live/recordings/export/write.ts";
import { RecordingProblem, readRecordings } from "../../live/recordings/read.ts";
import { replayAgent } from "../../live/recordings/replay.ts";
import { recordedState } from "../../live/recordings/state.ts";
import { stateText } from "../../live/recordings/state-text.ts";
import type { RecordingMessage, RecordingResults, RecordingTask } from "./task.ts";

/** All of a recording is in memory while it is read. */
const MAX_BYTES = 1024 * 1024 * 1024;

carryOut(workerData as RecordingTask).then(
  (result) => tell({ type: "done", result }),
  (error: unknown) => tell({ type: "failed", message: error instanceof Error ? error.message : String(error) }),
);

async function carryOut(task: RecordingTask): Promise<RecordingResults[RecordingTask["type"]]> {
  tell({ type: "step", stage: "Reading", done: 0, total: 1 });
  refuseLarge(task.path);
  return task.type === "export" ? exported(task) : replayed(task);
}

async function exported({
  path,
  format,
  out,
}: Extract<RecordingTask, { type: "export" }>): Promise<RecordingResults["export"]> {
  const found = readRecordings(path);
  const total = found.stretches.length + 1;
  const recorded = recordedEvents(found, (done) => {
    tell({ type: "step", stage: `Recomputing ${found.stretches[done]?.agent}`, done, total });
  });
  tell({ type: "step", stage: "Writing", done: total - 1, total });
  await writeExport(recorded, format, out);
  return { events: recorded.events.length, agents: recorded.agents, notes: recorded.notes };
}

/** @throws RecordingProblem; ReplayDiverged */
function replayed({
  path,
  agent,
  sinceStartMs,
}: Extract<RecordingTask, { type: "replay" }>): RecordingResults["replay"] {
  const found = readRecordings(path);
  const { startMs, notes, stretches } = found;
  if (!stretches.some((stretch) => stretch.agent === agent))
    throw new RecordingProblem(`There is no agent ${agent} in this recording.`);
  tell({ type: "step", stage: `Recomputing ${agent}`, done: 0, total: 1 });
  const then = replayAgent(found, agent, sinceStartMs === undefined ? {} : { untilMs: startMs + sinceStartMs });
  if (then === undefined) throw new RecordingProblem(`${agent} had not been recorded by then.`);
  return { text: `${stateText(recordedState(then, startMs))}\n`, notes };
}

function refuseLarge(path: string): void {
  let bytes = 0;
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) bytes += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  if (bytes > MAX_BYTES)
    throw new RecordingProblem(
      `The recording in ${path} has ${bytes} bytes, and at most ${MAX_BYTES} are read here. Use agent-mesh export or agent-mesh replay in a terminal.`,
    );
}

function tell(message: RecordingMessage): void {
  parentPort?.postMessage(message);
}
