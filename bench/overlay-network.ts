import { ByteReader, ByteWriter } from "../server/core/bytes.ts";
import { HyParViewCodec } from "../server/core/overlay/hyparview/codec.ts";
import { HyParView } from "../server/core/overlay/hyparview/hyparview.ts";
import {
  type HyParViewConfig,
  type HyParViewMessage,
  type HyParViewObservation,
  PAPER_VIEWS,
} from "../server/core/overlay/hyparview/types.ts";
import { decodePlumtreeMessage, encodePlumtreeMessage } from "../server/core/overlay/plumtree/codec.ts";
import { Plumtree } from "../server/core/overlay/plumtree/plumtree.ts";
import type { BroadcastId, PlumtreeConfig, PlumtreeMessage } from "../server/core/overlay/plumtree/types.ts";
import { type Random, seededRandom } from "../server/core/random.ts";
import { Schedule } from "../server/sim/schedule.ts";
import type { Views } from "./overlay-graph.ts";

/** A cycle of the paper's: everybody shuffles once. Much longer than anything else takes, so that what happens between two is told apart. */
export const CYCLE_MS = 1_000_000;
const ANSWER_MS = 500;
/** One way; a pair has its own, always the same, so that messages between two arrive in order. */
const LATENCY_MS = { min: 1, max: 10 };
const US_PER_MS = 1000;

const TREE = {
  missingMs: 500,
  againMs: 25,
  gatherMs: 0,
  threshold: 7,
  remembered: 1000,
  keptBytes: 1_000_000,
} as const satisfies Partial<PlumtreeConfig>;

export interface OverlayOptions {
  readonly size: number;
  readonly seed: string;
  readonly views?: Partial<HyParViewConfig>;
  readonly tree?: Partial<PlumtreeConfig>;
  /** Links of who is killed close; else it is noticed only by who sends to it, as in the paper's experiments. */
  readonly closes?: boolean;
  /** Share of messages that are lost although both run, which a link does not do: to see it mended. */
  readonly loss?: number;
  /** Messages pass through bytes: slower, and closer to what agents do. */
  readonly encoded?: boolean;
  readonly make?: (...given: ConstructorParameters<typeof HyParView>) => HyParView;
  readonly makeTree?: (...given: ConstructorParameters<typeof Plumtree>) => Plumtree;
}

interface Node {
  readonly place: number;
  readonly id: string;
  views: HyParView | undefined;
  tree: Plumtree | undefined;
  incarnation: number;
  /** Which life of others it has links with, by place. */
  readonly lives: Map<number, number>;
  alarmMs: number;
  alarm: number;
}

/** How a broadcast went among those that ran when it began. */
export interface Spread {
  readonly reached: number;
  readonly running: number;
  /** Messages with the payload. */
  readonly payloads: number;
  /** Links that the payload had crossed where it came last. */
  readonly lastHop: number;
}

/** A way to send something from one node to another, and what the other does with it. */
type Parcel =
  | { readonly layer: "views"; readonly message: HyParViewMessage }
  | { readonly layer: "tree"; readonly message: PlumtreeMessage }
  | { readonly layer: "flood"; readonly hops: number };

/** Agents that are nothing but their part in an overlay, and in broadcasts on it, in virtual time. */
export class OverlayNetwork {
  readonly observations: { readonly at: number; readonly observation: HyParViewObservation }[] = [];
  readonly deliveries = new Map<string, { readonly place: number; readonly hops: number }[]>();
  /** Messages sent, by their types. */
  readonly sent = new Map<string, number>();
  loss: number;
  readonly #options: OverlayOptions;
  readonly #random: Random;
  readonly #salt: number;
  readonly #schedule = new Schedule();
  readonly #nodes: Node[];
  readonly #ids: readonly string[];
  readonly #places: ReadonlyMap<string, number>;
  readonly #viewsCodec: HyParViewCodec;
  #flooded = new Int32Array(0);

