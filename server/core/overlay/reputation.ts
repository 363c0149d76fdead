import type { AgentId } from "../consensus.ts";
import type { MemberState } from "../membership/types.ts";
import { exponential } from "../real-functions.ts";

/** What was seen of a peer that long ago counts half as much as what is seen now, ms. */
export const UPTIME_HALF_LIFE_MS = 60_000;
/** How much of its time counts in which a peer was in a state. Of suspicions most are refuted, but not all. */
export const PRESENCE: Readonly<Record<MemberState, number>> = { alive: 1, suspected: 0.5, failed: 0, left: 0 };
/**
 * A frame that came that long ago counts half as much as one that comes now, ms. An exponentially weighted mean is how TCP knows its round trips (Jacobson, "Congestion Avoidance
 * and Control", SIGCOMM 1988); here it goes by time instead of by samples, as frames come in bursts, and one slow turn of a process must not pass for a slow link.
 */
export const LATENCY_HALF_LIFE_MS = 10_000;
/** Latencies below it are alike, ms: they tell of the two processes' turns, and not of the link. RFC 6298, §2, has a clock's granularity for the same reason. */
export const LATENCY_GRAIN_MS = 1;
/** More counts as this, ms: one absurd stamp is not to be felt for ever. */
export const LATENCY_LIMIT_MS = 60_000;
/** What is left of a peer's honesty after each proof that it lied. */
export const HONESTY_AFTER_A_LIE = 0.5;
/** Proofs told apart of one peer; one is enough. */
const MAX_PROOFS_EACH = 16;

/** How far an agent trusts one of its peers, and why. */
export interface PeerReputation {
  /** The product of the three, from 0 to 1. */
  readonly score: number;
  /** The share of the time in which it was seen alive, what is long ago counting less. */
  readonly uptime: number;
  /** 1 where its messages take no longer than the median of all peers' do, or nothing is known; else the median divided by its own. */
  readonly latency: number;
  /** 1, halved with every proof that it lied. */
  readonly honesty: number;
  /** Proofs of lies, each of another one. */
  readonly proofs: number;
}

/** What one agent has seen of one of its peers. */
export interface Standing {
  state: MemberState;
  /** When that was entered, ms. */
  sinceMs: number;
  /** As it was then. */
  uptime: number;
  /** Frames that came over the link with it, each weighing less with time, as of `frameMs`; 0: none did. */
  frames: number;
  /** What they took, weighed in the same way, ms. */
  tookMs: number;
  frameMs: number;
  honesty: number;
  /** undefined: there is none. */
  proofs: Set<string> | undefined;
}

/**
 * How far one agent trusts each of its peers, by what it has seen itself: what EigenTrust (Kamvar, Schlosser and Garcia-Molina, WWW 2003, §4.1) calls local trust.
 * Opinions are not asked for and not passed on, so that a liar can neither praise its like nor talk an honest agent down.
 *
 * Who is not known is trusted: a score only falls by something seen. Uptime and latency recover; honesty does not in this life of the agent, and is forgotten with it. `now`: ms, never backwards.
 * Reading changes nothing, however often it is done.
 */
export class Reputation {
  readonly #peers = new Map<AgentId, Standing>();
  #lastInputMs = 0;
  /** What frames usually take, ms; undefined: not looked up since something came. */
  #usualMs: number | undefined;

