import type { BroadcastReport } from "../contract/swarm.ts";
import type { AgentId } from "../core/consensus.ts";
import { isGossipMessage } from "../core/gossip/codec.ts";
import { invariant } from "../core/invariant.ts";
import type { LinkAdvert } from "../core/overlay/link-state/types.ts";
import { Plumtree } from "../core/overlay/plumtree/plumtree.ts";
import type { PlumtreeReady } from "../core/overlay/plumtree/types.ts";
import {
  BroadcastCodec,
  type BroadcastContent,
  type BroadcastSubject,
  type RumourMessage,
} from "./broadcast-content.ts";
import type { AgentMessage } from "./consensus/messages.ts";
import type { Broadcaster, BroadcastPart, Mail } from "./mail.ts";
import type { Neighbours } from "./neighbours.ts";
import type { Roster } from "./roster.ts";
import { gossips, plumtreeConfig } from "./settings.ts";
import type { Cause, Timeline } from "./timeline.ts";
import type { AgentConfig } from "./types.ts";

export interface BroadcastingParts {
  readonly config: AgentConfig;
  readonly roster: Roster;
  readonly mail: Mail;
  readonly timeline: Timeline;
  readonly neighbours: Neighbours;
  /** Writes that somebody else issued. @param cause tells of their receipt, once it is asked for @returns it */
  readonly writes: (origin: AgentId, message: RumourMessage, cause: () => Cause, now: number) => void;
  /** Whom others have links with. */
  readonly links: (adverts: readonly LinkAdvert[]) => void;
}

/**
 * What an agent says to everybody goes along a tree over the links that are up (Plumtree, core/overlay/plumtree), each of which it crosses once: the writes of gossip where not all are linked with all, and
 * which links there are where agents look for them themselves. It is passed on as soon as it comes, before any disk: what was written is on its origin's. What the tree misses comes later: by
 * anti-entropy, and as neighbours tell each other all links now and then.
 */
export class Broadcasting implements Broadcaster {
  readonly #parts: BroadcastingParts;
  readonly #tree: Plumtree;
  readonly #codec: BroadcastCodec;

  private constructor(parts: BroadcastingParts, subjects: readonly BroadcastSubject[]) {
    const { config, roster, mail, neighbours } = parts;
    this.#parts = parts;
    this.#tree = new Plumtree(plumtreeConfig(config));
    this.#codec = new BroadcastCodec(subjects, roster.ids);
    neighbours.watch((peer, up) => this.#tree[up ? "neighbourUp" : "neighbourDown"](peer));
    mail.broadcastBy(this);
  }

  /** undefined where agents have nothing to broadcast. One that spreads its writes as rumours passes on what others broadcast. */
  static of(parts: BroadcastingParts): Broadcasting | undefined {
    const { config } = parts;
    const subjects: BroadcastSubject[] = [];
    if (gossips(config)) subjects.push("writes");
    if (config.overlay !== undefined) subjects.push("links");
    return subjects.length === 0 ? undefined : new Broadcasting(parts, subjects);
  }

  rosterChanged(roster: readonly AgentId[]): void {
    this.#codec.grow(roster);
  }

  read(payload: Uint8Array): BroadcastContent {
    return this.#codec.decode(payload);
  }

  tell(message: AgentMessage, cause: Cause | undefined, now: number): void {
    invariant(isGossipMessage(message) && message.type === "rumour", "only writes are for everybody");
    this.#broadcast({ about: "writes", message }, cause, now);
  }

  tellOfLinks(adverts: readonly LinkAdvert[], cause: Cause | undefined, now: number): void {
    this.#broadcast({ about: "links", adverts }, cause, now);
  }

  /** @param peer the neighbour that handed it over. @param incarnation of that one */
  heard(peer: AgentId, incarnation: number, part: BroadcastPart, now: number): void {
    const { mail } = this.#parts;
    const { message, content } = part;
    const from = mail.originOf(part.packet, peer);
    this.#tree.heard(from, message, now);
    const ready = this.#tree.take(now);
    let told: Cause | undefined;
    const cause = (): Cause => {
      told ??= mail.received(from, incarnation, part, now);
      return told;
    };
    const [delivery] = ready?.deliveries ?? [];
    if (delivery !== undefined && content !== undefined) {
      const { id, hops } = delivery;
      if (content.about === "links") this.#parts.links(content.adverts);
      else {
        const rumours = content.message.rumours.map(({ operation }) => ({ operation, hops }));
        this.#parts.writes(id.origin, { ...content.message, rumours, passedOnBy: from }, cause, now);
      }
    }
    this.#send(ready, cause(), now);
  }

  /** Lets time pass. */
  turn(now: number): void {
    if (this.#tree.deadline() > now) return;
    this.#tree.tick(now);
    this.#send(this.#tree.take(now), undefined, now);
  }

  deadline(): number {
    return this.#tree.deadline();
  }

  /** Whether a neighbour is pushed to; undefined: it is none, or nothing was broadcast so far. */
  pushesTo(peer: AgentId): boolean | undefined {
    return this.report() === undefined ? undefined : this.#tree.pushesTo(peer);
  }

  /** undefined: nothing was broadcast so far. */
  report(): BroadcastReport | undefined {
    const { figures } = this.#tree;
    return figures.broadcast + figures.delivered === 0 ? undefined : figures;
  }

  #broadcast(content: BroadcastContent, cause: Cause | undefined, now: number): void {
    this.#tree.broadcast(this.#codec.encode(content), now);
    this.#send(this.#tree.take(now), cause, now);
  }

  #send(ready: PlumtreeReady | undefined, cause: Cause | undefined, now: number): void {
    if (ready === undefined) return;
    const { mail, timeline } = this.#parts;
    for (const { type, ...fields } of ready.observations) timeline.record(type, now, cause, fields);
    mail.send(ready.messages, cause, now);
  }
}
