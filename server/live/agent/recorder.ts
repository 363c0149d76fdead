import { mkdirSync, readdirSync, rm, statSync } from "node:fs";
import { join } from "node:path";
import type { RecordingAgent, RecordingSink } from "../../agent/recording/recording-agent.ts";
import type { RecordingLimits } from "../../contract/mesh.ts";
import type { RecordingReport } from "../../contract/swarm.ts";
import { type AgentPaths, RECORDING_SUFFIX } from "../layout.ts";
import { segmentName } from "../recordings/write.ts";
import { RecordingWriter, type WriteBytes } from "./recording-writer.ts";

/** A recording is so many segments at most: the oldest goes when the newest has no room. */
const SEGMENTS = 4;
/** How far beyond its size a segment waits for a moment at which the next one costs little. */
const LATE = 2;
/** What was recorded reaches the operating system within this time: so much of the end is missing after SIGKILL. */
const FLUSH_EVERY_MS = 200;
/** A disk that is slower than what is to be recorded: more than this does not wait for it. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024;

export interface RecorderOptions {
  /** Of this agent's recordings; made when missing. */
  readonly folder: string;
  readonly incarnation: number;
  readonly limits: RecordingLimits;
  /** Ms from anywhere. */
  readonly monotonicMs: () => number;
  /** How bytes reach a file; tests put one in that fails or is slow. */
  readonly write?: WriteBytes;
  readonly note: (line: string) => void;
}

interface KeptSegment {
  readonly path: string;
  bytes: number;
  /** When it was last written to. */
  endedMs: number;
}

/**
 * Writes an agent's recording into its folder, off its turns and without ever syncing: what the operating system has survives the process, and nothing the agent
 * promises depends on it. Bounded by size and age: a full segment is followed by one that is understood without it, and the oldest are removed. A failing
 * disk ends the recording, not the agent; a slow one costs a gap.
 */
export class Recorder implements RecordingSink {
  readonly #options: RecorderOptions;
  readonly #kept: KeptSegment[];
  readonly #writer: RecordingWriter;
  readonly #timer: NodeJS.Timeout;
  #flush: () => void = () => {};
  #open = true;
  #began = { atMs: 0, headerBytes: 0 };
  #gap = false;
  #bytes = 0;
  #droppedBytes = 0;

