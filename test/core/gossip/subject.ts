import { ByteReader, ByteWriter } from "../../../server/core/bytes.ts";
import type { AgentId, Outgoing, Snapshot } from "../../../server/core/consensus.ts";
import { decodeGossipMessage, encodeGossipMessage } from "../../../server/core/gossip/codec.ts";
import { Gossip } from "../../../server/core/gossip/gossip.ts";
import type {
  GossipConfig,
  GossipMessage,
  GossipObservation,
  GossipReady,
  GossipStatus,
  Operation,
} from "../../../server/core/gossip/types.ts";
import { rosterOf } from "../../../server/core/gossip/vectors.ts";
import { seededRandom } from "../../../server/core/random.ts";
import { DiskImage } from "./checkers.ts";

export const START_MS = 1_000_000;
/** A stamp at the start. */
export const START_STAMP = START_MS * 1000;

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function text(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}

/** Of member `origin` by place: the stamp is the start's plus `later` µs. */
export function operation(
  origin: number,
  seq: number,
  later = seq,
  deps: readonly (readonly [number, number])[] = [],
  data: Uint8Array = bytes(`${origin} ${seq}`),
): Operation {
  return {
    origin,
    seq,
    stamp: START_STAMP + later,
    deps: deps.map(([member, needed]) => ({ member, seq: needed })),
    data,
  };
}

/** One agent whose disk is kept and whose peers are the test. */
export class SubjectAgent {
  gossip: Gossip;
  now = START_MS;
  disk: DiskImage;
  /** Given out, in order. */
  given: string[] = [];
  readonly roster: number;
  /** Whom messages to go no way round. */
  near: readonly AgentId[] = [];
  meanHops = 1;
  readonly #config: GossipConfig;

  constructor(config: Partial<GossipConfig> = {}) {
    this.#config = { id: "a", members: ["a", "b", "c"], fanout: 3, antiEntropyMs: 100, ...config };
    this.roster = rosterOf(this.#config.members.toSorted());
    this.disk = new DiskImage(this.#config.members.length);
    this.gossip = this.#make();
  }

  get status(): GossipStatus {
    return this.gossip.status();
  }

  /** From its disk, as after a crash. */
  restart(): Snapshot | undefined {
    this.gossip = this.#make();
    this.given = [];
    return this.gossip.initial();
  }

  propose(...texts: readonly string[]): void {
    this.gossip.propose(texts.map(bytes), this.now);
  }

  rumour(from: AgentId, ...operations: readonly Operation[]): void {
    const rumours = operations.map((one) => ({ operation: one, hops: 1 }));
    this.gossip.step(from, { type: "rumour", roster: this.roster, rumours }, this.now);
  }

  /** By a broadcast of `origin`, over so many links. */
  broadcast(origin: AgentId, passedOnBy: AgentId, hops: number, ...operations: readonly Operation[]): void {
    const rumours = operations.map((one) => ({ operation: one, hops }));
    this.gossip.step(origin, { type: "rumour", roster: this.roster, rumours, passedOnBy }, this.now);
  }

  delta(from: AgentId, ...operations: readonly Operation[]): void {
    this.gossip.step(from, { type: "delta", roster: this.roster, operations }, this.now);
  }

  digest(from: AgentId, have: readonly number[], more: Partial<Extract<GossipMessage, { type: "digest" }>> = {}): void {
    const everywhere = have.map(() => 0);
    const { roster } = this;
    this.gossip.step(from, { type: "digest", roster, answer: true, have, everywhere, complete: [], ...more }, this.now);
  }

  step(from: AgentId, message: GossipMessage): void {
    const writer = new ByteWriter();
    encodeGossipMessage(writer, message);
    this.gossip.step(from, decodeGossipMessage(new ByteReader(writer.finish())), this.now);
  }

  /** One turn; what it writes is not durable before `sync`. */
  take(): GossipReady | undefined {
    const ready = this.gossip.take(this.now);
    for (const { data } of ready?.committed ?? []) this.given.push(text(data));
    return ready;
  }

  /** What the turn wrote is durable. */
  sync({ persist }: GossipReady): void {
    if (persist === undefined) return;
    this.disk.store(persist);
    this.gossip.persisted(persist.id, this.now);
  }

  /** Turns and syncs until nothing is left to do. */
  settle(): {
    readonly messages: Outgoing<GossipMessage>[];
    readonly observations: GossipObservation[];
    readonly readies: GossipReady[];
  } {
    const all = {
      messages: [] as Outgoing<GossipMessage>[],
      observations: [] as GossipObservation[],
      readies: [] as GossipReady[],
    };
    for (let ready = this.take(); ready !== undefined; ready = this.take()) {
      this.sync(ready);
      all.messages.push(...ready.messages, ...ready.messagesAfterPersist);
      all.observations.push(...ready.observations);
      all.readies.push(ready);
    }
    return all;
  }

  /** Lets the time of the next deadline come. */
  timeOut(): void {
    this.now = Math.max(this.now, this.gossip.deadline());
    this.gossip.tick(this.now);
  }

  /** The state machine's snapshot, as of all that was given out. */
  compact(data = bytes(JSON.stringify(this.given))): void {
    this.gossip.compact({ index: this.status.snapshotIndex + this.#givenSince, data }, this.now);
  }

  get #givenSince(): number {
    return this.status.commit - this.status.snapshotIndex;
  }

  #make(): Gossip {
    const { hardState, snapshot, entries } = this.disk;
    const recovered = { hardState, entries: entries.slice(), ...(snapshot !== undefined && { snapshot }) };
    return new Gossip(this.#config, recovered, seededRandom("subject"), this.now, () => ({
      linked: this.near,
      meanHops: this.meanHops,
    }));
  }
}

/** Messages of one type, as they are. */
export function only<Type extends GossipMessage["type"]>(
  messages: readonly Outgoing<GossipMessage>[],
  type: Type,
): { readonly to: AgentId; readonly message: Extract<GossipMessage, { readonly type: Type }> }[] {
  return messages.flatMap(({ to, message }) =>
    message.type === type ? [{ to, message: message as Extract<GossipMessage, { readonly type: Type }> }] : [],
  );
}
