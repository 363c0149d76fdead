import { readdirSync, readFileSync, rmSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { open, rename } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { Snapshot } from "../../agent/world.ts";
import { ByteReader, ByteWriter } from "../../core/bytes.ts";
import { readConfiguration, writeConfiguration } from "../../core/raft/configuration.ts";
import { syncFolder } from "../durable-file.ts";

/**
 * The binary form of a snapshot: a file of its own beside the log's segments, `<number>.snap`. All numbers of the header are little endian.
 *
 *   header, 32 bytes:  magic[8]  version u32  number u32  length of the body u64  crc32 of the body u32  crc32 u32 (of the 28 bytes before)
 *   body:              varint index, varint term, configuration (core/raft/configuration.ts), bytes data
 *
 * It is written as `<number>.snap.new`, synced, and renamed: a file of the final name is whole, or was damaged later. It counts only once a
 * record of the log refers to it (batch-codec.ts), so that it takes effect together with what was written with it, or not at all.
 */
const HEADER_BYTES = 32;
const MAGIC = Buffer.from("AMESHSNP", "latin1");
const VERSION = 1;
/** Summed and handed to the disk at a time: well under a millisecond of the agent's thread. */
const PIECE_BYTES = 256 * 1024;
const SNAPSHOT_NAME = /^(\d{8})\.snap$/;
const UNFINISHED = ".new";

/** A file that is written from its start to its end. */
export interface SnapshotHandle {
  /** @returns bytes written, maybe fewer than given */
  write(bytes: Uint8Array, position: number): Promise<number>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** How snapshots reach the disk; tests put one in that fails, or crashes. */
export interface SnapshotDisk {
  create(path: string): Promise<SnapshotHandle>;
  rename(from: string, to: string): Promise<void>;
  syncFolder(folder: string): Promise<void>;
}

export const realSnapshotDisk: SnapshotDisk = {
  create: async (path) => handleOf(await open(path, "wx")),
  rename,
  syncFolder: async (folder) => syncFolder(folder),
};

/** What is wrong with a snapshot's file, for the end of a sentence. */
export class SnapshotDamaged extends Error {
  override readonly name = "SnapshotDamaged";
}

export function snapshotPath(folder: string, number: number): string {
  return join(folder, `${String(number).padStart(8, "0")}.snap`);
}

/** The numbers of the snapshots in a folder, rising. */
export function snapshotNumbers(folder: string): number[] {
  return readdirSync(folder)
    .map((name) => SNAPSHOT_NAME.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/** Removes what a crash left half written. */
export function removeUnfinished(folder: string): void {
  for (const name of readdirSync(folder))
    if (name.endsWith(UNFINISHED) && SNAPSHOT_NAME.test(name.slice(0, -UNFINISHED.length)))
      rmSync(join(folder, name), { force: true });
}

/**
 * Writes a snapshot in small steps and makes it durable, its name too.
 * @returns the file's size in bytes
 * @throws the file system's error; then nothing of it is left, unless even that failed
 */
export async function writeSnapshot(
  disk: SnapshotDisk,
  folder: string,
  number: number,
  snapshot: Snapshot,
): Promise<number> {
  const path = snapshotPath(folder, number);
  const unfinished = path + UNFINISHED;
  try {
    const file = await disk.create(unfinished);
    let bytes: number;
    try {
      bytes = await writeContents(file, number, snapshot);
      await file.sync();
    } finally {
      await file.close();
    }
    await disk.rename(unfinished, path);
    await disk.syncFolder(folder);
    return bytes;
  } catch (error) {
    rmSync(unfinished, { force: true });
    rmSync(path, { force: true });
    throw error;
  }
}

/** @throws SnapshotDamaged */
export function readSnapshot(folder: string, number: number): { readonly snapshot: Snapshot; readonly bytes: number } {
  let bytes: Buffer;
  try {
    bytes = readFileSync(snapshotPath(folder, number));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw new SnapshotDamaged("it is missing");
    throw error;
  }
  if (bytes.length < HEADER_BYTES) throw new SnapshotDamaged("its header is incomplete");
  if (bytes.readUInt32LE(28) !== crc32(bytes.subarray(0, 28)))
    throw new SnapshotDamaged("its header's checksum does not match");
  if (!bytes.subarray(0, 8).equals(MAGIC)) throw new SnapshotDamaged("it is no snapshot");
  if (bytes.readUInt32LE(8) !== VERSION)
    throw new SnapshotDamaged(`it has the unknown version ${bytes.readUInt32LE(8)}`);
  if (bytes.readUInt32LE(12) !== number)
    throw new SnapshotDamaged(`it calls itself snapshot ${bytes.readUInt32LE(12)}`);
  const length = Number(bytes.readBigUInt64LE(16));
  if (length !== bytes.length - HEADER_BYTES)
    throw new SnapshotDamaged(`it has ${bytes.length - HEADER_BYTES} bytes where ${length} were written`);
  const body = bytes.subarray(HEADER_BYTES);
  if (crc32(body) !== bytes.readUInt32LE(24)) throw new SnapshotDamaged("its checksum does not match");
  return { snapshot: decodeBody(body), bytes: bytes.length };
}

async function writeContents(file: SnapshotHandle, number: number, snapshot: Snapshot): Promise<number> {
  const head = encodeBodyHead(snapshot);
  let position = HEADER_BYTES;
  let checksum = 0;
  for (const part of [head, snapshot.data]) {
    for (let from = 0; from < part.length; from += PIECE_BYTES) {
      const piece = part.subarray(from, from + PIECE_BYTES);
      checksum = crc32(piece, checksum);
      position += await writeAll(file, piece, position);
    }
  }
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(VERSION, 8);
  header.writeUInt32LE(number, 12);
  header.writeBigUInt64LE(BigInt(position - HEADER_BYTES), 16);
  header.writeUInt32LE(checksum, 24);
  header.writeUInt32LE(crc32(header.subarray(0, 28)), 28);
  await writeAll(file, header, 0);
  return position;
}

async function writeAll(file: SnapshotHandle, bytes: Uint8Array, position: number): Promise<number> {
  for (let written = 0; written < bytes.length; )
    written += await file.write(bytes.subarray(written), position + written);
  return bytes.length;
}

/** All of the body but the data's own bytes. */
function encodeBodyHead({ index, term, configuration, data }: Snapshot): Uint8Array {
  const writer = new ByteWriter();
  writer.varint(index);
  writer.varint(term);
  writeConfiguration(writer, configuration);
  writer.varint(data.length);
  return writer.finish();
}

/** @throws MalformedBytes: the checksum held, so another version wrote it */
function decodeBody(body: Uint8Array): Snapshot {
  const reader = new ByteReader(body);
  const index = reader.varint();
  const term = reader.varint();
  const configuration = readConfiguration(reader);
  const data = reader.bytes(body.length);
  reader.end();
  return { index, term, configuration, data };
}

function handleOf(file: FileHandle): SnapshotHandle {
  return {
    write: async (bytes, position) => (await file.write(bytes, 0, bytes.length, position)).bytesWritten,
    sync: () => file.sync(),
    close: () => file.close(),
  };
}
