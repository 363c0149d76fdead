import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { RecordingDamaged } from "../../agent/recording/blocks.ts";
import { RecordedSegment } from "../../agent/recording/segment.ts";
import { RECORDING_SUFFIX } from "../layout.ts";

/** Levels below the folder that was named: a swarm's folder, agents/, one agent's, recording/. */
const MAX_DEPTH = 5;
/** More is not read at once. */
const MAX_FILE_BYTES = 2 ** 31 - 1;

/** A recording that cannot be read. The message is for people, whole. */
export class RecordingProblem extends Error {
  override readonly name = "RecordingProblem";
}

export interface RecordedFile {
  readonly path: string;
  readonly segment: RecordedSegment;
}

/**
 * Consecutive segments of one life of one agent. The first reaches back to the agent's start (its segment is 0), or those before are gone: removed as too old, or lost
 * to a slow disk.
 */
export interface RecordedStretch {
  readonly agent: string;
  readonly incarnation: number;
  /** When it begins, ms since the epoch by the agent's clock. */
  readonly fromMs: number;
  readonly files: readonly RecordedFile[];
}

/** What a file or a folder holds of recordings, at any depth. */
export interface RecordingsFound {
  /** By agent, then in the order they were recorded. */
  readonly stretches: readonly RecordedStretch[];
  /** When the earliest begins, ms since the epoch. */
  readonly startMs: number;
  /** What a killed writer left incomplete, in sentences. */
  readonly notes: readonly string[];
}

/** @throws RecordingProblem when there is none, or one is damaged */
export function readRecordings(path: string): RecordingsFound {
  const paths = recordingFiles(path);
  if (paths.length === 0)
    throw new RecordingProblem(
      `${path} holds no recording (*${RECORDING_SUFFIX}). Name a swarm's folder (.agent-mesh/ID), a kept one (.agent-mesh/recordings/ID), or one made by \`agent-mesh simulate --record\`.`,
    );
  const notes: string[] = [];
  const files = paths.flatMap((file) => {
    const segment = readSegment(file, notes);
    return segment === undefined ? [] : [{ path: file, segment }];
  });
  const stretches = inStretches(files);
  const startMs = Math.min(...stretches.map(({ fromMs }) => fromMs));
  return { stretches, startMs, notes };
}

function recordingFiles(path: string): string[] {
  const found: string[] = [];
  const look = (place: string, depth: number): void => {
    const entries = readdirSync(place, { withFileTypes: true });
    for (const entry of entries) {
      if (entry.isFile() && entry.name.endsWith(RECORDING_SUFFIX)) found.push(join(place, entry.name));
      else if (entry.isDirectory() && depth < MAX_DEPTH) look(join(place, entry.name), depth + 1);
    }
  };
  try {
    if (!statSync(path).isDirectory()) return [path];
    look(path, 0);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new RecordingProblem(code === "ENOENT" ? `${path} does not exist.` : `${path} cannot be read: ${message}.`);
  }
  return found;
}

function readSegment(path: string, notes: string[]): RecordedSegment | undefined {
  let bytes: Uint8Array;
  try {
    if (statSync(path).size > MAX_FILE_BYTES) throw new Error(`it is larger than ${MAX_FILE_BYTES} bytes`);
    bytes = readFileSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // A running agent removed it in this moment, as too old.
    if (code === "ENOENT") return undefined;
    throw new RecordingProblem(`${path} cannot be read: ${message}.`);
  }
  try {
    const segment = RecordedSegment.read(bytes);
    if (segment === undefined) notes.push(`${path} ends before its header: its writer was killed.`);
    else if (segment.tornBytes > 0)
      notes.push(`${path}: the last ${segment.tornBytes} bytes were not written whole, and are left out.`);
    return segment;
  } catch (error) {
    throw named(path, error);
  }
}

/** Damage that is met while a segment is gone through is told with its file. @throws RecordingProblem */
export function named(path: string, error: unknown): Error {
  if (!(error instanceof RecordingDamaged)) return error as Error;
  return new RecordingProblem(
    `${path} is damaged at ${error.message}. Take the file away to use what is before and after it.`,
  );
}

function inStretches(files: readonly RecordedFile[]): RecordedStretch[] {
  const order = [...files].sort((a, b) => {
    const [first, second] = [a.segment.header, b.segment.header];
    return (
      compareNames(first.config.id, second.config.id) ||
      first.config.incarnation - second.config.incarnation ||
      first.segment - second.segment
    );
  });
  const stretches: { agent: string; incarnation: number; fromMs: number; files: RecordedFile[] }[] = [];
  for (const file of order) {
    const { config, segment, now } = file.segment.header;
    const last = stretches.at(-1);
    const before = last?.files.at(-1)?.segment.header;
    const goesOn =
      before?.config.id === config.id &&
      before.config.incarnation === config.incarnation &&
      before.segment + 1 === segment;
    if (goesOn) last?.files.push(file);
    else stretches.push({ agent: config.id, incarnation: config.incarnation, fromMs: now, files: [file] });
  }
  return stretches;
}

/** a2 before a10. */
function compareNames(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
