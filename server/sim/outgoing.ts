import { type Passed, Tamperer, type Tampering, type TamperOptions } from "../agent/tamper/tamperer.ts";
import type { SimNetwork } from "./network.ts";
import type { Schedule } from "./schedule.ts";

/** What one agent sends, on its way to the network. */
export class Outgoing {
  readonly #from: { readonly id: string; readonly index: number };
  readonly #schedule: Schedule;
  readonly #tamperer: Tamperer;
  #network: SimNetwork | undefined;
  /** Nothing is asked of the tamperer. */
  #asIs = true;
  /** Rises with every crash: what was held back until then never left. */
  #life = 0;

  constructor(from: { readonly id: string; readonly index: number }, schedule: Schedule, options: TamperOptions) {
    this.#from = from;
    this.#schedule = schedule;
    this.#tamperer = new Tamperer(options);
  }

  attach(network: SimNetwork): void {
    this.#network = network;
  }

  rosterChanged(roster: readonly string[]): void {
    this.#tamperer.rosterChanged(roster);
  }

  /** Replaces all there is, by name. */
  tamper(tamperings: ReadonlyMap<string, Tampering>): void {
    this.#tamperer.set(tamperings);
    this.#asIs = this.#tamperer.idle;
  }

  send(to: string, peer: number, frame: Uint8Array): void {
    if (this.#asIs) this.#network?.send(this.#from.index, peer, frame);
    else for (const passed of this.#tamperer.pass(this.#from.id, to, frame)) this.#sendPassed(peer, passed);
  }

  crash(): void {
    this.#life++;
  }

  #sendPassed(peer: number, { frame, delayMs, damaged }: Passed): void {
    const life = this.#life;
    const send = () => {
      if (life === this.#life) this.#network?.send(this.#from.index, peer, frame, damaged);
    };
    if (delayMs === 0) send();
    else this.#schedule.afterMs(delayMs, send);
  }
}
