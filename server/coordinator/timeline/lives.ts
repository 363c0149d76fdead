/** The lives of agents and, per life, when each of its events was: finds an event by its id without an entry per id in a map. */
import type { EventId } from "../../contract/timeline.ts";
import { parseId } from "./event-order.ts";

interface Life {
  readonly index: number;
  /** Rising. */
  sequences: Uint32Array;
  wallMs: Float64Array;
  size: number;
}

export interface EventReference {
  /** From 1; 0 stands for none. */
  readonly life: number;
  readonly sequence: number;
}

const NONE: EventReference = { life: 0, sequence: 0 };
const MAX_LIVES = 65_535;

export class Lives {
  readonly #lives = new Map<string, Life>();

  /** 0, 0 when it is absent, no id, or there are too many lives to tell them apart. */
  reference(id: EventId | undefined): EventReference {
    const parsed = id === undefined ? undefined : parseId(id);
    if (parsed === undefined) return NONE;
    const life = this.#life(parsed.life);
    return life === undefined ? NONE : { life: life.index, sequence: parsed.sequence };
  }

  /** False when it is known already: agents number their events, and repeat some after a reconnection. */
  add(life: string, sequence: number, wallMs: number): boolean {
    const known = this.#life(life);
    if (known === undefined) return false;
    if (known.size > 0 && sequence <= known.sequences[known.size - 1]!) return false;
    if (known.size === known.sequences.length) grow(known);
    known.sequences[known.size] = sequence;
    known.wallMs[known.size++] = wallMs;
    return true;
  }

  /** undefined when there is no such event. */
  wallMsOf(id: EventId): number | undefined {
    const parsed = parseId(id);
    const life = parsed && this.#lives.get(parsed.life);
    if (life === undefined) return undefined;
    let low = 0;
    let high = life.size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (life.sequences[middle]! < parsed!.sequence) low = middle + 1;
      else high = middle;
    }
    return low < life.size && life.sequences[low] === parsed!.sequence ? life.wallMs[low] : undefined;
  }

  #life(name: string): Life | undefined {
    let life = this.#lives.get(name);
    if (life === undefined && this.#lives.size < MAX_LIVES) {
      life = { index: this.#lives.size + 1, sequences: new Uint32Array(16), wallMs: new Float64Array(16), size: 0 };
      this.#lives.set(name, life);
    }
    return life;
  }
}

function grow(life: Life): void {
  const sequences = new Uint32Array(2 * life.size);
  sequences.set(life.sequences);
  life.sequences = sequences;
  const wallMs = new Float64Array(2 * life.size);
  wallMs.set(life.wallMs);
  life.wallMs = wallMs;
}
