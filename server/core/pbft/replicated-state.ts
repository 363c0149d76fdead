import { ByteReader, ByteWriter } from "../bytes.ts";
import { MAX_STATE_BYTES } from "./limits.ts";
import { RequestTable } from "./request-table.ts";

/** All that replicas agree on after a sequence number: the state machine's, and what of the protocol decides how it goes on. A checkpoint's digest is over its bytes. */
export interface ReplicatedState {
  readonly seq: number;
  /** Index, term and time of the last entry. */
  readonly index: number;
  readonly term: number;
  readonly timeMs: number;
  readonly table: RequestTable;
  /** What the state machine's `snapshot` gave. */
  readonly machine: Uint8Array;
}

/** All but the machine's part: written when the sequence number is executed, as it goes on changing while the machine's snapshot is being made. */
export function encodeHead({ seq, index, term, timeMs, table }: Omit<ReplicatedState, "machine">): Uint8Array {
  const writer = new ByteWriter();
  writer.varint(seq);
  writer.varint(index);
  writer.varint(term);
  writer.varint(timeMs);
  table.write(writer);
  return writer.finish();
}

/** Equal states, equal bytes. */
export function encodeReplicated(head: Uint8Array, machine: Uint8Array): Uint8Array {
  const writer = new ByteWriter(head.length + machine.length + 16);
  writer.raw(head);
  writer.bytes(machine);
  return writer.finish();
}

/** @throws MalformedBytes */
export function decodeReplicated(bytes: Uint8Array): ReplicatedState {
  const reader = new ByteReader(bytes);
  const [seq, index, term, timeMs] = [reader.varint(), reader.varint(), reader.varint(), reader.varint()];
  const table = RequestTable.read(reader);
  const machine = reader.bytes(MAX_STATE_BYTES);
  reader.end();
  return { seq, index, term, timeMs, table, machine };
}
