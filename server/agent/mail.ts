import { AggregateCodec } from "../core/aggregation/codec.ts";
import type { AggregateMessage } from "../core/aggregation/types.ts";
import { ByteWriter, MalformedBytes } from "../core/bytes.ts";
import { type AgentId, EVERYBODY, type Outgoing } from "../core/consensus.ts";
import type { MembershipCodec } from "../core/membership/membership.ts";
import type { MembershipMessage } from "../core/membership/types.ts";
import { HyParViewCodec } from "../core/overlay/hyparview/codec.ts";
import type { HyParViewMessage } from "../core/overlay/hyparview/types.ts";
import { LinkStateCodec } from "../core/overlay/link-state/codec.ts";
import type { LinkStateMessage } from "../core/overlay/link-state/types.ts";
import { isPlumtreeMessage } from "../core/overlay/plumtree/codec.ts";
import type { PlumtreeMessage } from "../core/overlay/plumtree/types.ts";
import type { BroadcastContent } from "./broadcast-content.ts";
import type { ConsensusKind } from "./consensus/kind.ts";
import { type AgentMessage, decodeMessage, encodeMessage } from "./consensus/messages.ts";
import type {
  AggregatePacket,
  DirectPacket,
  LinksPacket,
  Packet,
  RelayedPacket,
  RoutedPacket,
  ViewsPacket,
} from "./frame.ts";
import type { DecisionMetrics } from "./metrics.ts";
import type { Outbox } from "./outbox.ts";
import type { Roster } from "./roster.ts";
import type { Cause, Timeline } from "./timeline.ts";

/** A message of a broadcast, or about one. */
export interface BroadcastPart {
  readonly type: "broadcast";
  readonly packet: DirectPacket | RelayedPacket;
  readonly message: PlumtreeMessage;
  /** Of the broadcast itself. */
  readonly content?: BroadcastContent;
}

/** Who broadcasts, for what is read and sent here. */
export interface Broadcaster {
  /** @throws MalformedBytes for what is nothing that this agent is told so */
  read(payload: Uint8Array): BroadcastContent;
  tell(message: AgentMessage, cause: Cause | undefined, now: number): void;
  rosterChanged(roster: readonly AgentId[]): void;
}

/** A packet, read. */
export type Content =
  | { readonly type: "gossip"; readonly from: AgentId; readonly message: MembershipMessage }
  | { readonly type: "consensus"; readonly packet: DirectPacket | RelayedPacket; readonly message: AgentMessage }
  | BroadcastPart
  | { readonly type: "aggregate"; readonly from: AgentId; readonly message: AggregateMessage }
  | { readonly type: "views"; readonly from: AgentId; readonly message: HyParViewMessage }
  | { readonly type: "links"; readonly from: AgentId; readonly message: LinkStateMessage }
  /** For another agent: to be passed on unread. */
  | { readonly type: "relay"; readonly packet: RelayedPacket | RoutedPacket | AggregatePacket }
  /** From an agent that this one has not been told of yet, or in a form of later versions: to be ignored. */
  | { readonly type: "stranger" }
  /** It names `origin` as its writer, and is nothing that one may write. */
  | { readonly type: "unreadable"; readonly origin: AgentId };

/** What is being encoded, and copied out of it at once: one for all, as the longest message is far longer than most. */
const writer = new ByteWriter();

/** Messages between their form in the cores and their form in packets, with a word to the timeline about each. */
export class Mail {
  readonly #self: AgentId;
  readonly #kind: ConsensusKind;
  readonly #roster: Roster;
  readonly #outbox: Outbox;
  readonly #timeline: Timeline;
  readonly #metrics: DecisionMetrics;
  readonly #memberCodec: MembershipCodec;
  readonly #aggregateCodec = new AggregateCodec();
  /** Of agents that look for their links themselves. */
  #linkCodecs: { readonly views: HyParViewCodec; readonly links: LinkStateCodec } | undefined;
  /** Of agents that broadcast. */
  #broadcaster: Broadcaster | undefined;

  constructor(
    self: AgentId,
    kind: ConsensusKind,
    roster: Roster,
    outbox: Outbox,
    timeline: Timeline,
    metrics: DecisionMetrics,
    memberCodec: MembershipCodec,
  ) {
    this.#self = self;
    this.#kind = kind;
    this.#roster = roster;
    this.#outbox = outbox;
    this.#timeline = timeline;
    this.#metrics = metrics;
    this.#memberCodec = memberCodec;
  }

  /** The roster and the routes have grown. */
  rosterChanged(): void {
    this.#outbox.rosterChanged();
    this.#memberCodec.grow(this.#roster.ids);
    this.#linkCodecs?.views.grow(this.#roster.ids);
    this.#linkCodecs?.links.grow(this.#roster.ids);
    this.#broadcaster?.rosterChanged(this.#roster.ids);
  }

  linksChanged(): void {
    this.#outbox.rosterChanged();
  }

  /** From now on it reads and writes what only agents say that look for their links themselves. */
  speakOfLinks(): void {
    const { ids } = this.#roster;
    this.#linkCodecs = { views: new HyParViewCodec(ids), links: new LinkStateCodec(ids) };
  }

  /** From now on it reads and writes broadcasts. */
  broadcastBy(broadcaster: Broadcaster): void {
    this.#broadcaster = broadcaster;
  }

