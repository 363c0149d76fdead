import { ByteReader, ByteWriter } from "../../../server/core/bytes.ts";
import type { AgentId, MemberChange, Outgoing, PersistBatch } from "../../../server/core/consensus.ts";
import { decodeGossipMessage, encodeGossipMessage } from "../../../server/core/gossip/codec.ts";
import { Gossip } from "../../../server/core/gossip/gossip.ts";
import type { GossipConfig, GossipHardState, GossipMessage } from "../../../server/core/gossip/types.ts";
import { type Random, seededRandom } from "../../../server/core/random.ts";
import { DiskImage } from "./checkers.ts";
import { START_MS, text } from "./subject.ts";

type Batch = PersistBatch<GossipHardState>;

interface Peer {
  readonly id: AgentId;
  gossip: Gossip;
  readonly disk: DiskImage;
  writes: { readonly batch: Batch; readonly messages: Outgoing<GossipMessage>[] }[];
  /** What it was given out, in whatever order. */
  held: Set<string>;
  applied: number;
  /** Those that came after the founders, as far as it was told. */
  later: readonly AgentId[];
  life: number;
}

export interface ChangingOptions {
  readonly seed: string;
  readonly config?: Partial<GossipConfig>;
  readonly tampers?: (message: GossipMessage) => GossipMessage;
}

/**
 * Agents that know lists of different lengths, whose messages come in any order, or twice, or never, a step at a time: what the network does is drawn from a seed. All is asked of them, and what they say is held
 * against what is on the disks.
 */
export class ChangingCluster {
  readonly peers = new Map<AgentId, Peer>();
  readonly random: Random;
  /** Of the swarm, in its order. */
  roster: readonly AgentId[] = [];
  now = START_MS;
  /** Durable where they were proposed. */
  readonly acknowledged = new Set<string>();
  readonly problems: string[] = [];
  network: { readonly from: AgentId; readonly to: AgentId; readonly bytes: Uint8Array }[] = [];
  readonly #options: ChangingOptions;
  readonly #founders: readonly AgentId[];
  #proposed = 0;

  constructor(founders: readonly AgentId[], options: ChangingOptions) {
    this.#founders = founders;
    this.#options = options;
    this.random = seededRandom(options.seed);
    for (const id of founders) this.#begin(id);
  }

  /** It is told of all that there are; the others are as soon as they are. */
  join(id: AgentId): void {
    this.roster = [...this.roster, id];
    this.#begin(id);
  }

  tell(id: AgentId): void {
    const peer = this.peer(id);
    peer.later = this.roster;
    peer.gossip.grow(this.roster, this.now);
    this.#turn(peer);
  }

  peer(id: AgentId): Peer {
    const peer = this.peers.get(id);
    if (peer === undefined) throw new RangeError(`no agent ${id}`);
    return peer;
  }

  counted(id: AgentId): boolean {
    return this.peer(id).gossip.status().gossip.counted;
  }

  propose(id: AgentId): void {
    const peer = this.peer(id);
    const command = new TextEncoder().encode(`${id} ${++this.#proposed}`);
    peer.gossip.propose([command], this.now);
    this.#turn(peer);
  }

  change(id: AgentId, change: MemberChange): boolean {
    const peer = this.peer(id);
    const { ok } = peer.gossip.changeMembers(change, this.now);
    this.#turn(peer);
    return ok;
  }

  /** Its state is snapshotted, so that others may be given it. */
  compact(id: AgentId): void {
    const peer = this.peer(id);
    this.#compact(peer);
    this.#turn(peer);
  }

  sync(id: AgentId): void {
    const peer = this.peer(id);
    for (const { batch, messages } of peer.writes.splice(0)) {
      peer.disk.store(batch);
      peer.gossip.persisted(batch.id, this.now);
      this.#send(peer, messages);
    }
    this.#turn(peer);
  }

  /** From what is on its disk. */
  restart(id: AgentId): void {
    const peer = this.peer(id);
    peer.writes = [];
    peer.life++;
    this.#start(peer);
  }

  tick(id: AgentId): void {
    const peer = this.peer(id);
    peer.gossip.tick(this.now);
    this.#turn(peer);
  }

