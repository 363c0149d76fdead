import type { AgentId } from "../../../../core/consensus.ts";
import type { Crypto } from "../../../../core/crypto.ts";
import { isPbftMessage } from "../../../../core/pbft/codec.ts";
import type { Random } from "../../../../core/random.ts";
import { compareText } from "../../../../core/text.ts";
import { retold, type Told } from "../../told.ts";
import type { Liar } from "../liar.ts";
import type { PbftLie } from "./lie.ts";

/** A lie about PBFT's messages, told in the packets that they travel in. */
export class PbftLiar implements Liar {
  readonly #lie: PbftLie;
  readonly #crypto: Crypto;
  readonly #random: Random;

  constructor(lie: PbftLie, crypto: Crypto, random: Random) {
    this.#lie = lie;
    this.#crypto = crypto;
    this.#random = random;
  }

  tell(told: Told, roster: readonly AgentId[]): readonly Told[] {
    const { from, to, message } = told;
    if (!isPbftMessage(message)) return [told];
    // In the order in which views go around.
    const replicas = [...roster].sort(compareText);
    const liar = { id: from, crypto: this.#crypto, random: this.#random, replicas };
    return this.#lie(liar, to, message).map((said) => (said === message ? told : retold(told, said)));
  }
}
