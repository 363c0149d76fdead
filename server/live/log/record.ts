import { crc32c } from "./crc32c.ts";

/**
 * The binary form of a log segment: a header, then records end to end. All numbers are little endian.
 *
 *   segment header, 32 bytes:  magic[8]  version u32  number u32  firstSequence u64  zero u32  crc32c u32 (of the 28 bytes before)
 *   record header, 20 bytes:   length u32  sequence u64  crc32c of the payload u32  crc32c u32 (of the 16 bytes before)
 *   payload, `length` bytes
 *
 * Zeros may follow the last record of a segment: room for the next ones.
 *
 * One record is one write and one sync, and the next is written only after that sync. So after a crash at most the last record
 * can be incomplete: whatever is broken with a whole record behind it was damaged later.
 */
export const SEGMENT_HEADER_BYTES = 32;
export const RECORD_HEADER_BYTES = 20;
/** More in one record is taken for damage. */
export const MAX_RECORD_BYTES = 256 * 1024 * 1024;

const MAGIC = Buffer.from("AMESHLOG", "latin1");
const VERSION = 1;

export interface RecordHeader {
  readonly length: number;
  readonly sequence: number;
  readonly payloadCrc: number;
}

export function segmentHeader(number: number, firstSequence: number): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(VERSION, 8);
  header.writeUInt32LE(number, 12);
  header.writeBigUInt64LE(BigInt(firstSequence), 16);
  header.writeUInt32LE(crc32c(header, 0, 28), 28);
  return header;
}

/** What is wrong with a segment's header; "" when nothing is. @param firstSequence where it is known from the segment before */
export function segmentHeaderFault(bytes: Buffer, number: number, firstSequence: number | undefined): string {
  if (bytes.length < SEGMENT_HEADER_BYTES) return "its header is incomplete";
  if (bytes.readUInt32LE(28) !== crc32c(bytes, 0, 28)) return "its header's checksum does not match";
  if (!bytes.subarray(0, 8).equals(MAGIC)) return "it is no log segment";
  if (bytes.readUInt32LE(8) !== VERSION) return `it has the unknown version ${bytes.readUInt32LE(8)}`;
  if (bytes.readUInt32LE(12) !== number) return `it calls itself segment ${bytes.readUInt32LE(12)}`;
  const first = segmentFirstSequence(bytes);
  return firstSequence === undefined || first === firstSequence
    ? ""
    : `it begins with record ${first}, where ${firstSequence} comes next`;
}

/** The number of a segment's first record, of a header that holds. */
export function segmentFirstSequence(header: Buffer): number {
  return Number(header.readBigUInt64LE(16));
}

/** Fills in the header of a record whose payload lies behind it. */
export function sealRecord(record: Uint8Array, sequence: number): void {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  view.setUint32(0, record.length - RECORD_HEADER_BYTES, true);
  view.setBigUint64(4, BigInt(sequence), true);
  view.setUint32(12, crc32c(record, RECORD_HEADER_BYTES), true);
  view.setUint32(16, crc32c(record, 0, 16), true);
}

/** The record header at an offset, or undefined when there is none whose own checksum holds. */
export function recordHeaderAt(bytes: Buffer, offset: number): RecordHeader | undefined {
  if (offset + RECORD_HEADER_BYTES > bytes.length) return undefined;
  const length = bytes.readUInt32LE(offset);
  if (length === 0 || length > MAX_RECORD_BYTES) return undefined;
  if (bytes.readUInt32LE(offset + 16) !== crc32c(bytes, offset, offset + 16)) return undefined;
  const sequence = Number(bytes.readBigUInt64LE(offset + 4));
  return { length, sequence, payloadCrc: bytes.readUInt32LE(offset + 12) };
}

/** Whether the payload behind a header is all there and is what was written. */
export function payloadHolds(bytes: Buffer, offset: number, header: RecordHeader): boolean {
  const start = offset + RECORD_HEADER_BYTES;
  return start + header.length <= bytes.length && crc32c(bytes, start, start + header.length) === header.payloadCrc;
}
