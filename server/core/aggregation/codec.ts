import { ByteReader, ByteWriter, MalformedBytes } from "../bytes.ts";
import { MAX_METRIC_BYTES, MAX_PARTICIPANTS, MAX_VALUE } from "./limits.ts";
import { fits, type PlaceSet } from "./place-set.ts";
import {
  type AggregateMessage,
  type AggregateStart,
  EMPTY,
  type Interval,
  type Parcel,
  type Participant,
} from "./types.ts";

/** Of the messages' form. One of another version is not for this reader, and is passed over. */
export const AGGREGATE_VERSION = 1;
/** Places in the roster stay below this. */
const MAX_PLACE = 65_535;
const MAX_INCARNATION = 2 ** 48;
const MAX_PHASE = 2 ** 16;
const Flag = { asks: 1, done: 2, parcel: 4, ack: 8 } as const;
const ALL_FLAGS = 15;

/**
 * The binary form of a message: version | flags | sender's incarnation | initiator | its incarnation | number | metric | count | participants, each by how far its place is behind the one
 * before, and its incarnation | gone | phase | heard | hull | valued | extremes | bound | a parcel's number, sum and weight | an acknowledgement's number and phase. 3 bytes a participant, mostly, and some
 * 70 besides.
 */
export class AggregateCodec {
  readonly #writer = new ByteWriter();

  encode(message: AggregateMessage): Uint8Array {
    const { start, asks, done, parcel, ack } = message;
    const writer = this.#writer;
    writer.clear();
    writer.byte(AGGREGATE_VERSION);
    writer.byte((asks ? Flag.asks : 0) | (done ? Flag.done : 0) | (parcel ? Flag.parcel : 0) | (ack ? Flag.ack : 0));
    writer.varint(message.incarnation);
    this.#start(start);
    writer.raw(message.gone);
    writer.varint(message.phase);
    writer.raw(message.heard);
    this.#interval(message.hull);
    writer.raw(message.valued);
    this.#interval(message.extremes);
    this.#interval(message.bound);
    if (parcel) {
      writer.varint(parcel.seq);
      writer.double(parcel.sum);
      writer.double(parcel.weight);
    }
    if (ack) {
      writer.varint(ack.seq);
      writer.varint(ack.phase);
    }
    return writer.finish();
  }

  /** undefined: of a version that this reader does not know. @throws MalformedBytes */
  decode(bytes: Uint8Array): AggregateMessage | undefined {
    const reader = new ByteReader(bytes);
    if (reader.byte() !== AGGREGATE_VERSION) return undefined;
    const flags = reader.byte();
    if (flags > ALL_FLAGS) throw new MalformedBytes(`unknown flags ${flags}`);
    const incarnation = positive(reader, "incarnation");
    const start = readStart(reader);
    const size = start.participants.length;
    const gone = readSet(reader, size);
    const phase = reader.count(MAX_PHASE);
    const heard = readSet(reader, size);
    const hull = readInterval(reader);
    const valued = readSet(reader, size);
    const extremes = readInterval(reader);
    const bound = readInterval(reader);
    const parcel = (flags & Flag.parcel) === 0 ? undefined : readParcel(reader, size);
    const ack =
      (flags & Flag.ack) === 0 ? undefined : { seq: positive(reader, "number"), phase: reader.count(MAX_PHASE) };
    reader.end();
    const told = { asks: (flags & Flag.asks) !== 0, done: (flags & Flag.done) !== 0 };
    const sets = { gone, phase, heard, hull, valued, extremes, bound };
    return { start, incarnation, ...told, ...sets, ...(parcel && { parcel }), ...(ack && { ack }) };
  }

  #start({ id, metric, participants }: AggregateStart): void {
    const writer = this.#writer;
    writer.varint(id.initiator);
    writer.varint(id.incarnation);
    writer.varint(id.number);
    writer.text(metric);
    writer.varint(participants.length);
    let before = -1;
    for (const { place, incarnation } of participants) {
      writer.varint(place - before - 1);
      writer.varint(incarnation);
      before = place;
    }
  }

  #interval({ lo, hi }: Interval): void {
    this.#writer.double(lo);
    this.#writer.double(hi);
  }
}

function readStart(reader: ByteReader): AggregateStart {
  const initiator = reader.count(MAX_PLACE);
  const id = { initiator, incarnation: positive(reader, "incarnation"), number: positive(reader, "number") };
  const metric = reader.text(MAX_METRIC_BYTES);
  if (metric === "") throw new MalformedBytes("an aggregate of nothing");
  const participants: Participant[] = [];
  let before = -1;
  for (let left = reader.count(MAX_PARTICIPANTS); left > 0; left--) {
    const place = before + 1 + reader.count(MAX_PLACE);
    if (place > MAX_PLACE) throw new MalformedBytes(`no place in a roster: ${place}`);
    participants.push({ place, incarnation: positive(reader, "incarnation") });
    before = place;
  }
  if (!participants.some(({ place, incarnation }) => place === initiator && incarnation === id.incarnation))
    throw new MalformedBytes("an aggregate without its initiator");
  return { id, metric, participants };
}

function positive(reader: ByteReader, what: string): number {
  const value = reader.count(MAX_INCARNATION);
  if (value === 0) throw new MalformedBytes(`${what} 0`);
  return value;
}

function readSet(reader: ByteReader, size: number): PlaceSet {
  const set = reader.raw(Math.ceil(size / 8)).slice();
  if (!fits(set, size)) throw new MalformedBytes("a set of more than take part");
  return set;
}

function readInterval(reader: ByteReader): Interval {
  const [lo, hi] = [reader.double(), reader.double()];
  if (lo === EMPTY.lo && hi === EMPTY.hi) return EMPTY;
  if (!(lo <= hi && Math.abs(lo) <= MAX_VALUE && Math.abs(hi) <= MAX_VALUE))
    throw new MalformedBytes(`no interval: ${lo} to ${hi}`);
  return { lo, hi };
}

function readParcel(reader: ByteReader, size: number): Parcel {
  const [seq, sum, weight] = [positive(reader, "number"), reader.double(), reader.double()];
  if (!(weight > 0 && weight <= size && Math.abs(sum) <= weight * MAX_VALUE * 2))
    throw new MalformedBytes(`no mass: ${sum} with weight ${weight}`);
  return { seq, sum, weight };
}