  /** @throws the file system's error when the folder cannot be used */
  constructor(options: RecorderOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true });
    this.#kept = segmentsOf(options.folder, options.monotonicMs() - Date.now());
    this.#writer = new RecordingWriter((error) => this.#failed(error), options.write);
    this.#timer = setInterval(() => {
      this.#flush();
      this.#writer.flush();
    }, FLUSH_EVERY_MS);
    this.#timer.unref();
  }

  /** The agent whose recording this is: asked now and then, and at the end of the process, for what it has recorded. */
  record(agent: RecordingAgent): RecordingAgent {
    this.#flush = () => agent.flush();
    return agent;
  }

  get open(): boolean {
    return this.#open;
  }

  /** Something of the present segment was dropped: the next one does not go on where this ends. */
  get gap(): boolean {
    return this.#gap;
  }

  get full(): "no" | "soon" | "now" {
    const { limits, monotonicMs } = this.#options;
    // After a gap, once the disk has caught up.
    if (this.#gap) return this.#writer.waitingBytes < MAX_WAITING_BYTES / 2 ? "now" : "no";
    if (monotonicMs() - this.#began.atMs >= limits.ageMs / SEGMENTS) return "now";
    const bytes = this.#kept.at(-1)?.bytes ?? 0;
    // A segment that begins with a large state is not to be mostly that.
    const enough = Math.max(limits.sizeBytes / SEGMENTS, 2 * this.#began.headerBytes);
    if (bytes < enough) return "no";
    return bytes < LATE * enough ? "soon" : "now";
  }

  /** Bytes recorded in this life, and those that were not, because the disk was too slow. */
  get metrics(): RecordingReport {
    return { bytes: this.#bytes, droppedBytes: this.#droppedBytes, open: this.#open };
  }

  begin(segment: number, bytes: Uint8Array): void {
    const { folder, incarnation, limits, monotonicMs, note } = this.#options;
    if (!this.#open) return;
    if (bytes.length > limits.sizeBytes / 2) {
      note(
        `The agent is not recorded any more: its state alone takes ${bytes.length} bytes, and the recording may have ${limits.sizeBytes}.`,
      );
      this.#end();
      return;
    }
    const path = join(folder, segmentName(incarnation, segment));
    try {
      this.#writer.open(path);
    } catch (error) {
      this.#failed(error as Error);
      return;
    }
    this.#kept.push({ path, bytes: 0, endedMs: monotonicMs() });
    this.#began = { atMs: monotonicMs(), headerBytes: bytes.length };
    this.#gap = false;
    this.append(bytes);
  }

  roomFor(bytes: number): Uint8Array {
    return this.#writer.roomFor(bytes);
  }

  append(bytes: Uint8Array): void {
    const segment = this.#kept.at(-1);
    if (!this.#open || segment === undefined) return;
    if (this.#gap || this.#writer.waitingBytes + bytes.length > MAX_WAITING_BYTES) {
      if (!this.#gap) this.#options.note("The disk is too slow to record all that the agent does: there is a gap.");
      this.#gap = true;
      this.#droppedBytes += bytes.length;
      return;
    }
    segment.bytes += bytes.length;
    segment.endedMs = this.#options.monotonicMs();
    this.#bytes += bytes.length;
    this.#writer.append(bytes);
    this.#removeOld();
  }

  /** Writes what is left, at once: when the process ends. */
  close(): void {
    if (!this.#open) return;
    this.#flush();
    this.#open = false;
    clearInterval(this.#timer);
    try {
      this.#writer.finish();
    } catch (error) {
      this.#options.note(`The end of the agent's recording could not be written: ${(error as Error).message}.`);
    }
  }

  #removeOld(): void {
    const { limits, monotonicMs } = this.#options;
    const total = (): number => this.#kept.reduce((sum, { bytes }) => sum + bytes, 0);
    const old = (): boolean => (this.#kept[0]?.endedMs ?? 0) < monotonicMs() - limits.ageMs;
    while (this.#kept.length > 1 && (total() > limits.sizeBytes || old())) {
      const { path } = this.#kept.shift() as KeptSegment;
      // A large file takes the operating system some ms to let go of.
      rm(path, { force: true }, (error) => {
        if (error !== null) this.#options.note(`An old recording could not be removed: ${error.message}.`);
      });
    }
  }

  #failed(error: Error): void {
    if (!this.#open) return;
    this.#options.note(`The agent is not recorded any more: ${error.message}.`);
    this.#end();
  }

  #end(): void {
    this.#open = false;
    clearInterval(this.#timer);
    this.#writer.abandon();
  }
}

/** undefined: it is not to be recorded, or cannot be, which is noted: an agent works as well without. */
export function startRecorder(
  { recording: place }: AgentPaths,
  limits: RecordingLimits | null | undefined,
  incarnation: number,
  note: (line: string) => void,
): Recorder | undefined {
  if (limits === null || limits === undefined) return undefined;
  try {
    const recorder = new Recorder({ folder: place, incarnation, limits, monotonicMs: () => performance.now(), note });
    process.on("exit", () => recorder.close());
    return recorder;
  } catch (error) {
    note(`The agent is not recorded: ${(error as Error).message}.`);
    return undefined;
  }
}

/** Those of earlier lives, oldest first. @param offsetMs from the wall clock to the monotonic one */
function segmentsOf(folder: string, offsetMs: number): KeptSegment[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(RECORDING_SUFFIX))
    .sort()
    .map((name) => {
      const path = join(folder, name);
      const { size, mtimeMs } = statSync(path);
      return { path, bytes: size, endedMs: mtimeMs + offsetMs };
    });
}
