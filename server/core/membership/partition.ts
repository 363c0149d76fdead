/**
 * Whether an agent is on a side of a partition, and whether that side can decide anything.
 *
 * *Apart*: fewer than half of the peers it knows answer (the seed's rule). A peer that said goodbye, or is no member of the configuration, is not counted. A peer does not answer once membership holds
 * it failed, or has suspected it for `silentAfterMs`: a minority that listens to heartbeats can confirm no failure, and suspects for ever. A suspicion that is younger is none here. One that was never heard
 * of is given `unheardAfterMs` from this agent's own start: processes that are started together do not come up together.
 * Nobody answers an agent to which no frame at all has come for `aloneAfterMs` in which it ran: by probing alone it would find that out the later the more members there are, as whoever gets no answer probes less.
 *
 * *Read-only*: fewer voters answer, itself among them, than decide, and the consensus shows by nothing that it hears a quorum all the same (Gifford 1979; Davidson, Garcia-Molina and Skeen 1985, §4: a pessimistic
 * strategy). Where all members vote, nobody has left and a majority decides, both are the same; where more must agree (PBFT), a side of more than half may be read-only without being apart.
 * Nobody can tell a peer that is cut off from one that is down (Fischer, Lynch and Paterson 1985), so a side whose others crashed is treated alike.
 *
 * *Recovering*: enough answer again, and what was decided meanwhile is not all here. That ends when the agent says so (`caughtUp`).
 */
import type { AgentId, Configuration } from "../consensus.ts";
import { invariant } from "../invariant.ts";
import { Answering, countedOf } from "./answering.ts";
import type { Member } from "./types.ts";

export type SideState = "whole" | "apart" | "readOnly" | "recovering";

export interface PartitionConfig {
  readonly id: AgentId;
  /** A peer that has been suspected for so long does not answer, ms. */
  readonly silentAfterMs: number;
  /** One that was never heard of answers until so long after this agent's start, ms. */
  readonly unheardAfterMs: number;
  /** Nobody answers where no frame has come for so long, ms. */
  readonly aloneAfterMs: number;
  /** So many of so many voters decide. */
  readonly quorumOf: (voters: number) => number;
}

/** What there is to go by. */
export interface Sight {
  /** All, itself among them. Neither this list nor the configuration is to change any more: what follows from them is worked out once. */
  readonly roster: readonly AgentId[];
  /** Those of them that are not held alive: mostly nobody, so that a look costs nothing for each member. */
  readonly absent: readonly Member[];
  readonly configuration: Configuration;
  /** The consensus hears a quorum, whatever membership holds of it. */
  readonly decides: boolean;
}

/** How many answer, as last looked. */
export interface ReachCounts {
  /** Itself among them. */
  readonly answering: number;
  /** Members that have not left, itself among them. */
  readonly known: number;
  /** Voters that answer, of how many, and how many of them decide; during a joint phase of the new ones. */
  readonly voters: number;
  readonly votersTotal: number;
  readonly quorum: number;
}

/** The same, and who they are: in the roster's order. */
export interface Reach extends Omit<ReachCounts, "answering"> {
  readonly answering: readonly AgentId[];
}

export type PartitionObservation =
  /** Also when it comes to be read-only, or is not any more, while it stays apart. */
  | ({ readonly type: "partitioned"; readonly readOnly: boolean } & Reach)
  /** apartMs: since it was first apart or read-only. */
  | { readonly type: "healed"; readonly apartMs: number; readonly answering: number; readonly known: number }
  /** tookMs: since the other side was first heard, after a silence; since enough answered, where it was heard all along. */
  | { readonly type: "recovered"; readonly tookMs: number };

/** Counted since this agent started. */
export interface PartitionFigures {
  /** Times that it was apart or read-only. */
  readonly seen: number;
  /** How long in all, ms. */
  readonly apartMs: number;
  readonly readOnlyMs: number;
  /** Those after which it caught up before the next one, and how long the last took, ms; null: there was none. */
  readonly recovered: number;
  readonly recoveryMs: number | null;
}

/** When the last frame of a neighbour came. Whoever is told of its frames keeps one of it. */
export interface LastHeard {
  readonly peer: AgentId;
  /** ms; -Infinity: none did. */
  atMs: number;
}

export function neverHeard(peer: AgentId): LastHeard {
  return { peer, atMs: Number.NEGATIVE_INFINITY };
}

const NOTHING: ReachCounts = { answering: 0, known: 0, voters: 0, votersTotal: 0, quorum: 0 };