  /** How far a peer is trusted as of the last input: for a core that chooses among peers, and is not to know what makes them good. */
  readonly trust = (peer: AgentId): number => this.score(peer, this.#lastInputMs);

  /** The same for ever, however much is seen. */
  standing(id: AgentId): Standing {
    let peer = this.#peers.get(id);
    if (peer === undefined) {
      peer = { state: "alive", sinceMs: 0, uptime: 1, frames: 0, tookMs: 0, frameMs: 0, honesty: 1, proofs: undefined };
      this.#peers.set(id, peer);
    }
    return peer;
  }

  /** Membership holds it for this from now on. */
  seen(peer: AgentId, state: MemberState, now: number): void {
    this.#lastInputMs = now;
    // Who was always alive is as one that nothing is known of: of most peers nothing is kept, however many there are.
    if (state === "alive" && !this.#peers.has(peer)) return;
    this.#usualMs = undefined;
    const known = this.standing(peer);
    known.uptime = uptimeOf(known, now);
    known.state = state;
    known.sinceMs = now;
  }

  /** Something came over the link with it. @param latencyMs one way, by the clocks of both, which may differ (below 0: its own is ahead); or a round trip, if it always is. */
  delivered(peer: AgentId, latencyMs: number, now: number): void {
    this.deliveredBy(this.standing(peer), latencyMs, now);
  }

  /** The same, for whoever has looked it up before. */
  deliveredBy(known: Standing, latencyMs: number, now: number): void {
    this.#lastInputMs = now;
    this.#usualMs = undefined;
    const kept = keptOf(now - known.frameMs, LATENCY_HALF_LIFE_MS);
    known.frames = known.frames * kept + 1;
    known.tookMs = known.tookMs * kept + Math.min(Math.max(0, latencyMs), LATENCY_LIMIT_MS);
    known.frameMs = now;
  }

  /**
   * It is proved to have lied: two statements contradict each other, and this agent has verified its signature under both. Whatever less there is, somebody else may
   * have made up, and must not be told here. @param proof which lie it is: the same one counts once.
   */
  lied(peer: AgentId, proof: string): void {
    const known = this.standing(peer);
    known.proofs ??= new Set();
    if (known.proofs.has(proof) || known.proofs.size === MAX_PROOFS_EACH) return;
    known.proofs.add(proof);
    known.honesty *= HONESTY_AFTER_A_LIE;
  }

  of(peer: AgentId, now: number): PeerReputation {
    const known = this.#peers.get(peer);
    if (known === undefined) return { score: 1, uptime: 1, latency: 1, honesty: 1, proofs: 0 };
    const uptime = uptimeOf(known, now);
    const latency = this.#latencyOf(known);
    const { honesty, proofs } = known;
    return { score: uptime * latency * honesty, uptime, latency, honesty, proofs: proofs?.size ?? 0 };
  }

  score(peer: AgentId, now: number): number {
    return this.of(peer, now).score;
  }

  /** What frames usually take, one way, by the clocks of both, ms: the median of all peers that are there; undefined where none came. */
  latencyMs(): number | undefined {
    this.#usualMs ??= this.#medianMs();
    return Number.isNaN(this.#usualMs) ? undefined : this.#usualMs;
  }

  #latencyOf({ frames, tookMs }: Standing): number {
    this.#usualMs ??= this.#medianMs();
    if (frames === 0 || Number.isNaN(this.#usualMs)) return 1;
    return Math.min(1, Math.max(this.#usualMs, LATENCY_GRAIN_MS) / Math.max(tookMs / frames, LATENCY_GRAIN_MS));
  }

  /** What frames take, of all peers that are there; NaN where none came. */
  #medianMs(): number {
    const all: number[] = [];
    // What once came from a peer that is gone says nothing about what is usual now.
    for (const { state, frames, tookMs } of this.#peers.values())
      if (frames > 0 && PRESENCE[state] > 0) all.push(tookMs / frames);
    return all.length === 0 ? Number.NaN : median(all);
  }
}

function uptimeOf({ state, sinceMs, uptime }: Standing, now: number): number {
  const presence = PRESENCE[state];
  return presence + (uptime - presence) * keptOf(now - sinceMs, UPTIME_HALF_LIFE_MS);
}

/** What is left of a weight after some time: from 1 to 0. */
function keptOf(passedMs: number, halfLifeMs: number): number {
  // Most frames of a turn come at the same time.
  return passedMs <= 0 ? 1 : exponential((-Math.LN2 * passedMs) / halfLifeMs);
}

/** Of at least one value; sorts them. */
function median(values: number[]): number {
  values.sort((a, b) => a - b);
  const [lower, upper] = [Math.floor((values.length - 1) / 2), Math.floor(values.length / 2)];
  return ((values[lower] as number) + (values[upper] as number)) / 2;
}
