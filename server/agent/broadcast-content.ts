import { ByteReader, ByteWriter, MalformedBytes } from "../core/bytes.ts";
import type { AgentId } from "../core/consensus.ts";
import { decodeGossipMessage, encodeGossipMessage } from "../core/gossip/codec.ts";
import type { GossipMessage } from "../core/gossip/types.ts";
import { LinkStateCodec } from "../core/overlay/link-state/codec.ts";
import type { LinkAdvert } from "../core/overlay/link-state/types.ts";

/** What is new at its sender, in the form in which gossip tells of it. */
export type RumourMessage = GossipMessage & { readonly type: "rumour" };

/** What an agent says to everybody. */
export type BroadcastContent =
  | { readonly about: "writes"; readonly message: RumourMessage }
  | { readonly about: "links"; readonly adverts: readonly LinkAdvert[] };
export type BroadcastSubject = BroadcastContent["about"];

const SUBJECTS = { writes: 1, links: 2 } as const satisfies Record<BroadcastSubject, number>;

/** What a broadcast is about, by its first byte. */
export function subjectOf(payload: Uint8Array): BroadcastSubject | "unknown" {
  if (payload[0] === SUBJECTS.writes) return "writes";
  return payload[0] === SUBJECTS.links ? "links" : "unknown";
}

/** The binary form of a broadcast's payload: a byte that says what it is about; then a message of gossip, or adverts of links. */
export class BroadcastCodec {
  readonly #subjects: readonly BroadcastSubject[];
  readonly #links: LinkStateCodec;

  /** @param subjects what this agent is told of so */
  constructor(subjects: readonly BroadcastSubject[], roster: readonly AgentId[]) {
    this.#subjects = subjects;
    this.#links = new LinkStateCodec(roster);
  }

  grow(roster: readonly AgentId[]): void {
    this.#links.grow(roster);
  }

  /** @throws RangeError for agents that are not in the roster */
  encode(content: BroadcastContent): Uint8Array {
    const writer = new ByteWriter();
    writer.byte(SUBJECTS[content.about]);
    if (content.about === "writes") encodeGossipMessage(writer, content.message);
    else writer.raw(this.#links.encodeAdverts(content.adverts));
    return writer.finish();
  }

  /** Operations of writes are views into the payload. @throws MalformedBytes */
  decode(payload: Uint8Array): BroadcastContent {
    const about = subjectOf(payload);
    if (about === "unknown" || !this.#subjects.includes(about))
      throw new MalformedBytes(`a broadcast about ${about === "unknown" ? "nothing that there is" : about}`);
    if (about === "links") return { about, adverts: this.#links.decodeAdverts(payload.subarray(1)) };
    const reader = new ByteReader(payload, 1);
    const message = decodeGossipMessage(reader);
    reader.end();
    if (message.type !== "rumour") throw new MalformedBytes(`a broadcast of a ${message.type}`);
    return { about, message };
  }
}
