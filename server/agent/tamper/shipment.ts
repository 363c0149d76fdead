import type { Random } from "../../core/random.ts";
import { encodeFrame, encodeFrames, type FrameHead, type Packet } from "../frame.ts";
import { flipBit } from "./damage.ts";
import type { Passed } from "./tamperer.ts";

/** What rules came to for one packet. */
export interface Fate {
  readonly delayMs: number;
  /** Besides the packet itself. */
  readonly copies: number;
  readonly corrupt: boolean;
}

/** The frames that a tampered one becomes: what was left alone and what is merely changed stay together; what is late, damaged or there again travels by itself. */
export class Shipment {
  readonly #original: Uint8Array;
  readonly #head: FrameHead;
  readonly #random: Random;
  readonly #together: Packet[] = [];
  readonly #alone: { readonly packet: Packet; readonly fate: Fate }[] = [];
  #touched = false;

  /** @param original leaves as it is when nothing was touched */
  constructor(original: Uint8Array, head: FrameHead, random: Random) {
    this.#original = original;
    this.#head = head;
    this.#random = random;
  }

  /** Exactly as it was. */
  keep(packet: Packet): void {
    this.#together.push(packet);
  }

  drop(): void {
    this.#touched = true;
  }

  send(packet: Packet, fate: Fate): void {
    this.#touched = true;
    if (fate.delayMs > 0 || fate.corrupt) this.#alone.push({ packet, fate });
    else {
      this.#together.push(packet);
      if (fate.copies > 0) this.#alone.push({ packet, fate: { ...fate, copies: fate.copies - 1 } });
    }
  }

  passed(): readonly Passed[] {
    if (!this.#touched) return [{ frame: this.#original, delayMs: 0, damaged: false }];
    const passed: Passed[] = [];
    if (this.#together.length > 0)
      for (const frame of encodeFrames(this.#head, this.#together)) passed.push({ frame, delayMs: 0, damaged: false });
    for (const { packet, fate } of this.#alone) {
      const { delayMs, corrupt: damaged } = fate;
      const whole = encodeFrame(this.#head, [packet]);
      for (let copy = 0; copy <= fate.copies; copy++)
        passed.push({ frame: damaged ? flipBit(whole, this.#random) : whole.slice(), delayMs, damaged });
    }
    return passed;
  }
}
