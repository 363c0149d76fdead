import { createHash } from "node:crypto";
import type { AgentId } from "../../core/consensus.ts";

/** Some seconds' worth under load, about 100 bytes each. */
const GENERATION = 8_192;

/**
 * Signatures that were found to be good: what an agent says to all arrives alone first, and again in every certificate that it is part of. Each is kept by a digest of signer,
 * bytes and signature, so that none stands for another. Bounded: between one and two generations of those last used are remembered. Bad ones are not, as anybody can make as many as they like.
 */
export class VerifiedSignatures {
  readonly #generation: number;
  #fresh = new Set<string>();
  #old: ReadonlySet<string> = new Set();

  constructor(generation = GENERATION) {
    this.#generation = generation;
  }

  get size(): number {
    return this.#fresh.size + this.#old.size;
  }

  /** @param name of a signature, by `signatureName` */
  has(name: string): boolean {
    if (this.#fresh.has(name)) return true;
    if (!this.#old.has(name)) return false;
    this.#keep(name);
    return true;
  }

  add(name: string): void {
    this.#keep(name);
  }

  #keep(name: string): void {
    this.#fresh.add(name);
    if (this.#fresh.size < this.#generation) return;
    this.#old = this.#fresh;
    this.#fresh = new Set();
  }
}

/** What a signature is kept by. Two lengths before the parts: nothing of one can pass for a piece of the next. */
export function signatureName(signer: AgentId, bytes: Uint8Array, signature: Uint8Array): string {
  return createHash("sha256")
    .update(`${signer.length} ${bytes.length} ${signer}`)
    .update(bytes)
    .update(signature)
    .digest("binary");
}
