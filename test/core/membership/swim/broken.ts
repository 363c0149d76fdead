import { SwimMembership } from "../../../../server/core/membership/swim/swim.ts";
import type {
  MembershipMessage,
  MembershipReady,
  SwimConfig,
  SwimMessage,
  SwimNews,
} from "../../../../server/core/membership/types.ts";

interface Given {
  readonly to: string;
  readonly message: SwimMessage;
}

/** A right member whose inputs and outputs are tampered with. */
class Tampered extends SwimMembership {
  readonly id: string;
  readonly config: SwimConfig;

  constructor(...given: ConstructorParameters<typeof SwimMembership>) {
    super(...given);
    this.config = given[0];
    this.id = given[0].id;
  }

  override heard(from: string, message: MembershipMessage, now: number): void {
    if (message.type === "gossip") return;
    const taken = this.taken(from, message, now);
    if (taken !== undefined) super.heard(from, taken, now);
  }

  override take(now: number): MembershipReady | undefined {
    const ready = super.take(now);
    if (ready === undefined) return undefined;
    const messages = ready.messages.flatMap(({ to, message }) => {
      const given = this.given(to, message as SwimMessage, now);
      return given === undefined ? [] : [given];
    });
    return { ...ready, messages };
  }

  protected taken(_from: string, message: SwimMessage, _now: number): SwimMessage | undefined {
    return message;
  }

  protected given(to: string, message: SwimMessage, _now: number): Given | undefined {
    return { to, message };
  }
}

function only(message: SwimMessage, passes: (news: SwimNews) => boolean): SwimMessage {
  return { ...message, news: message.news.filter(passes) };
}

/** Does not care what is said of it. */
class NeverRefutes extends Tampered {
  protected override taken(_from: string, message: SwimMessage): SwimMessage {
    return only(message, ({ id }) => id !== this.id);
  }
}

/** Refutes without raising its counter. */
class RefutesInVain extends Tampered {
  protected override given(to: string, message: SwimMessage): Given | undefined {
    const news = message.news.map((one) => (one.id === this.id && one.state === "alive" ? { ...one, heartbeat: 1 } : one)); // biome-ignore format: one rule
    return { to, message: { ...message, news } };
  }
}

/** Believes only who answers itself. */
class IgnoresHelpers extends Tampered {
  readonly #asked = new Map<number, string>();

  protected override given(to: string, message: SwimMessage): Given | undefined {
    if (message.type === "ping") this.#asked.set(message.sequence, to);
    return { to, message };
  }

  protected override taken(from: string, message: SwimMessage): SwimMessage | undefined {
    return message.type === "ack" && this.#asked.get(message.sequence) !== from ? undefined : message;
  }
}

/** Takes whoever tells a suspicion for another who suspects. */
class CountsWhoTells extends Tampered {
  protected override taken(from: string, message: SwimMessage): SwimMessage {
    const news = message.news.map((one) => (one.by === undefined ? one : { ...one, by: from }));
    return { ...message, news };
  }
}

class TellsNoVerdicts extends Tampered {
  protected override given(to: string, message: SwimMessage): Given | undefined {
    return { to, message: only(message, ({ state }) => state === "alive") };
  }
}

/** Does not pass on what it hears of others. */
class TellsOnlyOfItself extends Tampered {
  protected override given(to: string, message: SwimMessage): Given | undefined {
    return { to, message: only(message, ({ id }) => id === this.id) };
  }
}

class TakesAClosedLinkForAVerdict extends Tampered {
  override linkDown(peer: string, now: number): void {
    super.linkDown(peer, now);
    const { incarnation = 0, heartbeat = 0 } = this.member(peer) ?? {};
    super.heard(peer, { type: "spread", news: [{ id: peer, incarnation, heartbeat, state: "failed" }] }, now);
  }
}

class ForgetsThatLinksClose extends Tampered {
  override linkDown(): void {}
}

/** Pings the first of the others in place of whomever. */
class ProbesAlwaysTheSame extends Tampered {
  protected override given(to: string, message: SwimMessage): Given | undefined {
    const first = this.config.members.find((id) => id !== this.id) as string;
    return message.type === "ping" ? { to: first, message } : { to, message };
  }
}

/** Counts on those that have answered once. */
class ProbesOneRound extends Tampered {
  readonly #answered = new Set<string>();

