import { ByteReader, ByteWriter, MalformedBytes } from "../bytes.ts";
import { type Entry, EntryKind } from "../consensus.ts";
import { readOperation, readVector, writeOperation, writeShortfall, writeVector } from "./codec.ts";
import { MAX_MEMBERS, MAX_OPERATIONS, MAX_STATE_BYTES } from "./limits.ts";
import { type Changes, readChanges, UNCHANGED, writeChanges } from "./roll.ts";
import { timeMsOf } from "./stamps.ts";
import type { Operation, Vector } from "./types.ts";
import { covers, sumOf } from "./vectors.ts";

/**
 * What an agent logs: a journal of its own, in the order in which it delivered, which nobody else reads. Its entries have the places, terms and times of those given out as committed, and
 * an operation where those have the bare command. Its snapshots have, besides the state machine's, what was delivered and the operations that others may still lack.
 */

const STATE_FORMAT = 1;
/** The same of members who came or went: with those. */
const CHANGED_STATE_FORMAT = 2;

/** What a journal begins with after a snapshot, and what an agent that is too far behind is sent. */
export interface State {
  readonly roster: number;
  /** Who has come and gone by what it stands for. */
  readonly changes: Changes;
  /** What all that follows stands for. The entry's place is how many that are. */
  readonly have: Vector;
  /** Of those, the ones that are not kept any more. */
  readonly dropped: Vector;
  /** Stamp of the last one in the order of delivery; 0 without one. */
  readonly lastTerm: number;
  /** The greatest stamp. */
  readonly lastStamp: number;
  /** All of `have` that are not dropped, in the order of delivery. */
  readonly retained: readonly Operation[];
  /** What the state machine's `snapshot` gave. */
  readonly machine: Uint8Array;
}

/** As it is given out. */
export function entryOf(operation: Operation, index: number): Entry {
  const { stamp, data, changes } = operation;
  const kind = changes ? EntryKind.configuration : EntryKind.command;
  return { index, term: stamp, kind, timeMs: timeMsOf(stamp), data };
}

/** As it is logged: whether it changes who counts it says itself. */
export function journalEntryOf(operation: Operation, index: number): Entry {
  const writer = new ByteWriter(operation.data.length + 32 + operation.deps.length * 4);
  writeOperation(writer, operation);
  return { ...entryOf(operation, index), kind: EntryKind.command, data: writer.finish() };
}

/** @throws MalformedBytes */
export function operationIn({ kind, term, data }: Entry): Operation {
  if (kind !== EntryKind.command) throw new MalformedBytes("a journal of gossip holds operations alone");
  const reader = new ByteReader(data);
  const operation = readOperation(reader);
  reader.end();
  if (operation.stamp !== term) throw new MalformedBytes("an operation's stamp is its entry's term");
  return operation;
}

export function encodeState(state: State): Uint8Array {
  const writer = new ByteWriter(state.machine.length + 1024);
  const { added, removed } = state.changes;
  const changed = added.length + removed.length > 0;
  writer.byte(changed ? CHANGED_STATE_FORMAT : STATE_FORMAT);
  writer.varint(state.roster);
  if (changed) writeChanges(writer, state.changes);
  writeVector(writer, state.have);
  writeShortfall(writer, state.have, state.dropped);
  writer.varint(state.lastTerm);
  writer.varint(state.lastStamp);
  writer.varint(state.retained.length);
  for (const operation of state.retained) writeOperation(writer, operation);
  writer.bytes(state.machine);
  return writer.finish();
}

/** Operations' data are copies: the rest may be far larger, and go. @throws MalformedBytes */
export function decodeState(bytes: Uint8Array): State {
  const reader = new ByteReader(bytes);
  const format = reader.byte();
  if (format !== STATE_FORMAT && format !== CHANGED_STATE_FORMAT)
    throw new MalformedBytes("not a state of this format");
  const roster = reader.varint();
  const changes = format === STATE_FORMAT ? UNCHANGED : readChanges(reader);
  const have = readVector(reader);
  const dropped = have.map((seq) => seq - reader.count(seq));
  const [lastTerm, lastStamp] = [reader.varint(), reader.varint()];
  const retained: Operation[] = [];
  const upTo = dropped.slice();
  // As many as there are bytes, and no more than any agent keeps.
  for (let left = reader.count(Math.min(reader.remaining, MAX_OPERATIONS * MAX_MEMBERS)); left > 0; left--) {
    const operation = readOperation(reader);
    const { origin, seq } = operation;
    if (seq !== (upTo[origin] ?? -1) + 1) throw new MalformedBytes("operations are kept without gaps");
    upTo[origin] = seq;
    retained.push({ ...operation, data: operation.data.slice() });
  }
  if (!covers(upTo, have) || sumOf(upTo) !== sumOf(have))
    throw new MalformedBytes("all that is not dropped is kept, and no more");
  if ([...changes.added, ...changes.removed.map(({ place }) => place)].some((place) => place >= have.length))
    throw new MalformedBytes("those who came and went have places");
  const machine = reader.bytes(MAX_STATE_BYTES);
  reader.end();
  return { roster, changes, have, dropped, lastTerm, lastStamp, retained, machine };
}
