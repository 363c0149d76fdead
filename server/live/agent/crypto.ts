import { type KeyObject, sign, verify } from "node:crypto";
import type { AgentId } from "../../core/consensus.ts";
import type { Crypto } from "../../core/crypto.ts";
import { publicKeyOf } from "../identity.ts";
import { LayoutProblem } from "../layout.ts";
import { sha256 } from "../sha256.ts";
import type { RosterKeeper } from "./roster-keeper.ts";
import { signatureName, VerifiedSignatures } from "./verified-signatures.ts";

/** What was asked of an agent's cryptography so far. */
export interface SignatureCounts {
  readonly signed: number;
  /** Looked at in full, good or not. */
  readonly verified: number;
  /** Good ones that had been seen before. */
  readonly known: number;
}

/** Ed25519 with the keys that the agents know each other by, and SHA-256. What it gives is its own memory, and none of Buffer's. */
export class LiveCrypto implements Crypto {
  readonly #self: AgentId;
  readonly #privateKey: KeyObject;
  readonly #roster: Pick<RosterKeeper, "agents">;
  readonly #keys = new Map<AgentId, KeyObject>();
  readonly #verified = new VerifiedSignatures();
  readonly #counts = { signed: 0, verified: 0, known: 0 };

  /** @param roster may grow. @throws LayoutProblem when one of its keys is none */
  constructor(self: AgentId, privateKey: KeyObject, roster: Pick<RosterKeeper, "agents">) {
    this.#self = self;
    this.#privateKey = privateKey;
    this.#roster = roster;
    for (const { id } of roster.agents) this.#checkedKeyOf(id);
  }

  get counts(): SignatureCounts {
    return { ...this.#counts };
  }

  digest(bytes: Uint8Array): Uint8Array {
    return sha256(bytes);
  }

  sign(bytes: Uint8Array): Uint8Array {
    this.#counts.signed++;
    const signature = new Uint8Array(sign(null, bytes, this.#privateKey));
    // It comes back in certificates.
    this.#verified.add(signatureName(this.#self, bytes, signature));
    return signature;
  }

  verify(signer: AgentId, bytes: Uint8Array, signature: Uint8Array): boolean {
    const key = this.#keyOf(signer);
    if (key === undefined) return false;
    // A digest of all that was said, taken once: a batch's request is large.
    const name = signatureName(signer, bytes, signature);
    if (this.#verified.has(name)) {
      this.#counts.known++;
      return true;
    }
    this.#counts.verified++;
    if (!verify(null, bytes, key, signature)) return false;
    this.#verified.add(name);
    return true;
  }

  #checkedKeyOf(id: AgentId): void {
    try {
      this.#keyOf(id);
    } catch (error) {
      throw new LayoutProblem(`The public key of ${id} in swarm.json cannot be used: ${(error as Error).message}.`);
    }
  }

  /** Those who joined later are looked up when they are first met; the roster takes no key that is none. */
  #keyOf(agent: AgentId): KeyObject | undefined {
    const known = this.#keys.get(agent);
    if (known !== undefined) return known;
    const entry = this.#roster.agents.find(({ id }) => id === agent);
    if (entry === undefined) return undefined;
    const key = publicKeyOf(entry.publicKey);
    this.#keys.set(agent, key);
    return key;
  }
}
