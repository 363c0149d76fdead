import { type Crossing, type Toxin, toxinOf } from "../agent/toxics/toxin.ts";
import type { Effect, Toxic } from "../contract/faults.ts";
import type { Random } from "../core/random.ts";
import type { Schedule } from "./schedule.ts";
import type { Way } from "./way.ts";

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
  close(from: number, to: number): void;
  /** Something that had passed does not any more, or the other way round. */
  reachChanged(): void;
  /** A toxic has changed what became of a frame or a connection. */
  tookEffect(effect: Effect): void;
}

/** All toxics that are in force, and what they come to on each way. Loss is a number a frame is compared with; everything else is a toxin, and there are mostly none. */
export class Toxics {
  readonly #wayOf: (from: number, to: number) => Way;
  readonly #linkage: Linkage;
  readonly #inForce = new Map<LinkToxic, Toxin | undefined>();
  /** Ways that any of them is on. */
  readonly #touched = new Set<Way>();

  /** @param wayOf from one agent to another, whether or not there is a link */
  constructor(wayOf: (from: number, to: number) => Way, linkage: Linkage) {
    this.#wayOf = wayOf;
    this.#linkage = linkage;
  }

  /** Something did not pass there. */
  lost({ losing = [] }: Way): void {
    for (const toxic of losing) this.#tookEffect(toxic);
  }

  /** A close there was seen later. */
  closedSlowly({ from, to }: Way): void {
    for (const toxic of this.#inForce.keys())
      if (toxic.toxic.toxic === "slowClose" && toxic.from === from && toxic.to === to) this.#tookEffect(toxic);
  }

  /** Replaces all. @returns the ways from which a toxin was taken: what it held up need not wait any longer */
  set(toxics: readonly LinkToxic[]): readonly Way[] {
    const wanted = new Set(toxics);
    const freed = new Set<Way>();
    for (const [toxic, toxin] of this.#inForce) {
      if (wanted.has(toxic)) continue;
      this.#inForce.delete(toxic);
      if (toxin === undefined) continue;
      toxin.end();
      freed.add(this.#wayOf(toxic.from, toxic.to));
    }
    for (const toxic of toxics) if (!this.#inForce.has(toxic)) this.#inForce.set(toxic, this.#toxin(toxic));
    this.#add();
    return [...freed];
  }

  #toxin(linkToxic: LinkToxic): Toxin | undefined {
    const { from, to, toxic } = linkToxic;
    if (toxic.toxic === "loss" || toxic.toxic === "slowClose") return undefined;
    const { schedule, random } = this.#linkage;
    const way = this.#wayOf(from, to);
    const toxin = toxinOf(toxic, {
      schedule,
      random,
      get connection() {
        return way.connection;
      },
      close: () => {
        if (way.connection !== 0) this.#tookEffect(linkToxic);
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
    for (const way of this.#touched) {
      way.loss = 0;
      way.slowCloseUs = 0;
      way.toxins = undefined;
      way.losing = undefined;
    }
    this.#touched.clear();
    for (const [linkToxic, toxin] of this.#inForce) {
      const { from, to, toxic } = linkToxic;
      const way = this.#wayOf(from, to);
      this.#touched.add(way);
      const share = toxic.toxic === "loss" ? toxic.share : toxin?.blocks ? 1 : 0;
      way.loss = 1 - (1 - way.loss) * (1 - share);
      if (share > 0) way.losing = [...(way.losing ?? []), linkToxic];
      if (toxic.toxic === "slowClose") way.slowCloseUs += toxic.delayMs * 1000;
      if (toxin !== undefined) way.toxins = [...(way.toxins ?? []), toxin];
    }
  }
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
