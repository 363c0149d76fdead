import { xxh32 } from "../checksum.ts";

/**
 * A recording's segment as bytes: a signature, then blocks. docs/recording.md draws it.
 *
 *   signature: "AMESHREC", version byte
 *   block: length u32 | XXH32 of the content | XXH32 of those 8 bytes | content          (little endian)
 *
 * Whoever writes may be killed at any moment: then the file ends within a block (or, after the machine lost power, in zeros), and all before that block
 * holds. Anything else that does not fit was damaged later.
 */
export const SIGNATURE = Uint8Array.from("AMESHREC", (letter) => letter.charCodeAt(0));
export const RECORDING_VERSION = 1;
export const SIGNATURE_BYTES = SIGNATURE.length + 1;
export const BLOCK_HEAD_BYTES = 12;
/** More in one block is taken for damage: a header with all of an agent's log is the largest. */
export const MAX_BLOCK_BYTES = 1024 * 1024 * 1024;

/** A recording that is not what was written. */
export class RecordingDamaged extends Error {
  override readonly name = "RecordingDamaged";
  /** Bytes from the beginning of the segment. */
  readonly offset: number;

  constructor(offset: number, why: string) {
    super(`offset ${offset}: ${why}`);
    this.offset = offset;
  }
}

export function signature(): Uint8Array {
  return Uint8Array.of(...SIGNATURE, RECORDING_VERSION);
}

export function sealBlock(content: Uint8Array): Uint8Array {
  const block = new Uint8Array(BLOCK_HEAD_BYTES + content.length);
  block.set(content, BLOCK_HEAD_BYTES);
  sealInPlace(block);
  return block;
}

/** Fills in the head of a block whose content lies behind it. */
export function sealInPlace(block: Uint8Array): void {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  view.setUint32(0, block.length - BLOCK_HEAD_BYTES, true);
  view.setUint32(4, xxh32(block.subarray(BLOCK_HEAD_BYTES)), true);
  view.setUint32(8, xxh32(block, 8), true);
}

export interface Block {
  readonly offset: number;
  /** A view into the segment. */
  readonly content: Uint8Array;
}

export interface Blocks {
  readonly blocks: readonly Block[];
  /** Bytes at the end that belong to a block that was not written whole; 0 when there are none. */
  readonly tornBytes: number;
}

/** @throws RecordingDamaged */
export function readBlocks(segment: Uint8Array): Blocks {
  const head = Math.min(segment.length, SIGNATURE.length);
  for (let at = 0; at < head; at++)
    if (segment[at] !== SIGNATURE[at]) throw new RecordingDamaged(at, "this is no recording of an agent");
  if (segment.length < SIGNATURE_BYTES) return { blocks: [], tornBytes: segment.length };
  const version = segment[SIGNATURE.length];
  if (version !== RECORDING_VERSION)
    throw new RecordingDamaged(
      SIGNATURE.length,
      `the recording has version ${version}; this program reads version ${RECORDING_VERSION}`,
    );
  const view = new DataView(segment.buffer, segment.byteOffset, segment.byteLength);
  const blocks: Block[] = [];
  let offset = SIGNATURE_BYTES;
  while (offset < segment.length) {
    const torn = { blocks, tornBytes: segment.length - offset };
    if (offset + BLOCK_HEAD_BYTES > segment.length) return torn;
    const length = view.getUint32(offset, true);
    if (xxh32(segment.subarray(offset, offset + 8)) !== view.getUint32(offset + 8, true)) {
      if (isZero(segment, offset)) return torn;
      throw new RecordingDamaged(offset, "the head of a block is damaged");
    }
    if (length > MAX_BLOCK_BYTES) throw new RecordingDamaged(offset, `a block of ${length} bytes`);
    const start = offset + BLOCK_HEAD_BYTES;
    if (start + length > segment.length) return torn;
    const content = segment.subarray(start, start + length);
    if (xxh32(content) !== view.getUint32(offset + 4, true)) {
      if (endsUnwritten(segment, start)) return torn;
      throw new RecordingDamaged(offset, `the checksum of the block of ${length} bytes does not match`);
    }
    blocks.push({ offset, content });
    offset = start + length;
  }
  return { blocks, tornBytes: 0 };
}

/** What a disk writes as a whole or not at all. */
const SECTOR_BYTES = 512;

/** After a loss of power, what a disk had not got reads as zeros: whole sectors of them, up to the end. */
function endsUnwritten(segment: Uint8Array, start: number): boolean {
  const from = (Math.floor(segment.length / SECTOR_BYTES) - 1) * SECTOR_BYTES;
  return from >= start && isZero(segment, from);
}

function isZero(bytes: Uint8Array, from: number): boolean {
  for (let at = from; at < bytes.length; at++) if (bytes[at] !== 0) return false;
  return true;
}
