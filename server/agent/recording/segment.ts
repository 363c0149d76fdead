import { MalformedBytes } from "../../core/bytes.ts";
import { type Block, RecordingDamaged, readBlocks } from "./blocks.ts";
import { RecentFrames } from "./frames.ts";
import { decodeHeader, type RecordingHeader } from "./header.ts";
import { type RecordingRecord, readRecords } from "./records.ts";

/** One segment of an agent's recording, checked block by block. */
export class RecordedSegment {
  readonly header: RecordingHeader;
  /** Bytes at the end that were not written whole. */
  readonly tornBytes: number;
  readonly #blocks: readonly Block[];

  private constructor(header: RecordingHeader, blocks: readonly Block[], tornBytes: number) {
    this.header = header;
    this.#blocks = blocks;
    this.tornBytes = tornBytes;
  }

  /** undefined: its writer was killed before the header was written. @throws RecordingDamaged */
  static read(bytes: Uint8Array): RecordedSegment | undefined {
    const { blocks, tornBytes } = readBlocks(bytes);
    const [first, ...rest] = blocks;
    if (first === undefined) return undefined;
    const header = understood(first.offset, () => decodeHeader(first.content));
    return new RecordedSegment(header, rest, tornBytes);
  }

  /** In the order they were recorded. @throws RecordingDamaged */
  *records(): IterableIterator<RecordingRecord> {
    const frames = new RecentFrames();
    for (const { offset, content } of this.#blocks) yield* understood(offset, () => readRecords(content, frames));
  }
}

/** A block whose checksum holds and that makes no sense was written by another program. */
function understood<T>(offset: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof MalformedBytes) throw new RecordingDamaged(offset, error.message);
    throw error;
  }
}