  constructor(options: OverlayOptions) {
    this.#options = options;
    this.loss = options.loss ?? 0;
    this.#random = seededRandom(`${options.seed}/network`);
    this.#salt = this.#random.uint32();
    this.#ids = Array.from({ length: options.size }, (_, place) => `a${place + 1}`);
    this.#places = new Map(this.#ids.map((id, place) => [id, place]));
    this.#viewsCodec = new HyParViewCodec(this.#ids);
    this.#nodes = this.#ids.map((id, place) => ({
      place,
      id,
      views: undefined,
      tree: undefined,
      incarnation: 0,
      lives: new Map(),
      alarmMs: Number.POSITIVE_INFINITY,
      alarm: 0,
    }));
  }

  get nowMs(): number {
    return this.#schedule.nowMs;
  }

  /** Everybody, one after the other, through somebody who is there already, without a cycle between. */
  joinAll(): void {
    for (const { place } of this.#nodes) {
      const contact = place === 0 ? [] : [this.#random.int(0, place - 1)];
      this.start(place, contact);
      this.run(100);
    }
  }

  start(place: number, contacts: readonly number[]): void {
    const node = this.#at(place);
    const { seed, views, tree, make, makeTree } = this.#options;
    node.incarnation++;
    node.lives.clear();
    const config: HyParViewConfig = {
      ...PAPER_VIEWS,
      shuffleIntervalMs: CYCLE_MS,
      answerMs: ANSWER_MS,
      ...views,
      id: node.id,
      contacts: contacts.map((contact) => this.#ids[contact] as string),
    };
    const treeConfig = { ...TREE, ...tree, id: node.id, incarnation: node.incarnation };
    const random = seededRandom(`${seed}/${node.id}.${node.incarnation}`);
    node.tree = makeTree === undefined ? new Plumtree(treeConfig) : makeTree(treeConfig);
    node.views = make === undefined ? new HyParView(config, this.nowMs, random) : make(config, this.nowMs, random);
    this.#turn(node);
  }

  kill(places: readonly number[]): void {
    for (const place of places) {
      const node = this.#at(place);
      node.views = undefined;
      node.tree = undefined;
      node.alarm++;
    }
    if (this.#options.closes !== true) return;
    const gone = new Set(places.map((place) => this.#ids[place] as string));
    for (const node of this.#nodes)
      for (const id of node.views?.active ?? []) {
        const peer = this.#at(this.#place(id));
        if (gone.has(id)) this.#fails(node, peer, peer.incarnation);
      }
  }

  leave(place: number): void {
    const node = this.#at(place);
    node.views?.leave();
    this.#turn(node);
    this.#schedule.afterMs(LATENCY_MS.max + 1, () => this.kill([place]));
  }

  run(forMs: number): void {
    this.#schedule.runUntil(this.#schedule.nowUs + Math.round(forMs * US_PER_MS), () => false);
  }

  core(place: number): HyParView {
    return this.#at(place).views as HyParView;
  }

  tree(place: number): Plumtree {
    return this.#at(place).tree as Plumtree;
  }

  running(): number[] {
    return this.#nodes.flatMap(({ place, views }) => (views === undefined ? [] : [place]));
  }

  /** Some of those that run. */
  drawn(count: number): number[] {
    return this.#random.shuffled(this.running()).slice(0, count);
  }

  active(): Views {
    return this.#nodes.map(({ views }) => views?.active.map((id) => this.#place(id)));
  }

  passive(): Views {
    return this.#nodes.map(({ views }) => views?.passive.map((id) => this.#place(id)));
  }

  /** The gossip of HyParView's paper: who hears of it first passes it on to all its neighbours but the one that it has it from. */
  flood(from: number, withinMs: number): Spread {
    this.#flooded = new Int32Array(this.#nodes.length).fill(-1);
    const before = this.sent.get("flood") ?? 0;
    const running = this.running();
    this.#passOn(this.#at(from), undefined, 0);
    this.run(withinMs);
    const reached = running.filter((place) => this.#flooded[place] !== -1);
    const lastHop = reached.reduce((most, place) => Math.max(most, this.#flooded[place] as number), 0);
    const payloads = (this.sent.get("flood") ?? 0) - before;
    return { reached: reached.length, running: running.length, payloads, lastHop };
  }

  /** The same by Plumtree. */
  broadcast(from: number, withinMs: number, payload = new Uint8Array(8)): Spread {
    const before = this.sent.get("broadcast") ?? 0;
    const running = new Set(this.running());
    const id = this.send(from, payload);
    this.run(withinMs);
    const reached = new Map((this.deliveries.get(id) ?? []).map(({ place, hops }) => [place, hops]));
    reached.set(from, 0);
    const there = [...reached].filter(([place]) => running.has(place));
    const lastHop = there.reduce((most, [, hops]) => Math.max(most, hops), 0);
    const payloads = (this.sent.get("broadcast") ?? 0) - before;
    return { reached: there.length, running: running.size, payloads, lastHop };
  }

  /** Begins a broadcast. @returns by what its deliveries are found */
  send(from: number, payload: Uint8Array): string {
    const node = this.#at(from);
    const id = this.tree(from).broadcast(payload, this.nowMs);
    this.#turn(node);
    return nameOf(id);
  }

  #at(place: number): Node {
    return this.#nodes[place] as Node;
  }

  #place(id: string): number {
    return this.#places.get(id) as number;
  }

  #passOn(node: Node, from: Node | undefined, hops: number): void {
    this.#flooded[node.place] = hops;
    for (const peer of node.views?.active ?? [])
      if (peer !== from?.id) this.#send(node, this.#at(this.#place(peer)), { layer: "flood", hops: hops + 1 });
  }

  #send(from: Node, to: Node, parcel: Parcel): void {
    const type = parcel.layer === "flood" ? "flood" : parcel.message.type;
    this.sent.set(type, (this.sent.get(type) ?? 0) + 1);
    if (this.loss > 0 && this.#random.chance(this.loss)) return;
    const [life, own] = [to.incarnation, from.incarnation];
    const sent = this.#options.encoded === true ? this.#throughBytes(parcel) : parcel;
    this.#schedule.afterMs(this.#latencyMs(from, to), () => {
      if (to.views === undefined || to.incarnation !== life) this.#fails(from, to, life);
      else this.#arrive(from, own, to, sent);
      // The last that came over a link: its end follows.
      if (this.#options.closes === true && (from.views === undefined || from.incarnation !== own))
        this.#fails(to, from, own);
    });
  }

  /** @param life the sender's */
  #arrive(from: Node, life: number, to: Node, parcel: Parcel): void {
    const known = to.lives.get(from.place) ?? life;
    to.lives.set(from.place, Math.max(known, life));
    // What an old link still held is lost with it, and it closes before there is another.
    if (life < known) return;
    if (life > known) to.views?.failed(from.id, this.nowMs);
    switch (parcel.layer) {
      case "views":
        to.views?.heard(from.id, parcel.message, this.nowMs);
        break;
      case "tree":
        to.tree?.heard(from.id, parcel.message, this.nowMs);
        break;
      case "flood":
        if (this.#flooded[to.place] === -1) this.#passOn(to, from, parcel.hops);
        return;
    }
    this.#turn(to);
  }

  /** A link with that life of a peer is reset, or not opened. */
  #fails(node: Node, peer: Node, peerLife: number): void {
    const life = node.incarnation;
    this.#schedule.afterMs(this.#latencyMs(node, peer), () => {
      if (node.views === undefined || node.incarnation !== life || (node.lives.get(peer.place) ?? 0) > peerLife) return;
      node.views.failed(peer.id, this.nowMs);
      this.#turn(node);
    });
  }

  #turn(node: Node): void {
    const { views, tree } = node;
    if (views === undefined || tree === undefined) return;
    const ready = views.take();
    for (const observation of ready?.observations ?? []) {
      this.observations.push({ at: node.place, observation });
      if (observation.type === "neighbourUp") tree.neighbourUp(observation.peer);
      if (observation.type === "neighbourDown") tree.neighbourDown(observation.peer);
    }
    for (const { to, message } of ready?.messages ?? [])
      this.#send(node, this.#at(this.#place(to)), { layer: "views", message });
    const broadcasts = tree.take(this.nowMs);
    for (const { id, hops } of broadcasts?.deliveries ?? []) {
      const name = nameOf(id);
      const delivered = this.deliveries.get(name);
      if (delivered === undefined) this.deliveries.set(name, [{ place: node.place, hops }]);
      else delivered.push({ place: node.place, hops });
    }
    for (const { to, message } of broadcasts?.messages ?? [])
      this.#send(node, this.#at(this.#place(to)), { layer: "tree", message });
    this.#setAlarm(node, Math.min(views.deadline(), tree.deadline()));
  }

  #setAlarm(node: Node, atMs: number): void {
    if (atMs === node.alarmMs && node.alarm > 0) return;
    node.alarmMs = atMs;
    const alarm = ++node.alarm;
    if (atMs === Number.POSITIVE_INFINITY) return;
    // Rounded up: a timer never fires early.
    const delayUs = Math.ceil((atMs - this.nowMs) * US_PER_MS);
    this.#schedule.after(Math.max(0, delayUs), {
      happen: () => {
        if (node.alarm !== alarm) return;
        node.alarmMs = Number.NaN;
        node.views?.tick(this.nowMs);
        node.tree?.tick(this.nowMs);
        this.#turn(node);
      },
    });
  }

  #throughBytes(parcel: Parcel): Parcel {
    switch (parcel.layer) {
      case "views": {
        const message = this.#viewsCodec.decode(this.#viewsCodec.encode(parcel.message)) as HyParViewMessage;
        return { layer: "views", message };
      }
      case "tree": {
        const writer = new ByteWriter();
        encodePlumtreeMessage(writer, parcel.message);
        return { layer: "tree", message: decodePlumtreeMessage(new ByteReader(writer.finish())) };
      }
      default:
        return parcel;
    }
  }

  #latencyMs(one: Node, other: Node): number {
    const [low, high] = one.place < other.place ? [one.place, other.place] : [other.place, one.place];
    let hash = Math.imul(low ^ this.#salt, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
    const share = ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
    return LATENCY_MS.min + share * (LATENCY_MS.max - LATENCY_MS.min);
  }
}

function nameOf({ origin, incarnation, number }: BroadcastId): string {
  return `${origin}.${incarnation}:${number}`;
}