  protected override given(to: string, message: SwimMessage, now: number): Given | undefined {
    if (message.type !== "ping") return { to, message };
    if (this.#answered.size < this.config.members.length - 1) {
      this.#answered.add(to);
      return { to, message };
    }
    super.heard(to, { type: "ack", sequence: message.sequence, news: [] }, now);
    return undefined;
  }
}

/** Whatever comes last is the freshest. */
class TakesOldNewsForNew extends Tampered {
  #heartbeat = 100;

  protected override taken(_from: string, message: SwimMessage): SwimMessage {
    const news = message.news.map((one) => (one.id === this.id ? one : { ...one, heartbeat: this.#heartbeat++ }));
    return { ...message, news };
  }
}

/** Neither greets nor compares. */
class NeverCompares extends Tampered {
  protected override given(to: string, message: SwimMessage): Given | undefined {
    return message.type === "sync" ? undefined : { to, message };
  }
}

/** Takes a verdict that comes with a comparison for one that was just reached. */
class BelievesComparisons extends Tampered {
  protected override taken(_from: string, message: SwimMessage): SwimMessage {
    return message.type === "sync" ? { type: "spread", news: message.news } : message;
  }
}

/** As if it had watched all the time that it slept through. */
class BelievesItsOwnSleep extends Tampered {
  #watchedMs = 0;

  override heard(from: string, message: MembershipMessage, now: number): void {
    this.#watch(now);
    super.heard(from, message, now);
  }

  override linkUp(peer: string, now: number): void {
    this.#watch(now);
    super.linkUp(peer, now);
  }

  override linkDown(peer: string, now: number): void {
    this.#watch(now);
    super.linkDown(peer, now);
  }

  override tick(now: number): void {
    this.#watch(now);
    super.tick(now);
  }

  #watch(now: number): void {
    const started = this.#watchedMs > 0;
    for (let ms = this.#watchedMs + 20; started && ms < now; ms += 20) super.tick(ms);
    this.#watchedMs = now;
  }
}

class LeavesWithoutAWord extends Tampered {
  override leave(): void {}
}

/** Suspects who takes longer than a good link does. */
class IsImpatient extends SwimMembership {
  constructor(...[config, ...rest]: ConstructorParameters<typeof SwimMembership>) {
    super({ ...config, probeTimeoutMs: 1, probeIntervalMs: 3 }, ...rest);
  }
}

/** Fails a suspect at once. */
class GivesNoTime extends SwimMembership {
  constructor(...[config, ...rest]: ConstructorParameters<typeof SwimMembership>) {
    super({ ...config, suspicionMultiplier: 0.001 }, ...rest);
  }
}

/** Pings all of the others when it pings one. */
class PingsEverybody extends Tampered {
  override take(now: number): MembershipReady | undefined {
    const ready = super.take(now);
    return (
      ready && {
        ...ready,
        messages: ready.messages.flatMap(({ to, message }) =>
          message.type === "ping"
            ? this.config.members.filter((id) => id !== this.id).map((id) => ({ to: id, message }))
            : [{ to, message }],
        ),
      }
    );
  }
}

/** Goes on telling what has long been told. */
class NeverStopsTelling extends Tampered {
  protected override given(to: string, message: SwimMessage): Given | undefined {
    const { incarnation = 0, heartbeat = 0, state = "alive" } = this.member(this.id) ?? {};
    const known = message.news.some(({ id }) => id === this.id);
    return { to, message: known ? message : { ...message, news: [...message.news.slice(0, 100), { id: this.id, incarnation, heartbeat, state }] } }; // biome-ignore format: one rule
  }
}

/** Members as they may be got wrong. */
export const BROKEN = {
  NeverRefutes,
  RefutesInVain,
  IgnoresHelpers,
  CountsWhoTells,
  TellsNoVerdicts,
  TellsOnlyOfItself,
  TakesAClosedLinkForAVerdict,
  ForgetsThatLinksClose,
  ProbesAlwaysTheSame,
  ProbesOneRound,
  TakesOldNewsForNew,
  NeverCompares,
  BelievesComparisons,
  BelievesItsOwnSleep,
  LeavesWithoutAWord,
  IsImpatient,
  GivesNoTime,
  PingsEverybody,
  NeverStopsTelling,
};
