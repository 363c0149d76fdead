import { mkdirSync, rmSync } from "node:fs";
import type { RecoveredLog } from "../../agent/world.ts";
import { MalformedBytes } from "../../core/bytes.ts";
import { decodeBatches, type SnapshotReference, type StoredBatch } from "./batch-codec.ts";
import { FileLog, type FileLogOptions } from "./file-log.ts";
import { LogFiles } from "./log-files.ts";
import { SEGMENT_HEADER_BYTES } from "./record.ts";
import {
  ADVICE,
  type FoundSegments,
  LogDamaged,
  missingSegment,
  readSegments,
  segmentPath,
  settleSegments,
} from "./recovery.ts";
import { NotRecoverable, type Replayed, replay } from "./replay.ts";
import { readSnapshot, removeUnfinished, snapshotNumbers, snapshotPath } from "./snapshot-file.ts";

/** What a log's folder holds, made fit to go on from. */
export interface OpenedFolder {
  readonly recovered: RecoveredLog;
  /** Where the next record goes: segment (0: none exists), offset in it, sequence. */
  readonly number: number;
  readonly offset: number;
  readonly sequence: number;
  readonly nextSnapshot: number;
  readonly files: LogFiles;
  /** What a crash left half written, and what is damaged but not needed, in sentences for people. */
  readonly notes: readonly string[];
}

/** Recovers what the folder holds, and goes on from there. @throws LogDamaged; the file system's error */
export function openLog(options: FileLogOptions): { log: FileLog; recovered: RecoveredLog; notes: readonly string[] } {
  mkdirSync(options.folder, { recursive: true });
  const opened = openFolder(options.folder);
  return { log: new FileLog(options, opened), recovered: opened.recovered, notes: opened.notes };
}

/** @throws LogDamaged: then nothing was changed */
function openFolder(folder: string): OpenedFolder {
  const found = readSegments(folder);
  const decoded = decodedSegments(folder, found);
  const batches = decoded.flat();
  let snapshotBytes = 0;
  const read = (reference: SnapshotReference) => {
    const { snapshot, bytes } = readSnapshot(folder, reference.number);
    snapshotBytes = bytes;
    return snapshot;
  };
  const { log, used, damaged } = recovered(folder, found, () => replay(batches, isFromFirst(found), read));

  const notes = settleSegments(folder, found);
  for (const { reference, why } of damaged)
    notes.push(
      `${snapshotPath(folder, reference.number)} is damaged (${why}) and was not used: the rest of the log says all that it said.`,
    );
  const highest = removeStrays(folder, used, damaged);
  const last = found.segments.at(-1);
  const full = found.segments.slice(0, -1).map(({ number, end }) => ({ number, bytes: end }));
  const lastIndex = decoded.map((own, at): [number, number] => [found.segments[at]?.number ?? 0, lastIndexOf(own)]);
  return {
    recovered: log,
    number: last?.number ?? 0,
    offset: Math.max(last?.end ?? 0, SEGMENT_HEADER_BYTES),
    sequence: found.sequence,
    nextSnapshot: Math.max(highest, ...batches.map(({ snapshot }) => snapshot?.number ?? 0)) + 1,
    files: new LogFiles(
      folder,
      full,
      new Map(lastIndex),
      snapshotNumbers(folder),
      used === undefined ? 0 : snapshotBytes,
    ),
    notes,
  };
}

function isFromFirst({ segments, leftOver }: FoundSegments): boolean {
  return leftOver.length === 0 && (segments[0]?.number ?? 1) === 1;
}

function recovered(folder: string, { segments, leftOver }: FoundSegments, act: () => Replayed): Replayed {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof NotRecoverable)) throw cannotBeUnderstood(folder, error);
    const [damage] = error.damaged;
    if (damage !== undefined)
      throw new LogDamaged(
        `The log is damaged: ${snapshotPath(folder, damage.reference.number)}: ${damage.why}, and there is no older snapshot with all of the log behind it. ${ADVICE}`,
      );
    const first = segments[0]?.number ?? 1;
    if (leftOver.length > 0 || first > 1)
      throw missingSegment(folder, firstMissing([...leftOver, ...segments.map(({ number }) => number)]), error.message);
    throw cannotBeUnderstood(folder, error);
  }
}

function firstMissing(numbers: readonly number[]): number {
  const at = numbers.findIndex((number, place) => number !== place + 1);
  return at + 1;
}

function decodedSegments(folder: string, { segments }: FoundSegments): StoredBatch[][] {
  return segments.map(({ number, payloads }) => {
    try {
      return payloads.flatMap(decodeBatches);
    } catch (error) {
      throw cannotBeUnderstood(segmentPath(folder, number), error as Error);
    }
  });
}

/** Every checksum held, so this is what was written: by another version, or by a mistake. */
function cannotBeUnderstood(path: string, error: unknown): unknown {
  if (!(error instanceof NotRecoverable || error instanceof MalformedBytes)) return error;
  return new LogDamaged(
    `The log in ${path} cannot be understood: ${error.message}. Its checksums hold; it may come from another version.`,
  );
}

function lastIndexOf(batches: readonly StoredBatch[]): number {
  let last = 0;
  for (const { entries } of batches) last = Math.max(last, entries.at(-1)?.index ?? 0);
  return last;
}

/** Removes snapshots that do not count (any more). Damaged ones stay, for whoever wants to look. @returns the highest number seen */
function removeStrays(
  folder: string,
  used: SnapshotReference | undefined,
  damaged: readonly { readonly reference: SnapshotReference }[],
): number {
  const kept = [used, ...damaged.map(({ reference }) => reference)].map((reference) => reference?.number);
  const numbers = snapshotNumbers(folder);
  for (const number of numbers) if (!kept.includes(number)) rmSync(snapshotPath(folder, number), { force: true });
  removeUnfinished(folder);
  return numbers.at(-1) ?? 0;
}
