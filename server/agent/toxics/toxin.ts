import type { Toxic } from "../../contract/faults.ts";
import type { Random } from "../../core/random.ts";
import { Bandwidth } from "./bandwidth.ts";
import { Corruption, Duplication, Lateness, Reordering } from "./chance.ts";
import { Reset, Timeout } from "./closing.ts";
import { DataLimit } from "./data-limit.ts";
import { Flap } from "./flap.ts";
import { Slicing } from "./slicing.ts";

/**
 * What befalls a link in one direction (contract/faults.ts), the same in both worlds: the simulated network and the live links hand every frame through the toxins in
 * force, and carry what comes of it.
 */

/** A frame on its way through the toxics of one direction of a link: each changes it in turn. */
export interface Crossing {
  frame: Uint8Array;
  /** When it reaches the other end, µs. */
  arrivalUs: number;
  /** Besides the frame itself. */
  copies: number;
  /** Others may overtake it, and it holds up none. */
  free: boolean;
  /** A bit of it was flipped. */
  damaged: boolean;
}

/** Time as toxics need it: virtual or real. */
export interface ToxicTime {
  readonly nowUs: number;
  /** Once, after so long. */
  afterMs(delayMs: number, happen: () => void): void;
}

/** What a toxic needs of the link it is on. */
export interface ToxicLink {
  readonly schedule: ToxicTime;
  readonly random: Random;
  /** The number of the connection that is up; 0: none. */
  readonly connection: number;
  /** Closes the connection; both ends look for each other again. */
  close(): void;
  /** `blocks` has changed. */
  blockingChanged(): void;
}

/** A toxic in force in one direction of a link. */
export interface Toxin {
  /** Nothing passes: neither what is sent nor what is on its way. */
  readonly blocks: boolean;
  cross(crossing: Crossing): void;
  /** It is taken off the link. */
  end(): void;
}

/** `loss` and `slowClose` are no toxins: who carries the frames knows of them itself. */
export type Toxicant = Exclude<Toxic, { readonly toxic: "loss" | "slowClose" }>;

export function toxinOf(toxic: Toxicant, link: ToxicLink): Toxin {
  switch (toxic.toxic) {
    case "latency":
      return new Lateness(toxic.delay, link.random);
    case "bandwidth":
      return new Bandwidth(toxic.bytesPerSecond, link);
    case "duplicate":
      return new Duplication(toxic.share, link.random);
    case "reorder":
      return new Reordering(toxic.share, toxic.byMs, link.random);
    case "corrupt":
      return new Corruption(toxic.share, link.random);
    case "slicing":
      return new Slicing(toxic.bytes, toxic.everyMs, link);
    case "timeout":
      return new Timeout(toxic.afterMs, link);
    case "reset":
      return new Reset(toxic.afterMs, link);
    case "dataLimit":
      return new DataLimit(toxic.bytes, link);
    case "flap":
      return new Flap(toxic.upMs, toxic.downMs, link);
  }
}
