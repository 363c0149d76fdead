import type { CoordinatorRequests, ExportFormat } from "../../contract/coordinator.ts";

/** What the thread that reads recordings is given. */
export type RecordingTask =
  | { readonly type: "export"; readonly path: string; readonly format: ExportFormat; readonly out: string }
  | {
      readonly type: "replay";
      readonly path: string;
      readonly agent: string;
      /** Absent: to the end. */
      readonly sinceStartMs?: number;
    };

export interface RecordingResults {
  readonly export: CoordinatorRequests["exportRecording"]["result"];
  readonly replay: CoordinatorRequests["replayRecording"]["result"];
}

/** What it answers: steps, then one result or what went wrong. */
export type RecordingMessage =
  | { readonly type: "step"; readonly stage: string; readonly done: number; readonly total: number }
  | { readonly type: "done"; readonly result: RecordingResults[RecordingTask["type"]] }
  | { readonly type: "failed"; readonly message: string };
