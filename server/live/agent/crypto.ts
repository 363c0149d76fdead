import { createHash, type KeyObject, sign, verify } from "node:crypto";
import type { AgentId } from "../../core/consensus.ts";
import type { Crypto } from "../../core/crypto.ts";
import { publicKeyOf } from "../identity.ts";
import type { RosterKeeper } from "./roster-keeper.ts";

/** Signatures known to be good: what arrives alone comes again in certificates. Some seconds' worth under load. */
const MAX_VERIFIED = 16_384;

/** Ed25519 with the keys that the agents know each other by, and SHA-256. */
export class LiveCrypto implements Crypto {
  readonly #privateKey: KeyObject;
  readonly #roster: Pick<RosterKeeper, "agents">;
  readonly #keys = new Map<AgentId, KeyObject>();
  /** By signer and signature: the digest of what it is under. Oldest first. */
  readonly #verified = new Map<string, string>();

  constructor(privateKey: KeyObject, roster: Pick<RosterKeeper, "agents">) {
    this.#privateKey = privateKey;
    this.#roster = roster;
  }

  digest(bytes: Uint8Array): Uint8Array {
    return createHash("sha256").update(bytes).digest();
  }

  sign(bytes: Uint8Array): Uint8Array {
    return sign(null, bytes, this.#privateKey);
  }

  verify(signer: AgentId, bytes: Uint8Array, signature: Uint8Array): boolean {
    const key = this.#keyOf(signer);
    if (key === undefined) return false;
    const name = `${signer} ${Buffer.from(signature.buffer, signature.byteOffset, signature.length).toString("latin1")}`;
    const digest = createHash("sha256").update(bytes).digest("base64");
    if (this.#verified.get(name) === digest) return true;
    if (!verify(null, bytes, key, signature)) return false;
    this.#verified.set(name, digest);
    if (this.#verified.size > MAX_VERIFIED) this.#verified.delete(this.#verified.keys().next().value as string);
    return true;
  }

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
