import type { Effect } from "../../contract/faults.ts";
import type { FaultedFrames } from "../../contract/swarm.ts";

type Counted = { -readonly [Name in keyof FaultedFrames]: number };

const NONE: FaultedFrames = { dropped: 0, delayed: 0, corrupted: 0 };
/** Toxics that keep frames from arriving; all others but `corrupt` have them arrive later, or otherwise. */
const DROPPING: ReadonlySet<string> = new Set(["loss", "timeout", "flap", "reset", "limitData"]);

/** Counts what faults on links did to frames, at the agent that sent them. Since the start. */
export class LinkTroubles {
  readonly #ways = new Map<string, Counted>();

  /** An effect has changed what became of a frame. */
  happened(effect: Effect): void {
    if (effect.on !== "link") return;
    const { toxic } = effect.toxic;
    const counted = this.#way(effect.from, effect.to);
    if (DROPPING.has(toxic)) counted.dropped++;
    else if (toxic === "corrupt") counted.corrupted++;
    else counted.delayed++;
  }

  of(from: string, to: string): FaultedFrames {
    return this.#ways.get(way(from, to)) ?? NONE;
  }

  #way(from: string, to: string): Counted {
    const name = way(from, to);
    const known = this.#ways.get(name) ?? { ...NONE };
    this.#ways.set(name, known);
    return known;
  }
}

function way(from: string, to: string): string {
  return `${from}>${to}`;
}