  /** One message arrives: which, is drawn. */
  deliver(loss: number, doubling: number): void {
    if (this.network.length === 0) return;
    const at = this.random.int(0, this.network.length - 1);
    const packet = this.network[at];
    if (packet === undefined) return;
    if (!this.random.chance(doubling)) this.network.splice(at, 1);
    if (this.random.chance(loss)) return;
    const peer = this.peers.get(packet.to);
    if (peer === undefined) return;
    peer.gossip.step(packet.from, decodeGossipMessage(new ByteReader(packet.bytes)), this.now);
    this.#turn(peer);
  }

  #begin(id: AgentId): void {
    const disk = new DiskImage(32);
    const gossip = this.#made(id, 1, disk, this.roster);
    this.peers.set(id, { id, gossip, disk, writes: [], held: new Set(), applied: 0, later: this.roster, life: 1 });
  }

  #start(peer: Peer): void {
    const { id, life, disk, later } = peer;
    peer.gossip = this.#made(id, life, disk, later);
    const initial = peer.gossip.initial();
    peer.applied = initial?.index ?? 0;
    peer.held = new Set(initial === undefined ? [] : (JSON.parse(text(initial.data)) as string[]));
    this.#turn(peer);
  }

  #made(id: AgentId, life: number, disk: DiskImage, later: readonly AgentId[]): Gossip {
    const config = { id, members: this.#founders, later, fanout: 2, antiEntropyMs: 50, ...this.#options.config };
    const { hardState, snapshot, entries } = disk;
    const recovered = { hardState, entries: entries.slice(), ...(snapshot !== undefined && { snapshot }) };
    return new Gossip(config, recovered, seededRandom(`${this.#options.seed} ${id} ${life}`), this.now);
  }

  #compact({ gossip, applied, held }: Peer): void {
    const data = new TextEncoder().encode(JSON.stringify([...held].toSorted()));
    gossip.compact({ index: applied, data }, this.now);
  }

  #turn(peer: Peer): void {
    for (let ready = peer.gossip.take(this.now); ready !== undefined; ready = peer.gossip.take(this.now)) {
      const { persist, install, committed, messagesAfterPersist, observations, checkpoint } = ready;
      if (install !== undefined) {
        peer.applied = install.index;
        peer.held = new Set(JSON.parse(text(install.data)) as string[]);
      }
      for (const { kind, data } of committed) {
        peer.applied++;
        if (kind !== 1) continue;
        const command = text(data);
        if (peer.held.has(command)) this.problems.push(`${peer.id} is given ${command} twice`);
        peer.held.add(command);
        if (command.startsWith(`${peer.id} `)) this.acknowledged.add(command);
      }
      if (persist !== undefined) peer.writes.push({ batch: persist, messages: [...messagesAfterPersist] });
      else if (peer.writes.length > 0) peer.writes.at(-1)?.messages.push(...messagesAfterPersist);
      else this.#send(peer, messagesAfterPersist);
      if (observations.some(({ type }) => type === "converged")) this.#checkConvergence(peer);
      if (checkpoint !== undefined) this.#compact(peer);
    }
  }

  /** All who count, as it knows, have on their disks what it has. */
  #checkConvergence({ id, gossip, disk, writes }: Peer): void {
    const all = writes.flatMap(({ batch }) => batch.entries);
    const { voters } = gossip.status().configuration;
    if (all.length > 0) return;
    for (const other of voters) {
      const peer = this.peers.get(other);
      const lacks = disk.have.findIndex((seq, place) => (peer?.disk.have[place] ?? 0) < seq);
      if (other !== id && peer !== undefined && lacks >= 0)
        this.problems.push(`${id} says that all have what it has, and ${other} lacks some of the one at ${lacks}`);
    }
  }

  #send({ id }: Peer, messages: readonly Outgoing<GossipMessage>[]): void {
    for (const { to, message } of messages) {
      const writer = new ByteWriter();
      encodeGossipMessage(writer, this.#options.tampers?.(message) ?? message);
      this.network.push({ from: id, to, bytes: writer.finish() });
    }
  }
}
