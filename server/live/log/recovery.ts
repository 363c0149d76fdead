import { closeSync, fsyncSync, ftruncateSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { syncFolder } from "../durable-file.ts";
import {
  payloadHolds,
  RECORD_HEADER_BYTES,
  recordHeaderAt,
  SEGMENT_HEADER_BYTES,
  segmentFirstSequence,
  segmentHeader,
  segmentHeaderFault,
} from "./record.ts";

/** What a disk writes as a whole or not at all. */
const SECTOR_BYTES = 512;
const SEGMENT_NAME = /^(\d{8})\.seg$/;

/** The log is not what was written: something acknowledged may be missing, so the agent must not start from it. */
export class LogDamaged extends Error {
  override readonly name = "LogDamaged";
}

export function segmentPath(folder: string, number: number): string {
  return join(folder, `${String(number).padStart(8, "0")}.seg`);
}

/** What is whole in a log's segments, and how they end. */
export interface FoundSegments {
  /** Rising without gaps; empty: there is no log yet. */
  readonly segments: readonly Segment[];
  /** Segments before a gap: they count for nothing, and can be removed once it is clear that a snapshot stands for what is missing. */
  readonly leftOver: readonly number[];
  /** Of the next record. */
  readonly sequence: number;
}

/**
 * Reads all that a log's segments hold. Changes nothing.
 * @throws LogDamaged naming file and offset
 */
export function readSegments(folder: string): FoundSegments {
  const { numbers, leftOver } = segmentNumbers(folder);
  const segments: Segment[] = [];
  let sequence: number | undefined;
  for (const number of numbers) {
    // Whether segments are missing before the first one is told by the snapshots.
    const segment = readSegment(
      segmentPath(folder, number),
      number,
      number === 1 ? 1 : sequence,
      number === numbers.at(-1),
    );
    segments.push(segment);
    sequence = segment.firstSequence + segment.payloads.length;
  }
  return { segments, leftOver, sequence: sequence ?? 1 };
}

/**
 * Makes a log that was read fit to be appended to: cuts off a last record that a crash left incomplete, and makes durable what was only in the operating
 * system's memory.
 * @returns what was cut off, in sentences for people
 */
export function settleSegments(folder: string, { segments, leftOver }: FoundSegments): string[] {
  for (const number of leftOver) rmSync(segmentPath(folder, number), { force: true });
  const last = segments.at(-1);
  if (last === undefined) return [];
  settle(segmentPath(folder, last.number), last);
  syncFolder(folder);
  return last.torn === "" ? [] : [last.torn];
}

export function missingSegment(folder: string, number: number, why: string): LogDamaged {
  return new LogDamaged(`The log is damaged: ${segmentPath(folder, number)} is missing${why}. ${ADVICE}`);
}

export interface Segment {
  readonly number: number;
  readonly firstSequence: number;
  readonly payloads: readonly Uint8Array[];
  /** Where the next record goes; 0: even its header was not written. */
  readonly end: number;
  readonly size: number;
  /** What was incomplete at its end; "" when nothing. */
  readonly torn: string;
}

function segmentNumbers(folder: string): { readonly numbers: readonly number[]; readonly leftOver: readonly number[] } {
  const all = readdirSync(folder)
    .map((name) => SEGMENT_NAME.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
  const start = all.findLastIndex((number, at) => number !== (all[at - 1] ?? Number.NaN) + 1);
  return { numbers: all.slice(Math.max(start, 0)), leftOver: all.slice(0, Math.max(start, 0)) };
}

/** @param expectedSequence of its first record, where it is known */
function readSegment(path: string, number: number, expectedSequence: number | undefined, isLast: boolean): Segment {
  const bytes = readFileSync(path);
  const fault = segmentHeaderFault(bytes, number, expectedSequence);
  if (fault !== "") {
    // A crash while the segment was made: nothing was ever written behind the header.
    const unborn = bytes.length < SEGMENT_HEADER_BYTES || isZero(bytes, 0, bytes.length);
    if (isLast && unborn && expectedSequence !== undefined)
      return {
        number,
        firstSequence: expectedSequence,
        payloads: [],
        end: 0,
        size: bytes.length,
        torn: `${path} was being made when the agent ended; it is made again.`,
      };
    throw damaged(path, 0, fault);
  }
  const firstSequence = segmentFirstSequence(bytes);
  const payloads: Uint8Array[] = [];
  let offset = SEGMENT_HEADER_BYTES;
  let torn = "";
  while (offset < bytes.length && !isZero(bytes, offset, bytes.length)) {
    const sequence = firstSequence + payloads.length;
    const header = recordHeaderAt(bytes, offset);
    if (header !== undefined && header.sequence !== sequence)
      throw damaged(path, offset, `record ${header.sequence} stands where record ${sequence} belongs`);
    if (header === undefined || !payloadHolds(bytes, offset, header)) {
      const why =
        header === undefined ? "a record's header is broken" : `the checksum of record ${sequence} does not match`;
      if (!isLast || holdsLaterRecord(bytes, offset + 1, sequence) || !looksTorn(bytes, offset))
        throw damaged(path, offset, why);
      const cut = bytes.length - offset;
      torn = `${path}: the last ${cut} bytes (from offset ${offset}) were being written when the agent ended; they are cut off.`;
      break;
    }
    const start = offset + RECORD_HEADER_BYTES;
    payloads.push(bytes.subarray(start, start + header.length));
    offset = start + header.length;
  }
  return { number, firstSequence, payloads, end: offset, size: bytes.length, torn };
}

/** Whether a whole record of a later sequence lies anywhere behind: then what is broken before it had been complete. */
function holdsLaterRecord(bytes: Buffer, from: number, sequence: number): boolean {
  for (let offset = from; offset + RECORD_HEADER_BYTES < bytes.length; offset++) {
    const header = recordHeaderAt(bytes, offset);
    if (header !== undefined && header.sequence > sequence && payloadHolds(bytes, offset, header)) return true;
  }
  return false;
}

/**
 * Whether a write that never finished explains a broken last record: the file ends before it does, or a sector of it was never
 * written and reads as zeros. A record that is all there and still wrong was damaged.
 */
function looksTorn(bytes: Buffer, offset: number): boolean {
  const header = recordHeaderAt(bytes, offset);
  // Of a broken header only its own sectors tell: what follows may be zeros because nothing was ever to be there.
  const end = offset + RECORD_HEADER_BYTES + (header?.length ?? 0);
  if (end > bytes.length || bytes.length - offset < RECORD_HEADER_BYTES) return true;
  for (let start = offset; start < end; ) {
    const sectorEnd = Math.min(end, (Math.floor(start / SECTOR_BYTES) + 1) * SECTOR_BYTES);
    if (isZero(bytes, start, sectorEnd)) return true;
    start = sectorEnd;
  }
  return false;
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== 0) return false;
  return true;
}

/** Cuts off what is incomplete, and makes the rest durable: after a killed process it may exist in the page cache alone. */
function settle(path: string, segment: Segment): void {
  const file = openSync(path, "r+");
  try {
    if (segment.end < segment.size) ftruncateSync(file, segment.end);
    if (segment.end === 0)
      writeSync(file, segmentHeader(segment.number, segment.firstSequence), 0, SEGMENT_HEADER_BYTES, 0);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

export const ADVICE =
  "The agent does not start, so that nothing it acknowledged is lost. Restore the file from a copy, or stop this swarm and start a new one.";

function damaged(path: string, offset: number, why: string): LogDamaged {
  return new LogDamaged(`The log is damaged: ${path}, offset ${offset}: ${why}. ${ADVICE}`);
}