  /** @param peer the neighbour that handed it over. @throws MalformedBytes when that one should not have sent it */
  read(packet: Packet, peer: AgentId): Content {
    if (packet.kind === "gossip") return this.#gossip(packet.payload, peer);
    if (packet.kind === "direct") return this.#message(packet);
    if (packet.kind === "views" || packet.kind === "links") return this.#aboutLinks(packet, peer);
    if (this.#roster.at(packet.destination) !== this.#self) return { type: "relay", packet };
    const origin = this.#roster.at(packet.origin);
    if (origin === undefined) return { type: "stranger" };
    try {
      if (origin === this.#self) throw new MalformedBytes("a message of this agent's own");
      if (packet.kind === "aggregate") return this.#aggregate(packet.payload, origin);
      return packet.kind === "routed" ? this.#gossip(packet.payload, origin) : this.#message(packet);
    } catch (error) {
      // The neighbour passed it on unread: its link is not to be closed for what a liar wrote.
      if (this.#kind.trustsOthers || !(error instanceof MalformedBytes)) throw error;
      return { type: "unreadable", origin };
    }
  }

  /** Tells of a message that is none. */
  disbelieved({ origin }: Content & { readonly type: "unreadable" }, now: number): void {
    this.#timeline.record("disbelieved", now, undefined, { from: origin, message: "message", reason: "malformed" });
  }

  /** The agent that wrote a message. @param peer the neighbour that handed it over. */
  originOf(packet: DirectPacket | RelayedPacket, peer: AgentId): AgentId {
    return packet.kind === "direct" ? peer : (this.#roster.at(packet.origin) as AgentId);
  }

  /** Tells of a message that was stepped. @param incarnation of the frame's sender. @returns the event's number. */
  received(
    from: AgentId,
    incarnation: number,
    content: (Content & { readonly type: "consensus" }) | BroadcastPart,
    now: number,
  ): number {
    const { packet, message } = content;
    this.#metrics.messagesIn++;
    const life = packet.kind === "direct" ? incarnation : packet.incarnation;
    return this.#timeline.received(from, message, packet.payload.length, life, packet.sequence, now);
  }

  send(messages: readonly Outgoing<AgentMessage>[], cause: Cause | undefined, now: number): void {
    let last: { readonly message: AgentMessage; readonly payload: Uint8Array } | undefined;
    for (const { to, message } of messages) {
      if (to === EVERYBODY) {
        this.#broadcaster?.tell(message, cause, now);
        continue;
      }
      const same = last !== undefined && (last.message === message || this.#kind.alike(last.message, message));
      const payload = last !== undefined && same ? last.payload : this.#encode(message);
      last = { message, payload };
      this.#outbox.message(to, this.#timeline.sent(to, message, payload.length, now, cause), payload);
      this.#metrics.messagesOut++;
    }
  }

  gossip(to: AgentId, message: MembershipMessage): void {
    this.#outbox.gossip(to, this.#memberCodec.encode(message));
  }

  aggregate(to: AgentId, message: AggregateMessage): void {
    this.#outbox.aggregate(to, this.#aggregateCodec.encode(message));
  }

  views(to: AgentId, message: HyParViewMessage): void {
    const payload = this.#linkCodecs?.views.encode(message);
    if (payload !== undefined) this.#outbox.direct(to, { kind: "views", payload });
  }

  links(to: AgentId, message: LinkStateMessage): void {
    const payload = this.#linkCodecs?.links.encode(message);
    if (payload !== undefined) this.#outbox.direct(to, { kind: "links", payload });
  }

  #aboutLinks({ kind, payload }: ViewsPacket | LinksPacket, from: AgentId): Content {
    if (this.#linkCodecs === undefined) throw new MalformedBytes("a word about links, which are configured here");
    if (kind === "links") return { type: "links", from, message: this.#linkCodecs.links.decode(payload) };
    const message = this.#linkCodecs.views.decode(payload);
    return message === undefined ? { type: "stranger" } : { type: "views", from, message };
  }

  #aggregate(payload: Uint8Array, from: AgentId): Content {
    const message = this.#aggregateCodec.decode(payload);
    return message === undefined ? { type: "stranger" } : { type: "aggregate", from, message };
  }

  #gossip(payload: Uint8Array, from: AgentId): Content {
    return { type: "gossip", from, message: this.#memberCodec.decode(payload) };
  }

  #message(packet: DirectPacket | RelayedPacket): Content {
    const message = decodeMessage(packet.payload);
    if (isPlumtreeMessage(message)) return this.#broadcast(packet, message);
    if (!this.#kind.owns(message)) throw new MalformedBytes(`a message of another consensus (${message.type})`);
    return { type: "consensus", packet, message };
  }

  #broadcast(packet: DirectPacket | RelayedPacket, message: PlumtreeMessage): Content {
    if (this.#broadcaster === undefined) throw new MalformedBytes(`${message.type}, and nothing is broadcast here`);
    if (message.type !== "broadcast") return { type: "broadcast", packet, message };
    return { type: "broadcast", packet, message, content: this.#broadcaster.read(message.payload) };
  }

  #encode(message: AgentMessage): Uint8Array {
    writer.clear();
    encodeMessage(writer, message);
    return writer.finishShortLived();
  }
}
