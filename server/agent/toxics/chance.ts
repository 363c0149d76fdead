/** Toxics that look at each frame by itself, and remember nothing. */

import type { DelayDistribution } from "../../contract/faults.ts";
import type { Random } from "../../core/random.ts";
import { flipBit } from "../tamper/damage.ts";
import { drawDelayMs } from "../tamper/delay-distribution.ts";
import type { Crossing, Toxin } from "./toxin.ts";

abstract class Chance implements Toxin {
  readonly blocks = false;
  protected readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  abstract cross(crossing: Crossing): void;

  end(): void {
    // It holds nothing back.
  }
}

export class Lateness extends Chance {
  readonly #delay: DelayDistribution;

  constructor(delay: DelayDistribution, random: Random) {
    super(random);
    this.#delay = delay;
  }

  cross(crossing: Crossing): void {
    crossing.arrivalUs += drawDelayMs(this.#delay, this.random) * 1000;
  }
}

export class Duplication extends Chance {
  readonly #share: number;

  constructor(share: number, random: Random) {
    super(random);
    this.#share = share;
  }

  cross(crossing: Crossing): void {
    if (this.random.chance(this.#share)) crossing.copies++;
  }
}

export class Reordering extends Chance {
  readonly #share: number;
  readonly #byMs: number;

  constructor(share: number, byMs: number, random: Random) {
    super(random);
    this.#share = share;
    this.#byMs = byMs;
  }

  cross(crossing: Crossing): void {
    if (!this.random.chance(this.#share)) return;
    crossing.free = true;
    crossing.arrivalUs += this.random.float() * this.#byMs * 1000;
  }
}

export class Corruption extends Chance {
  readonly #share: number;

  constructor(share: number, random: Random) {
    super(random);
    this.#share = share;
  }

  cross(crossing: Crossing): void {
    // A second flip could undo the first.
    if (crossing.damaged || !this.random.chance(this.#share)) return;
    crossing.frame = flipBit(crossing.frame, this.random);
    crossing.damaged = true;
  }
}
