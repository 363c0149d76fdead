import { type ByteReader, type ByteWriter, MalformedBytes, writePieces } from "../bytes.ts";
import { DeadlineQueue } from "../deadlines.ts";
import { compareText } from "../text.ts";
import { MAX_WRITER_BYTES } from "./limits.ts";
import { compareIds, type WriteId } from "./write-id.ts";

/** Never changed, only replaced. */
interface Seen extends WriteId {
  /** Entry time, ms, from which it is not known any more. */
  readonly forgetMs: number;
}

/**
 * Which writes have taken effect, for those that may do so only once: a client that gets no answer asks another agent, and so one write may become two operations, in this order here and in that order there.
 * What it says depends on what was told and on the time alone, not on the order.
 */
export class Once {
  readonly #seen = new Map<string, Map<number, Seen>>();
  readonly #forgotten = new DeadlineQueue<Seen>();
  #order = 0;

  get size(): number {
    return this.#forgotten.size;
  }

  /** @param forgetMs no repetition comes later than then. @param timeMs entry time. @returns whether it is the first time. */
  first({ session, sequence }: WriteId, forgetMs: number, timeMs: number): boolean {
    const known = this.#seen.get(session)?.get(sequence);
    if (known === undefined) {
      if (forgetMs > timeMs) this.#add({ session, sequence, forgetMs });
      return true;
    }
    if (forgetMs > known.forgetMs) {
      this.#forgotten.delete(known);
      this.#add({ session, sequence, forgetMs });
    }
    return false;
  }

  clock(timeMs: number): void {
    for (let due = this.#forgotten.takeDue(timeMs); due !== undefined; due = this.#forgotten.takeDue(timeMs)) {
      const ofSession = this.#seen.get(due.session);
      ofSession?.delete(due.sequence);
      if (ofSession?.size === 0) this.#seen.delete(due.session);
    }
  }

  /** As it is now: a list for each session, these in order, each in none. */
  noted(): readonly (readonly Seen[])[] {
    const sessions = [...this.#seen].sort(([a], [b]) => compareText(a, b));
    return sessions.map(([, ofSession]) => [...ofSession.values()]);
  }

  /** What `noted` gave, a session a piece: writes that are made one after the other are nearly in order. */
  static *pieces(writer: ByteWriter, noted: readonly (readonly Seen[])[]): Generator<Uint8Array, void> {
    writer.varint(noted.reduce((count, ofSession) => count + ofSession.length, 0));
    for (const ofSession of noted)
      yield* writePieces(
        writer,
        ofSession.toSorted((a, b) => a.sequence - b.sequence),
        (seen) => {
          writeId(writer, seen);
          writer.varint(seen.forgetMs);
        },
      );
  }

  /** @throws MalformedBytes unless it is one that is still known at `timeMs`, after all that were read before. */
  read(reader: ByteReader, last: WriteId | undefined, timeMs: number): WriteId {
    const id = readId(reader);
    const forgetMs = reader.varint();
    if (last !== undefined && compareIds(last, id) >= 0) throw new MalformedBytes("writes not in order");
    if (forgetMs <= timeMs) throw new MalformedBytes("holds a write that is to be forgotten");
    this.#add({ ...id, forgetMs });
    return id;
  }

  #add(one: Seen): void {
    let ofSession = this.#seen.get(one.session);
    if (ofSession === undefined) {
      ofSession = new Map();
      this.#seen.set(one.session, ofSession);
    }
    ofSession.set(one.sequence, one);
    this.#forgotten.set(one, one.forgetMs, ++this.#order);
  }
}

export function writeId(writer: ByteWriter, { session, sequence }: WriteId): void {
  writer.text(session);
  writer.varint(sequence);
}

/** @throws MalformedBytes */
export function readId(reader: ByteReader): WriteId {
  const session = reader.text(MAX_WRITER_BYTES);
  const sequence = reader.varint();
  if (session === "" || sequence === 0) throw new MalformedBytes("a write without a session or sequence");
  return { session, sequence };
}
