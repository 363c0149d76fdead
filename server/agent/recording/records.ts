import type { ClientRequest } from "../../contract/client.ts";
import { ByteReader, ByteWriter, MalformedBytes } from "../../core/bytes.ts";
import type { AgentId } from "../../core/consensus.ts";
import { unreachable } from "../../core/invariant.ts";
import type { Link } from "../../core/overlay/types.ts";
import type { Judgement, LogBatch, Measurement, TaskEnd } from "../world.ts";
import { type Answer, readAnswers, writeAnswers } from "./answers.ts";
import { readBatch, writeBatch } from "./batches.ts";
import { BLOCK_HEAD_BYTES, sealInPlace } from "./blocks.ts";
import { RecentFrames } from "./frames.ts";
import { readRequest, writeRequest } from "./requests.ts";
import { asFields, NamesIn, NamesOut, readValue, writeValue } from "./values.ts";

/** One input of an agent, in the order they came. `now`: as the agent was told it, ms since the epoch. */
export type InputRecord =
  | { readonly type: "start" | "alarm" | "turn" | "leave" | "report"; readonly now: number }
  | { readonly type: "linkUp" | "linkDown"; readonly peer: AgentId; readonly now: number }
  | { readonly type: "receive"; readonly peer: AgentId; readonly frame: Uint8Array; readonly now: number }
  | {
      readonly type: "requests";
      readonly connection: number;
      readonly requests: readonly ClientRequest[];
      readonly now: number;
    }
  | { readonly type: "taskEnded"; readonly end: TaskEnd; readonly now: number }
  | { readonly type: "judged"; readonly judgement: Judgement; readonly now: number }
  | { readonly type: "measured"; readonly measurement: Measurement; readonly now: number }
  | {
      readonly type: "rosterChanged";
      readonly roster: readonly AgentId[];
      readonly links: readonly Link[];
      readonly now: number;
    }
  | { readonly type: "clientGone"; readonly connection: number }
  /** An append to the log became durable: `place` among those that were not yet, the oldest first from 0. */
  | { readonly type: "durable"; readonly place: number };

/** What a replay is compared with: hashes of what the agent was after a turn (see Fingerprint). */
export interface CheckRecord {
  readonly type: "check";
  readonly now: number;
  /** Index of the last entry applied. */
  readonly applied: number;
  /** Of the replicated state; "" where it was not taken, as it takes time in proportion to the state. */
  readonly machine: string;
  /** Of Raft's status. */
  readonly raft: string;
  /** Of all that left the agent since it began, frame by frame and append by append. */
  readonly outputs: string;
}

/** In a segment that does not reach back to the agent's start: what the inputs led to, as they alone do not tell it there. */
export type EffectRecord =
  /** To the log; by an agent that journals, to its state machine. */
  | { readonly type: "appended"; readonly batch: LogBatch }
  /** To the machine of a memory beside the consensus: entries, or another agent's state. */
  | { readonly type: "remembered"; readonly batch: LogBatch }
  /** After a turn: the last entry applied, and the fields of Raft's status that have changed. */
  | { readonly type: "stood"; readonly applied: number; readonly raft: Readonly<Record<string, unknown>> };

/** What the agent's cryptography answered while it took the input that comes next. There is none where it was asked nothing. */
export interface AnswersRecord {
  readonly type: "answers";
  readonly answers: readonly Answer[];
}

export type RecordingRecord = InputRecord | CheckRecord | EffectRecord | AnswersRecord;

const Kind = {
  start: 1,
  linkUp: 2,
  linkDown: 3,
  receive: 4,
  alarm: 5,
  turn: 6,
  requests: 7,
  clientGone: 8,
  taskEnded: 9,
  leave: 10,
  rosterChanged: 11,
  report: 12,
  durable: 13,
  check: 14,
  appended: 15,
  stood: 16,
  answers: 17,
  judged: 18,
  measured: 19,
  remembered: 20,
} as const satisfies Record<RecordingRecord["type"], number>;
const TYPES = new Map(Object.entries(Kind).map(([type, kind]) => [kind as number, type as RecordingRecord["type"]]));

/** A record begins with its kind, and how its time is written. */
const KIND_BITS = 5;
const Time = { same: 0, steps: 1, double: 2 } as const;
/** From 2004 to 2039, ms since the epoch are doubles between 2^40 and 2^41: whole multiples of this part of a ms. */
const STEPS_PER_MS = 4096;
const MAX_STEPS = 2 ** 50;
const HEAD_ROOM = new Uint8Array(BLOCK_HEAD_BYTES);
/** What most blocks stay below. */
const BLOCK_ROOM_BYTES = 80 * 1024;

/** Writes the records of a segment, block by block. Of what lies in blocks before its own, a record refers to received frames alone. */
export class RecordWriter {
  readonly #writer = new ByteWriter(BLOCK_ROOM_BYTES);
  readonly #names = new NamesOut();
  readonly #frames = new RecentFrames();
  #now = 0;

  constructor() {
    this.#begin();
  }

  /** Bytes of the block's content so far. */
  get length(): number {
    return this.#writer.length - BLOCK_HEAD_BYTES;
  }

  /** The block, complete; the next one begins. @param roomFor memory of that many bytes to put it into; absent: its own. */
  take(roomFor: (bytes: number) => Uint8Array = (bytes) => new Uint8Array(bytes)): Uint8Array {
    const written = this.#writer.view();
    const block = roomFor(written.length);
    block.set(written);
    sealInPlace(block);
    this.#begin();
    return block;
  }

  /** Another segment begins, between two blocks. */
  nextSegment(): void {
    this.#frames.clear();
  }

