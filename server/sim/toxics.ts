import { type Crossing, type Toxin, toxinOf } from "../agent/toxics/toxin.ts";
import type { Effect, Toxic } from "../contract/faults.ts";
import type { Random } from "../core/random.ts";
import type { Schedule } from "./schedule.ts";

/** A toxic in one direction of one pair of agents. The object itself is its identity: what it has gathered stays as long as it does. */
export interface LinkToxic {
  readonly from: number;
  readonly to: number;
  readonly toxic: Toxic;
  /** What it is part of, for whoever counts what took effect. */
  readonly effect?: Effect;
}

/** The links that toxics are on. */
export interface Linkage {
  readonly schedule: Schedule;
  readonly random: Random;
  /** The number of the connection that is up; 0: none. */
  connection(from: number, to: number): number;
  close(from: number, to: number): void;
  /** Something that had passed does not any more, or the other way round. */
  reachChanged(): void;
  /** A toxic has changed what became of a frame or a connection. */
  tookEffect(effect: Effect): void;
}

/** All toxics that are in force, by `from * size + to`. Loss is a number a frame is compared with; everything else is a toxin, and there are mostly none. */
export class Toxics {
  /** The share that does not pass; 1: nothing does. */
  readonly loss: Float64Array;
  /** How much later a close is seen. */
  readonly slowCloseUs: Float64Array;
  readonly #size: number;
  readonly #linkage: Linkage;
  readonly #inForce = new Map<LinkToxic, Toxin | undefined>();
  readonly #toxins: (Toxin[] | undefined)[];
  /** Those that let not all pass. */
  readonly #losing: (LinkToxic[] | undefined)[];

  constructor(size: number, linkage: Linkage) {
    this.#size = size;
    this.#linkage = linkage;
    this.loss = new Float64Array(size * size);
    this.slowCloseUs = new Float64Array(size * size);
    this.#toxins = Array.from({ length: size * size }, () => undefined);
    this.#losing = Array.from({ length: size * size }, () => undefined);
  }

  at(way: number): readonly Toxin[] | undefined {
    return this.#toxins[way];
  }

  /** Something did not pass there. */
  lost(way: number): void {
    for (const toxic of this.#losing[way] ?? []) this.#tookEffect(toxic);
  }

  /** A close there was seen later. */
  closedSlowly(way: number): void {
    for (const toxic of this.#inForce.keys())
      if (toxic.toxic.toxic === "slowClose" && toxic.from * this.#size + toxic.to === way) this.#tookEffect(toxic);
  }

  /** Replaces all. @returns the ways from which a toxin was taken: what it held up need not wait any longer */
  set(toxics: readonly LinkToxic[]): readonly number[] {
    const wanted = new Set(toxics);
    const freed = new Set<number>();
    for (const [toxic, toxin] of this.#inForce) {
      if (wanted.has(toxic)) continue;
      this.#inForce.delete(toxic);
      if (toxin === undefined) continue;
      toxin.end();
      freed.add(toxic.from * this.#size + toxic.to);
    }
    for (const toxic of toxics) if (!this.#inForce.has(toxic)) this.#inForce.set(toxic, this.#toxin(toxic));
    this.#add();
    return [...freed];
  }

  #toxin(linkToxic: LinkToxic): Toxin | undefined {
    const { from, to, toxic } = linkToxic;
    if (toxic.toxic === "loss" || toxic.toxic === "slowClose") return undefined;
    const { schedule, random } = this.#linkage;
    const connection = () => this.#linkage.connection(from, to);
    const toxin = toxinOf(toxic, {
      schedule,
      random,
      get connection() {
        return connection();
      },
      close: () => {
        if (connection() !== 0) this.#tookEffect(linkToxic);
        this.#linkage.close(from, to);
      },
      blockingChanged: () => {
        this.#add();
        this.#linkage.reachChanged();
      },
    });
    return new WatchedToxin(toxin, () => this.#tookEffect(linkToxic));
  }

  #tookEffect({ effect }: LinkToxic): void {
    if (effect !== undefined) this.#linkage.tookEffect(effect);
  }

  /** What all come to together. */
  #add(): void {
    this.loss.fill(0);
    this.slowCloseUs.fill(0);
    this.#toxins.fill(undefined);
    this.#losing.fill(undefined);
    for (const [linkToxic, toxin] of this.#inForce) {
      const { from, to, toxic } = linkToxic;
      const way = from * this.#size + to;
      const share = toxic.toxic === "loss" ? toxic.share : toxin?.blocks ? 1 : 0;
      this.loss[way] = 1 - (1 - (this.loss[way] as number)) * (1 - share);
      if (share > 0) push(this.#losing, way, linkToxic);
      if (toxic.toxic === "slowClose") this.slowCloseUs[way] = (this.slowCloseUs[way] as number) + toxic.delayMs * 1000;
      if (toxin !== undefined) push(this.#toxins, way, toxin);
    }
  }
}

function push<T>(lists: (T[] | undefined)[], at: number, item: T): void {
  const here = lists[at];
  if (here) here.push(item);
  else lists[at] = [item];
}

/** Tells when a frame comes out of it as another than it went in. */
class WatchedToxin implements Toxin {
  readonly #toxin: Toxin;
  readonly #changed: () => void;

  constructor(toxin: Toxin, changed: () => void) {
    this.#toxin = toxin;
    this.#changed = changed;
  }

  get blocks(): boolean {
    return this.#toxin.blocks;
  }

  cross(crossing: Crossing): void {
    const { arrivalUs, copies, free, damaged } = crossing;
    this.#toxin.cross(crossing);
    const same =
      crossing.arrivalUs === arrivalUs &&
      crossing.copies === copies &&
      crossing.free === free &&
      crossing.damaged === damaged;
    if (!same) this.#changed();
  }

  end(): void {
    this.#toxin.end();
  }
}
