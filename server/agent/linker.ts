import type { AgentId } from "../core/consensus.ts";
import type { Membership } from "../core/membership/membership.ts";
import type { MembershipObservation } from "../core/membership/types.ts";
import type { LinkAdvert } from "../core/overlay/link-state/types.ts";
import type { Link } from "../core/overlay/types.ts";
import type { Random } from "../core/random.ts";
import type { Broadcasting } from "./broadcasting.ts";
import { Linking } from "./linking.ts";
import type { Content, Mail } from "./mail.ts";
import type { Neighbours } from "./neighbours.ts";
import type { Roster } from "./roster.ts";
import { hyparviewConfig } from "./settings.ts";
import type { Cause, Timeline } from "./timeline.ts";
import type { AgentConfig } from "./types.ts";
import type { World } from "./world.ts";

interface LinkerParts {
  readonly config: AgentConfig;
  readonly world: World;
  readonly roster: Roster;
  readonly neighbours: Neighbours;
  readonly mail: Mail;
  readonly timeline: Timeline;
  readonly membership: Membership;
  readonly broadcasting: Broadcasting | undefined;
}

/** What the links that an agent finds by itself mean to the rest of it: routes lead over them, membership and the timeline are told. */
export class Linker {
  readonly #parts: LinkerParts;
  readonly #linking: Linking;

  private constructor(parts: LinkerParts, linking: Linking) {
    this.#parts = parts;
    this.#linking = linking;
    parts.mail.speakOfLinks();
    this.#know([]);
  }

  /** undefined for an agent whose links are configured. @throws RangeError where its world opens no connections */
  static of(parts: LinkerParts, now: number, random: Random): Linker | undefined {
    const { config, world, neighbours } = parts;
    const { swarm, overlay, links, roster, incarnation, timing } = config;
    if (overlay === undefined) return undefined;
    if (world.dialler === undefined)
      throw new RangeError("an agent that looks for its links needs a world that opens them");
    const views = hyparviewConfig(config, overlay.degree);
    const trust = (peer: AgentId): number => neighbours.reputation.trust(peer);
    const options = { views, swarm, incarnation, intervalMs: timing.probeIntervalMs, roster, links, trust };
    return new Linker(
      parts,
      new Linking(options, world.dialler, now, random.fork(`life ${incarnation}`), world.crypto),
    );
  }

  /** A connection came up or went down, or could not be opened. */
  changed(peer: AgentId, up: boolean, now: number): void {
    if (up) this.#linking.connected(peer, now);
    else this.#linking.disconnected(peer, now);
  }

  /** Membership says how a member is. @returns whether that leaves this agent something to do */
  noticed({ type, member }: MembershipObservation, now: number): boolean {
    if (type !== "memberFailed") return false;
    this.#linking.failed(member, now);
    return true;
  }

  heard(content: Content & { readonly type: "views" | "links" }, now: number): void {
    if (content.type === "views") this.#linking.heardViews(content.from, content.message, now);
    else this.#linking.heardLinks(content.from, content.message);
  }

  /** Of somebody's links, by a broadcast. */
  told(adverts: readonly LinkAdvert[]): void {
    this.#linking.heardBroadcast(adverts);
  }

  grow(roster: readonly AgentId[], links: readonly Link[]): void {
    this.#linking.grow(roster, links);
    this.#know(this.#linking.links);
  }

  leave(): void {
    this.#linking.leave();
  }

  deadline(): number {
    return this.#linking.deadline();
  }

  /** @param cause of what happens @returns the last change of a link */
  turn(now: number, cause: Cause | undefined): Cause | undefined {
    if (!this.#linking.wants(now)) return cause;
    const { neighbours, timeline, membership, mail, broadcasting } = this.#parts;
    const { observations, down, up, links, views, linkState, broadcast, forged } = this.#linking.turn(now);
    let last = cause;
    for (const { type, ...fields } of observations)
      if (type !== "shuffled") last = timeline.record(type, now, cause, fields);
    for (const { peer, closed } of down) {
      if (!neighbours.changed(peer, false)) continue;
      last = timeline.record("linkDown", now, last, { peer });
      // Who has merely been let go lives.
      if (closed) membership.linkDown(peer, now);
      else membership.linkGivenUp(peer, now);
    }
    if (links !== undefined) this.#know(links);
    for (const peer of up) {
      if (!neighbours.changed(peer, true)) continue;
      last = timeline.record("linkUp", now, last, { peer });
      membership.linkUp(peer, now);
    }
    for (const { to, message } of views) mail.views(to, message);
    if (broadcast !== undefined) broadcasting?.tellOfLinks([broadcast], last, now);
    for (const { to, message } of linkState) mail.links(to, message);
    for (const { origin, from } of forged)
      timeline.record("disbelieved", now, cause, {
        ...(from !== undefined && { from }),
        message: "links",
        about: origin,
        reason: "badSignature",
      });
    return last;
  }

  #know(links: readonly Link[]): void {
    const { roster, neighbours, mail } = this.#parts;
    neighbours.grow(roster.ids, links);
    mail.linksChanged();
  }
}
