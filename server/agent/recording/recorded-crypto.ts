import { MalformedBytes } from "../../core/bytes.ts";
import type { AgentId } from "../../core/consensus.ts";
import type { Crypto } from "../../core/crypto.ts";
import type { Answer } from "./answers.ts";
import type { Digest } from "./digests.ts";

/** Passes everything on, and tells of every answer. */
export function heard(crypto: Crypto, hear: (answer: Answer) => void): Crypto {
  return {
    digest: (bytes) => crypto.digest(bytes),
    sign: (bytes) => {
      const signature = crypto.sign(bytes);
      hear(signature);
      return signature;
    },
    verify: (signer, bytes, signature) => {
      const verdict = crypto.verify(signer, bytes, signature);
      hear(verdict);
      return verdict;
    },
  };
}

/** The cryptography of an agent that is replayed: it has no key, and answers what was recorded, in that order. */
export class RecordedCrypto implements Crypto {
  readonly #digest: Digest | undefined;
  #answers: readonly Answer[] = [];
  #given = 0;
  /** How what was asked differs from what was recorded; "" while it does not. The agent may take the error that it is told it by for one of its own. */
  #problem = "";

  /** @param digest the function that the recorded agent had; undefined: it asked for no digest */
  constructor(digest: Digest | undefined) {
    this.#digest = digest;
  }

  /** What it answers from now on. */
  answers(answers: readonly Answer[]): void {
    this.#answers = answers;
    this.#given = 0;
  }

  /** To be asked when the input that the answers belong to has been taken: how what it asked for differs from what was recorded; "" when it does not. */
  problem(): string {
    if (this.#problem !== "") return this.#problem;
    const left = this.#answers.length - this.#given;
    return left === 0 ? "" : `it asked for ${left} fewer signatures or verdicts on them than were recorded`;
  }

  digest(bytes: Uint8Array): Uint8Array {
    if (this.#digest === undefined) throw this.#differs("it asked for a digest, and the recording names no function");
    return this.#digest(bytes);
  }

  sign(): Uint8Array {
    const answer = this.#next("a signature");
    if (typeof answer === "boolean") throw this.#differs("it signed where it had verified a signature");
    return answer;
  }

  verify(_signer: AgentId, _bytes: Uint8Array, _signature: Uint8Array): boolean {
    const answer = this.#next("a verdict on a signature");
    if (typeof answer !== "boolean") throw this.#differs("it verified a signature where it had signed");
    return answer;
  }

  #next(what: string): Answer {
    const answer = this.#answers[this.#given];
    if (answer === undefined) throw this.#differs(`it asked for ${what} more than was recorded`);
    this.#given++;
    return answer;
  }

  #differs(how: string): MalformedBytes {
    this.#problem ||= how;
    return new MalformedBytes(how);
  }
}
