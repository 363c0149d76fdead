import type { AgentId } from "../../../core/consensus.ts";
import type { Random } from "../../../core/random.ts";
import type { Told } from "../told.ts";
import type { Liar } from "./liar.ts";

/** Messages kept for each receiver. */
const MEMORY = 64;
const SHARE = 0.2;

/** With one message in five, an old one to the same receiver is sent once more. */
export class Replayer implements Liar {
  readonly #random: Random;
  readonly #sent = new Map<AgentId, Told[]>();

  constructor(random: Random) {
    this.#random = random;
  }

  tell(told: Told, _roster: readonly AgentId[]): readonly Told[] {
    const sent = this.#sent.get(told.to) ?? [];
    this.#sent.set(told.to, sent);
    const again = sent.length > 0 && this.#random.chance(SHARE) ? [this.#random.pick(sent)] : [];
    // Bytes are views into a frame: kept longer than that, they are copied.
    const kept = { ...told, packet: { ...told.packet, payload: told.packet.payload.slice() } };
    if (sent.length < MEMORY) sent.push(kept);
    else sent[this.#random.int(0, MEMORY - 1)] = kept;
    return [told, ...again];
  }
}
