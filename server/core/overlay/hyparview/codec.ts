import { ByteReader, ByteWriter, MalformedBytes } from "../../bytes.ts";
import type { AgentId } from "../../consensus.ts";
import { MemberPlaces } from "../../membership/news.ts";
import { MAX_NUMBER, MAX_SHUFFLED, MAX_WALK } from "./limits.ts";
import type { HyParViewMessage } from "./types.ts";

const TYPES = [
  "join",
  "forwardJoin",
  "neighbourLow",
  "neighbourHigh",
  "accepted",
  "refused",
  "disconnect",
  "leaving",
  "shuffle",
  "shuffleReply",
] as const;

/**
 * The binary form of what agents tell each other about their views: type | number, for requests, answers and shuffles | the newcomer's or origin's place, of walks | ttl, of walks | count
 * of ids and their places, of shuffles. A request takes 2 to 8 bytes, a shuffle of the paper's 8 ids some 20. Places beyond the reader's roster are left out.
 */
export class HyParViewCodec {
  readonly #places: MemberPlaces;
  readonly #writer = new ByteWriter();

  /** @param roster the same at all agents, in the same order, as far as each knows it. */
  constructor(roster: readonly AgentId[]) {
    this.#places = new MemberPlaces(roster);
  }

  grow(roster: readonly AgentId[]): void {
    this.#places.grow(roster);
  }

  /** @throws RangeError for what the reader would refuse, and for agents that are not in the roster. */
  encode(message: HyParViewMessage): Uint8Array {
    const writer = this.#writer;
    writer.clear();
    writer.byte(TYPES.indexOf(typeOf(message)));
    if ("number" in message) writer.varint(below(message.number, MAX_NUMBER - 1));
    if (message.type === "forwardJoin") writer.varint(this.#places.of(message.newcomer));
    if (message.type === "shuffle") writer.varint(this.#places.of(message.origin));
    if ("ttl" in message) writer.varint(below(message.ttl, MAX_WALK));
    if ("ids" in message) {
      writer.varint(below(message.ids.length, MAX_SHUFFLED));
      for (const id of message.ids) writer.varint(this.#places.of(id));
    }
    return writer.finish();
  }

  /** undefined: it is about an agent that this reader has not been told of yet. @throws MalformedBytes */
  decode(bytes: Uint8Array): HyParViewMessage | undefined {
    const reader = new ByteReader(bytes);
    const message = this.#read(reader);
    reader.end();
    return message;
  }

  #read(reader: ByteReader): HyParViewMessage | undefined {
    const type = TYPES[reader.byte()];
    const number = () => reader.count(MAX_NUMBER - 1);
    switch (type) {
      case "join":
        return { type, number: number() };
      case "forwardJoin": {
        const [newcomer, ttl] = [this.#places.at(reader.varint()), reader.count(MAX_WALK)];
        return newcomer === undefined ? undefined : { type, newcomer, ttl };
      }
      case "neighbourLow":
      case "neighbourHigh":
        return { type: "neighbour", number: number(), priority: type === "neighbourHigh" ? "high" : "low" };
      case "accepted":
      case "refused":
        return { type: "neighbourReply", number: number(), accepted: type === "accepted" };
      case "disconnect":
      case "leaving":
        return { type: "disconnect", leaving: type === "leaving" };
      case "shuffle": {
        const shuffle = { number: number(), origin: this.#places.at(reader.varint()), ttl: reader.count(MAX_WALK) };
        const ids = this.#ids(reader);
        return shuffle.origin === undefined ? undefined : { type, ...shuffle, origin: shuffle.origin, ids };
      }
      case "shuffleReply":
        return { type, number: number(), ids: this.#ids(reader) };
      default:
        throw new MalformedBytes("no message about views");
    }
  }

  #ids(reader: ByteReader): AgentId[] {
    const ids: AgentId[] = [];
    for (let left = reader.count(MAX_SHUFFLED); left > 0; left--) {
      const id = this.#places.at(reader.varint());
      if (id !== undefined) ids.push(id);
    }
    return ids;
  }
}

function typeOf(message: HyParViewMessage): (typeof TYPES)[number] {
  switch (message.type) {
    case "neighbour":
      return message.priority === "high" ? "neighbourHigh" : "neighbourLow";
    case "neighbourReply":
      return message.accepted ? "accepted" : "refused";
    case "disconnect":
      return message.leaving ? "leaving" : "disconnect";
    default:
      return message.type;
  }
}

function below(value: number, most: number): number {
  if (value > most) throw new RangeError(`${value} where at most ${most} can be told`);
  return value;
}