export class Partition {
  readonly #config: PartitionConfig;
  readonly #startedMs: number;
  #state: SideState = "whole";
  #sinceMs: number;
  #counts: ReachCounts = NOTHING;
  #answering = Answering.nobody;
  /** When the last frame came of anybody, ms: as of the last look; and of each neighbour, now. */
  #anyHeardMs: number;
  #alone = false;
  readonly #heard = new Map<AgentId, LastHeard>();
  /** Who has answered ever since it was cut off. */
  #side = new Set<AgentId>();
  /** Others that answer again, and since when, ms: after a while they are of this side, too. */
  readonly #backMs = new Map<AgentId, number>();
  /** When somebody of another side was last heard, and first after a silence of all of them, ms. */
  #othersHeardMs = Number.NEGATIVE_INFINITY;
  /** When it was first apart, and came to be read-only, ms; NaN: it is not. */
  #apartSinceMs = Number.NaN;
  #readOnlySinceMs = Number.NaN;
  #contactMs = Number.NaN;
  #dueMs = Number.POSITIVE_INFINITY;
  #observations: PartitionObservation[] = [];
  #seen = 0;
  #apartMs = 0;
  #readOnlyMs = 0;
  #recovered = 0;
  #recoveryMs: number | null = null;

  constructor(config: PartitionConfig, now: number) {
    this.#config = config;
    this.#startedMs = now;
    this.#anyHeardMs = now + config.unheardAfterMs;
    this.#sinceMs = now;
  }

  get state(): SideState {
    return this.#state;
  }

