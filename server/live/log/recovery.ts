import { closeSync, fsyncSync, ftruncateSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { syncFolder } from "../durable-file.ts";
import {
  payloadHolds,
  RECORD_HEADER_BYTES,
  recordHeaderAt,
  SEGMENT_HEADER_BYTES,
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

export interface RecoveredSegments {
  readonly payloads: readonly Uint8Array[];
  /** Where the next record goes. */
  readonly number: number;
  readonly offset: number;
  readonly sequence: number;
  readonly totalBytes: number;
  /** What a crash left half written and was cut off, in a sentence for people. */
  readonly notes: readonly string[];
}

export function segmentPath(folder: string, number: number): string {
  return join(folder, `${String(number).padStart(8, "0")}.seg`);
}

/**
 * Reads all that a log holds and makes it fit to be appended to: cuts off a last record that a crash left incomplete, and makes durable what
 * was only in the operating system's memory.
 * @throws LogDamaged naming file and offset; then nothing was changed
 */
export function recoverSegments(folder: string): RecoveredSegments {
  const numbers = segmentNumbers(folder);
  if (numbers.length === 0) return { payloads: [], number: 0, offset: 0, sequence: 1, totalBytes: 0, notes: [] };
  const payloads: Uint8Array[] = [];
  const notes: string[] = [];
  let sequence = 1;
  let offset = 0;
  let totalBytes = 0;
  for (const number of numbers) {
    const isLast = number === numbers.length;
    const path = segmentPath(folder, number);
    const segment = readSegment(path, number, sequence, isLast);
    for (const payload of segment.payloads) payloads.push(payload);
    sequence += segment.payloads.length;
    offset = Math.max(segment.end, SEGMENT_HEADER_BYTES);
    totalBytes += offset;
    if (segment.torn !== "") notes.push(segment.torn);
    if (isLast) settle(path, segment, segmentHeader(number, sequence));
  }
  syncFolder(folder);
  return { payloads, number: numbers.length, offset, sequence, totalBytes, notes };
}

interface Segment {
  readonly payloads: readonly Uint8Array[];
  readonly end: number;
  readonly size: number;
  /** What was incomplete at its end; "" when nothing. */
  readonly torn: string;
}

function segmentNumbers(folder: string): number[] {
  const numbers = readdirSync(folder)
    .map((name) => SEGMENT_NAME.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
  numbers.forEach((number, at) => {
    if (number !== at + 1)
      throw new LogDamaged(
        `The log is damaged: ${segmentPath(folder, at + 1)} is missing, though later segments exist. ${ADVICE}`,
      );
  });
  return numbers;
}

function readSegment(path: string, number: number, firstSequence: number, isLast: boolean): Segment {
  const bytes = readFileSync(path);
  const fault = segmentHeaderFault(bytes, number, firstSequence);
  if (fault !== "") {
    // A crash while the segment was made: nothing was ever written behind the header.
    const unborn = bytes.length < SEGMENT_HEADER_BYTES || isZero(bytes, 0, bytes.length);
    if (isLast && unborn)
      return {
        payloads: [],
        end: 0,
        size: bytes.length,
        torn: `${path} was being made when the agent ended; it is made again.`,
      };
    throw damaged(path, 0, fault);
  }
  const payloads: Uint8Array[] = [];
  let offset = SEGMENT_HEADER_BYTES;
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
      const torn = `${path}: the last ${cut} bytes (from offset ${offset}) were being written when the agent ended; they are cut off.`;
      return { payloads, end: offset, size: bytes.length, torn };
    }
    const start = offset + RECORD_HEADER_BYTES;
    payloads.push(bytes.subarray(start, start + header.length));
    offset = start + header.length;
  }
  return { payloads, end: offset, size: bytes.length, torn: "" };
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
function settle(path: string, segment: Segment, freshHeader: Buffer): void {
  const file = openSync(path, "r+");
  try {
    if (segment.end < segment.size) ftruncateSync(file, segment.end);
    if (segment.end === 0) writeSync(file, freshHeader, 0, freshHeader.length, 0);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

const ADVICE =
  "The agent does not start, so that nothing it acknowledged is lost. Restore the file from a copy, or stop this swarm and start a new one.";

function damaged(path: string, offset: number, why: string): LogDamaged {
  return new LogDamaged(`The log is damaged: ${path}, offset ${offset}: ${why}. ${ADVICE}`);
}
