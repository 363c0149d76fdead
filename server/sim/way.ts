import type { Toxin } from "../agent/toxics/toxin.ts";
import type { LinkToxic } from "./toxics.ts";

/** One direction of a link, or of two agents between which there may be one. */
export class Way {
  readonly from: number;
  readonly to: number;
  /** The number of the connection that is up; 0: none is. */
  connection = 0;
  /** What a frame takes, about, µs. */
  baseUs = 0;
  /** When the last frame that was sent arrives, µs. */
  lastArrivalUs = 0;
  /** The share that toxics do not let pass; 1: nothing does. */
  loss = 0;
  /** How much later a close is seen, µs. */
  slowCloseUs = 0;
  /** All that frames have to cross; undefined: nothing. */
  toxins: readonly Toxin[] | undefined;
  /** Toxics that let not all pass. */
  losing: readonly LinkToxic[] | undefined;

  constructor(from: number, to: number) {
    this.from = from;
    this.to = to;
  }
}