  /** When this state began, ms. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  get counts(): ReachCounts {
    return this.#counts;
  }

  /** Names all that answer: for where that is told. */
  get reach(): Reach {
    return { ...this.#counts, answering: this.#answering.list() };
  }

  figures(now: number): PartitionFigures {
    const running = (sinceMs: number): number => (Number.isNaN(sinceMs) ? 0 : Math.max(0, now - sinceMs));
    return {
      seen: this.#seen,
      apartMs: this.#apartMs + running(this.#apartSinceMs),
      readOnlyMs: this.#readOnlyMs + running(this.#readOnlySinceMs),
      recovered: this.#recovered,
      recoveryMs: this.#recoveryMs,
    };
  }

  /** Those that answer again since it was cut off: what they have decided, or taken, meanwhile is to be caught up with. */
  returned(): AgentId[] {
    return this.#answering.list().filter((peer) => !this.#side.has(peer));
  }

  /** Nobody was heard for so long that nobody answers: with the first frame it is to be looked again. */
  get alone(): boolean {
    return this.#alone;
  }

  /** A frame came from a neighbour, whatever is in it. @param from the same one each time, or a new one. @returns whether it is back: it did not answer, and had been silent */
  heard(from: LastHeard, now: number): boolean {
    const { peer } = from;
    // Only the first time it has to be looked up: this comes with every frame.
    if (from.atMs === Number.NEGATIVE_INFINITY) {
      from.atMs = this.#heard.get(peer)?.atMs ?? from.atMs;
      this.#heard.set(peer, from);
      // Before anybody is heard it lies ahead.
      this.#anyHeardMs = now;
    }
    const silentMs = now - from.atMs;
    from.atMs = now;
    this.#meet(peer, now);
    return this.#cutOff && !this.#answering.has(peer) && silentMs >= this.#config.silentAfterMs;
  }

  #meet(peer: AgentId, now: number): void {
    if (!this.#cutOff || this.#side.has(peer)) return;
    const { silentAfterMs } = this.#config;
    if (now - (this.#backMs.get(peer) ?? now) >= silentAfterMs) return;
    // Where they were heard all along, and did not hear this agent, nothing shows when that ended.
    if (now - this.#othersHeardMs >= silentAfterMs) this.#contactMs = now;
    this.#othersHeardMs = now;
  }

  /** To be called when membership, the configuration or what the consensus hears has changed, and at `deadline`. */
  look(sight: Sight, now: number): void {
    const { id } = this.#config;
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.#listen(now);
    const counted = countedOf(sight.roster, sight.configuration);
    // One that joins, or was removed, has no side: nobody counts on it.
    const belongs = counted.has(id);
    const silent = new Set<AgentId>();
    const doubted = new Map<AgentId, number>();
    let left = 0;
    for (const member of belongs ? sight.absent : []) {
      if (!counted.has(member.id)) continue;
      if (member.state === "left") left++;
      if (member.id === id) continue;
      const silentFromMs = this.#silentFromMs(member);
      if (silentFromMs <= now) silent.add(member.id);
      else if (silentFromMs < Number.POSITIVE_INFINITY) doubted.set(member.id, silentFromMs);
    }
    const answering = belongs ? new Answering(counted, silent, this.#alone ? id : undefined) : Answering.nobody;
    const known = belongs ? counted.size - left : 0;
    const { voters } = sight.configuration;
    this.#counts = {
      answering: answering.size,
      known,
      voters: answering.voters,
      votersTotal: voters.length,
      quorum: voters.length === 0 ? 0 : this.#config.quorumOf(voters.length),
    };
    this.#answering = answering;
    const state = belongs ? this.#stateWith(answering, known, sight) : "whole";
    if (doubted.size > 0 && !this.#alone) {
      const sure = new Answering(counted, new Set([...silent, ...doubted.keys()]), undefined);
      if (this.#stateWith(sure, known, sight) !== state) this.#dueMs = Math.min(this.#dueMs, ...doubted.values());
    }
    if (state === "whole") this.#enough(now);
    else this.#tooFew(state, now);
    if (this.#cutOff) this.#keepSide(now);
  }

  /** All that was decided before it healed is here. */
  caughtUp(now: number): void {
    invariant(this.#state === "recovering", "partition: only who recovers catches up");
    this.#recoveryMs = Math.max(0, now - this.#contactMs);
    this.#recovered++;
    this.#become("whole", now);
    this.#observations.push({ type: "recovered", tookMs: this.#recoveryMs });
  }

  /** When a suspicion is old enough to make a difference, or it has been silent all around for long enough, ms. */
  deadline(): number {
    return this.#dueMs;
  }

  takeObservations(): readonly PartitionObservation[] {
    const taken = this.#observations;
    if (taken.length > 0) this.#observations = [];
    return taken;
  }

  get #cutOff(): boolean {
    return this.#state === "apart" || this.#state === "readOnly";
  }

  /** When a peer does not answer any more, as long as nothing else is heard of it, ms. */
  #silentFromMs({ state, sinceMs, incarnation }: Member): number {
    if (state === "alive") return Number.POSITIVE_INFINITY;
    if (state === "left") return Number.NEGATIVE_INFINITY;
    const silentMs = state === "failed" ? Number.NEGATIVE_INFINITY : sinceMs + this.#config.silentAfterMs;
    return incarnation > 0 ? silentMs : Math.max(silentMs, this.#startedMs + this.#config.unheardAfterMs);
  }

  #stateWith(answering: Answering, known: number, { configuration, decides }: Sight): "whole" | "apart" | "readOnly" {
    const decide = (reached: number, { length }: readonly AgentId[]): boolean =>
      length === 0 || reached >= this.#config.quorumOf(length);
    const { voters, outgoing } = configuration;
    if (!decides && !(decide(answering.voters, voters) && decide(answering.outgoing, outgoing))) return "readOnly";
    return 2 * (answering.size - 1) < known - 1 ? "apart" : "whole";
  }

  /** Whether anybody is heard. Where this look comes long after it was due the process did not run: that was nobody's silence. */
  #listen(now: number): void {
    const { aloneAfterMs } = this.#config;
    for (const { atMs } of this.#heard.values()) this.#anyHeardMs = Math.max(this.#anyHeardMs, atMs);
    if (!this.#alone && now - this.#anyHeardMs > 1.5 * aloneAfterMs) this.#anyHeardMs = now;
    this.#alone = now - this.#anyHeardMs >= aloneAfterMs;
    if (!this.#alone) this.#dueMs = this.#anyHeardMs + aloneAfterMs;
  }

  #keepSide(now: number): void {
    for (const peer of this.#side) {
      if (this.#answering.has(peer)) continue;
      this.#side.delete(peer);
      this.#othersHeardMs = Math.max(this.#othersHeardMs, this.#heard.get(peer)?.atMs ?? Number.NEGATIVE_INFINITY);
    }
    for (const peer of this.#backMs.keys()) if (!this.#answering.has(peer)) this.#backMs.delete(peer);
    for (const peer of this.#answering.list())
      if (!this.#side.has(peer) && !this.#backMs.has(peer)) this.#backMs.set(peer, now);
  }

  #enough(now: number): void {
    if (!this.#cutOff) return;
    const goesOn = now - this.#othersHeardMs < this.#config.silentAfterMs;
    if (!goesOn || Number.isNaN(this.#contactMs)) this.#contactMs = now;
    const apartMs = now - this.#apartSinceMs;
    this.#endReadOnly(now);
    this.#apartMs += apartMs;
    this.#apartSinceMs = Number.NaN;
    this.#become("recovering", now);
    const { answering, known } = this.#counts;
    this.#observations.push({ type: "healed", apartMs, answering, known });
  }

  #tooFew(state: "apart" | "readOnly", now: number): void {
    if (state === this.#state) return;
    if (!this.#cutOff) {
      this.#seen++;
      this.#apartSinceMs = now;
      this.#contactMs = Number.NaN;
      this.#othersHeardMs = Number.NEGATIVE_INFINITY;
      for (const [peer, { atMs }] of this.#heard)
        if (!this.#answering.has(peer)) this.#othersHeardMs = Math.max(this.#othersHeardMs, atMs);
      this.#side = new Set(this.#answering.list());
      this.#backMs.clear();
    }
    if (state === "readOnly") this.#readOnlySinceMs = now;
    else this.#endReadOnly(now);
    this.#become(state, now);
    this.#observations.push({ type: "partitioned", readOnly: state === "readOnly", ...this.reach });
  }

  #endReadOnly(now: number): void {
    if (Number.isNaN(this.#readOnlySinceMs)) return;
    this.#readOnlyMs += now - this.#readOnlySinceMs;
    this.#readOnlySinceMs = Number.NaN;
  }

  #become(state: SideState, now: number): void {
    this.#state = state;
    this.#sinceMs = now;
  }
}