  #begin(): void {
    this.#writer.clear();
    this.#writer.raw(HEAD_ROOM);
    this.#names.clear();
    this.#now = 0;
  }

  write(record: RecordingRecord): void {
    const writer = this.#writer;
    this.#head(Kind[record.type], "now" in record ? record.now : this.#now);
    switch (record.type) {
      case "start":
      case "alarm":
      case "turn":
      case "leave":
      case "report":
        break;
      case "linkUp":
      case "linkDown":
        this.#names.write(writer, record.peer);
        break;
      case "receive":
        this.#names.write(writer, record.peer);
        writer.bytes(record.frame);
        this.#frames.add(record.frame);
        break;
      case "requests":
        writer.varint(record.connection);
        writer.varint(record.requests.length);
        for (const request of record.requests) writeRequest(writer, this.#names, request);
        break;
      case "clientGone":
        writer.varint(record.connection);
        break;
      case "taskEnded":
        writeValue(writer, this.#names, record.end);
        break;
      case "judged":
        writeValue(writer, this.#names, record.judgement);
        break;
      case "measured":
        writeValue(writer, this.#names, record.measurement);
        break;
      case "rosterChanged":
        writeValue(writer, this.#names, record.roster);
        writeValue(writer, this.#names, record.links);
        break;
      case "durable":
        writer.varint(record.place);
        break;
      case "check":
        writer.varint(record.applied);
        for (const hash of [record.machine, record.raft, record.outputs]) writer.text(hash);
        break;
      case "appended":
      case "remembered":
        writeBatch(writer, this.#names, this.#frames, record.batch);
        break;
      case "stood":
        writer.varint(record.applied);
        writeValue(writer, this.#names, record.raft);
        break;
      case "answers":
        writeAnswers(writer, record.answers);
        break;
      default:
        unreachable(record, "record");
    }
  }

  #head(kind: number, now: number): void {
    const steps = (now - this.#now) * STEPS_PER_MS;
    const how =
      now === this.#now
        ? Time.same
        : steps > 0 && steps < MAX_STEPS && Number.isInteger(steps) && this.#now + steps / STEPS_PER_MS === now
          ? Time.steps
          : Time.double;
    this.#writer.byte(kind | (how << KIND_BITS));
    if (how === Time.steps) this.#writer.varint(steps);
    else if (how === Time.double) this.#writer.double(now);
    this.#now = now;
  }
}

/** All records of a block. Frames and values are views into it. @param frames of the blocks before it in the segment. @throws MalformedBytes */
export function readRecords(content: Uint8Array, frames = new RecentFrames()): RecordingRecord[] {
  const reader = new ByteReader(content);
  const names = new NamesIn();
  const records: RecordingRecord[] = [];
  let now = 0;
  while (reader.remaining > 0) {
    const head = reader.byte();
    const type = TYPES.get(head & ((1 << KIND_BITS) - 1));
    if (type === undefined) throw new MalformedBytes(`unknown record ${head}`);
    now = readTime(reader, head >> KIND_BITS, now);
    const record = readRecord(reader, names, frames, type, now);
    if (record.type === "receive") frames.add(record.frame);
    records.push(record);
  }
  return records;
}

function readTime(reader: ByteReader, how: number, before: number): number {
  if (how === Time.same) return before;
  if (how === Time.steps) return before + reader.varint() / STEPS_PER_MS;
  if (how !== Time.double) throw new MalformedBytes(`unknown form of a time: ${how}`);
  const now = reader.double();
  if (!Number.isFinite(now)) throw new MalformedBytes(`not a time: ${now}`);
  return now;
}

function readRecord(
  reader: ByteReader,
  names: NamesIn,
  frames: RecentFrames,
  type: RecordingRecord["type"],
  now: number,
): RecordingRecord {
  const value = (): unknown => readValue(reader, names);
  switch (type) {
    case "start":
    case "alarm":
    case "turn":
    case "leave":
    case "report":
      return { type, now };
    case "linkUp":
    case "linkDown":
      return { type, peer: names.read(reader), now };
    case "receive": {
      const peer = names.read(reader);
      return { type, peer, frame: reader.bytes(reader.remaining), now };
    }
    case "requests": {
      const connection = reader.varint();
      const requests: ClientRequest[] = [];
      for (let left = reader.count(reader.remaining); left > 0; left--) requests.push(readRequest(reader, names));
      return { type, connection, requests, now };
    }
    case "clientGone":
      return { type, connection: reader.varint() };
    case "taskEnded":
      return {
        type,
        end: asFields(value(), "a task's end", ["taskId", "token", "outcome"]) as unknown as TaskEnd,
        now,
      };
    case "judged":
      return {
        type,
        judgement: asFields(value(), "a judgement", ["proposalId", "choice", "reason"]) as unknown as Judgement,
        now,
      };
    case "measured":
      return { type, measurement: asFields(value(), "a measurement", []) as Measurement, now };
    case "rosterChanged":
      return { type, roster: asList(value(), "a roster"), links: asList(value(), "links"), now };
    case "durable":
      return { type, place: reader.varint() };
    case "check": {
      const applied = reader.varint();
      const hash = (): string => reader.text(64);
      return { type, now, applied, machine: hash(), raft: hash(), outputs: hash() };
    }
    case "appended":
    case "remembered":
      return { type, batch: readBatch(reader, names, frames) };
    case "stood": {
      const applied = reader.varint();
      return { type, applied, raft: asFields(value(), "Raft's status", []) };
    }
    case "answers":
      return { type, answers: readAnswers(reader) };
    default:
      return unreachable(type, "record");
  }
}

/** @throws MalformedBytes */
function asList<Item>(value: unknown, what: string): Item[] {
  if (!Array.isArray(value)) throw new MalformedBytes(`${what} is no list`);
  return value as Item[];
}
