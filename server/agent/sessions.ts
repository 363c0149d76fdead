import { type ByteReader, ByteWriter, MalformedBytes, writePieces } from "../core/bytes.ts";
import { MAX_SESSION_BYTES } from "./command.ts";
import { type MachineResult, readResult, writeResult } from "./results.ts";

export const MAX_SESSIONS = 10_000;
/** Answers one session may have kept; beyond it the lowest sequences are forgotten. So many writes of a session may be under way at a time. */
export const MAX_ANSWERS_A_SESSION = 1024;
/** Answers kept in all; beyond it the least recently used session is forgotten. */
export const MAX_ANSWERS = 200_000;

interface Session {
  /** Lower sequences are neither applied nor answered any more. */
  floor: number;
  readonly answers: Map<number, MachineResult>;
}

/**
 * Who wrote what, so that a write that was retried is applied once and answered the same (Ongaro's thesis, §6.3). Part of the replicated state: it
 * changes only by applied entries, and forgets by their order alone, so that all replicas forget the same.
 *
 * A session begins with a write that says nothing of it was answered yet; any other write of a session that is not known is refused, because whether it
 * was applied before is not known either. What remains: a session's very first writes, retried after MAX_SESSIONS other sessions have
 * written since, are applied again.
 */
export class Sessions {
  /** Least recently used first. */
  #sessions = new Map<string, Session>();
  #answers = 0;

  get size(): number {
    return this.#sessions.size;
  }

  /** The answer given before, if it is still known. Changes nothing. */
  answerOf(session: string, sequence: number): MachineResult | undefined {
    return this.#sessions.get(session)?.answers.get(sequence);
  }

  /** What a write came to: its answer, or that it is forgotten. undefined: not applied, as far as is known. Changes nothing. */
  outcomeOf(name: string, sequence: number): MachineResult | undefined {
    const session = this.#sessions.get(name);
    if (session === undefined) return undefined;
    return session.answers.get(sequence) ?? (sequence < session.floor ? EXPIRED : undefined);
  }

  /**
   * A write is about to be applied. Returns the answer if it was applied before or must not be applied; undefined if it is to be applied now, and
   * its result then given to `record`.
   */
  admit(name: string, sequence: number, firstUnanswered: number): MachineResult | undefined {
    let session = this.#sessions.get(name);
    if (session === undefined) {
      if (firstUnanswered > 1) return EXPIRED;
      session = { floor: 1, answers: new Map() };
    } else {
      this.#sessions.delete(name);
    }
    this.#sessions.set(name, session);
    const known = session.answers.get(sequence);
    if (known !== undefined) return known;
    if (sequence < session.floor) return EXPIRED;
    this.#forget(session, Math.min(firstUnanswered, sequence));
    return undefined;
  }

  record(name: string, sequence: number, result: MachineResult): void {
    const session = this.#sessions.get(name) as Session;
    session.answers.set(sequence, result);
    this.#answers++;
    if (session.answers.size > MAX_ANSWERS_A_SESSION) {
      let lowest = sequence;
      for (const kept of session.answers.keys()) if (kept < lowest) lowest = kept;
      this.#forget(session, lowest + 1);
    }
    while (this.#sessions.size > MAX_SESSIONS || this.#answers > MAX_ANSWERS) {
      const [oldest, { answers }] = this.#sessions.entries().next().value as [string, Session];
      this.#answers -= answers.size;
      this.#sessions.delete(oldest);
    }
  }

  /** All of it as it is at this moment, in pieces that are made as they are asked for; it may change meanwhile. */
  snapshotPieces(): Iterable<Uint8Array> {
    const sessions = Array.from(this.#sessions, ([name, { floor, answers }]) => ({
      name,
      floor,
      answers: [...answers],
    }));
    const writer = new ByteWriter();
    writer.varint(sessions.length);
    return writePieces(writer, sessions, ({ name, floor, answers }) => {
      writer.text(name);
      writer.varint(floor);
      writer.varint(answers.length);
      for (const [sequence, result] of answers.sort(([a], [b]) => a - b)) {
        writer.varint(sequence);
        writeResult(writer, result);
      }
    });
  }

  /** @throws MalformedBytes */
  static read(reader: ByteReader): Sessions {
    const restored = new Sessions();
    for (let left = reader.count(MAX_SESSIONS); left > 0; left--) {
      const name = reader.text(MAX_SESSION_BYTES);
      const session: Session = { floor: reader.varint(), answers: new Map() };
      if (name === "" || restored.#sessions.has(name)) throw new MalformedBytes("a session without a name of its own");
      let last = session.floor - 1;
      for (let answers = reader.count(MAX_ANSWERS_A_SESSION); answers > 0; answers--) {
        const sequence = reader.varint();
        if (sequence <= last) throw new MalformedBytes("answers not in order");
        last = sequence;
        session.answers.set(sequence, readResult(reader));
        if (++restored.#answers > MAX_ANSWERS) throw new MalformedBytes("too many answers");
      }
      restored.#sessions.set(name, session);
    }
    return restored;
  }

  #forget(session: Session, floor: number): void {
    if (floor <= session.floor) return;
    if (floor - session.floor <= session.answers.size) {
      for (let sequence = session.floor; sequence < floor; sequence++)
        if (session.answers.delete(sequence)) this.#answers--;
    } else {
      for (const sequence of [...session.answers.keys()])
        if (sequence < floor && session.answers.delete(sequence)) this.#answers--;
    }
    session.floor = floor;
  }
}

const EXPIRED: MachineResult = { type: "sessionExpired" };
