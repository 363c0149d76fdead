import { type ByteReader, type ByteWriter, MalformedBytes } from "../bytes.ts";
import type { AgentId } from "../consensus.ts";
import { compareText } from "../text.ts";
import { MAX_ID_BYTES, MAX_REPLICAS } from "./limits.ts";
import type { Request } from "./types.ts";

/** Requests that one origin may have executed above its floor; more are not executed before its floor rises. */
export const MAX_EXECUTED_ABOVE_FLOOR = 4096;

interface Origin {
  life: number;
  /** All below are executed, or not asked for any more. */
  floor: number;
  readonly executed: Set<number>;
}

/**
 * Which requests were executed, so that each is executed once however often it is ordered (OSDI '99, §4.1: a replica keeps the last timestamp it executed for each client).
 * Here a client has many under way, so it also says below which number it will ask for nothing. Part of the replicated state: changed by executed requests alone.
 */
export class RequestTable {
  readonly #origins = new Map<AgentId, Origin>();

  /** Whether it is to be executed now; it then counts as executed. */
  admit({ origin, life, number, floor }: Request): boolean {
    let known = this.#origins.get(origin);
    if (known === undefined || life > known.life) {
      known = { life, floor: 1, executed: new Set() };
      this.#origins.set(origin, known);
    }
    if (life < known.life) return false;
    this.#raise(known, Math.min(floor, number));
    if (number < known.floor || known.executed.has(number) || known.executed.size >= MAX_EXECUTED_ABOVE_FLOOR)
      return false;
    known.executed.add(number);
    this.#raise(known, known.floor);
    return true;
  }

  /** Whether it was executed, or never will be. */
  executed({ origin, life, number }: Pick<Request, "origin" | "life" | "number">): boolean {
    const known = this.#origins.get(origin);
    if (known === undefined || life > known.life) return false;
    return life < known.life || number < known.floor || known.executed.has(number);
  }

  /** Equal tables, equal bytes. */
  write(writer: ByteWriter): void {
    writer.varint(this.#origins.size);
    for (const [id, { life, floor, executed }] of [...this.#origins].sort(([a], [b]) => compareText(a, b))) {
      writer.text(id);
      writer.varint(life);
      writer.varint(floor);
      writer.varint(executed.size);
      for (const number of [...executed].sort((a, b) => a - b)) writer.varint(number);
    }
  }

  /** @throws MalformedBytes */
  static read(reader: ByteReader): RequestTable {
    const table = new RequestTable();
    for (let left = reader.count(MAX_REPLICAS); left > 0; left--) {
      const id = reader.text(MAX_ID_BYTES);
      const origin: Origin = { life: reader.varint(), floor: reader.varint(), executed: new Set() };
      for (let numbers = reader.count(MAX_EXECUTED_ABOVE_FLOOR); numbers > 0; numbers--)
        origin.executed.add(reader.varint());
      if (table.#origins.has(id)) throw new MalformedBytes("an origin twice");
      table.#origins.set(id, origin);
    }
    return table;
  }

  /** Numbers in a row above the floor need not be kept one by one. */
  #raise(known: Origin, floor: number): void {
    if (floor > known.floor) {
      for (const number of known.executed) if (number < floor) known.executed.delete(number);
      known.floor = floor;
    }
    while (known.executed.delete(known.floor)) known.floor++;
  }
}
