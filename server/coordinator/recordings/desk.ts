import { rmSync } from "node:fs";
import { isAbsolute } from "node:path";
import { Worker } from "node:worker_threads";
import type { CoordinatorNotifications } from "../../contract/coordinator.ts";
import { programPath } from "../../live/programs.ts";
import { Refusal } from "../refusal.ts";
import type { Params } from "../requests.ts";
import { recordingPath } from "./place.ts";
import type { RecordingMessage, RecordingResults, RecordingTask } from "./task.ts";

type Step = CoordinatorNotifications["progress"];

/** Of the thread's own memory, the recording's bytes apart. */
const MAX_HEAP_MB = 2048;

/** Exports and replays recordings, one at a time, in a thread of its own. */
export class RecordingDesk {
  #busy = false;

  /** @throws Refusal; Error when the recording cannot be read or the file not be written */
  async export(
    { format, out, operation, ...place }: Params<"exportRecording">,
    onStep: (step: Step) => void,
    signal: AbortSignal,
  ): Promise<RecordingResults["export"]> {
    if (!isAbsolute(out)) throw new Refusal("refused", `${out} is no absolute path of a file.`);
    const task = { type: "export", path: recordingPath(place), format, out } as const;
    try {
      return (await this.#apart(task, operation, onStep, signal)) as RecordingResults["export"];
    } finally {
      // What a thread that was ended had begun to write.
      if (signal.aborted) rmSync(`${out}.partial`, { force: true });
    }
  }

  /** @throws Refusal; Error when the recording cannot be read */
  async replay(
    { agent, sinceStartMs, operation, ...place }: Params<"replayRecording">,
    onStep: (step: Step) => void,
    signal: AbortSignal,
  ): Promise<RecordingResults["replay"]> {
    const moment = sinceStartMs === undefined ? {} : { sinceStartMs };
    const task = { type: "replay", path: recordingPath(place), agent, ...moment } as const;
    return (await this.#apart(task, operation, onStep, signal)) as RecordingResults["replay"];
  }

  async #apart(
    task: RecordingTask,
    operation: string,
    onStep: (step: Step) => void,
    signal: AbortSignal,
  ): Promise<RecordingResults[RecordingTask["type"]]> {
    if (this.#busy)
      throw new Refusal("refused", "Another recording is being read: try again when that is done, or cancel it.");
    this.#busy = true;
    try {
      return await readApart(task, ({ stage, done, total }) => onStep({ operation, stage, done, total }), signal);
    } finally {
      this.#busy = false;
    }
  }
}

function readApart(
  task: RecordingTask,
  onStep: (step: Omit<Step, "operation">) => void,
  signal: AbortSignal,
): Promise<RecordingResults[RecordingTask["type"]]> {
  const worker = new Worker(programPath("recordings"), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  });
  return new Promise((resolve, reject) => {
    const stop = (): void => void worker.terminate();
    signal.addEventListener("abort", stop, { once: true });
    let result: RecordingResults[RecordingTask["type"]] | undefined;
    worker.on("message", (message: RecordingMessage) => {
      if (message.type === "step") onStep(message);
      else if (message.type === "done") result = message.result;
      else reject(new Error(message.message));
    });
    worker.once("error", (error: NodeJS.ErrnoException) => {
      const full = error.code === "ERR_WORKER_OUT_OF_MEMORY";
      reject(
        full
          ? new Refusal(
              "refused",
              `The recording needs more than ${MAX_HEAP_MB} MB to be recomputed. Use agent-mesh export or agent-mesh replay in a terminal.`,
            )
          : error,
      );
    });
    worker.once("exit", () => {
      signal.removeEventListener("abort", stop);
      if (result !== undefined) resolve(result);
      else if (signal.aborted) reject(new Refusal("cancelled", "Reading the recording was cancelled."));
      else reject(new Error("Reading the recording ended early."));
    });
  });
}
