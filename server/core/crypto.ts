import type { AgentId } from "./consensus.ts";

/** Bytes of a digest. */
export const DIGEST_BYTES = 32;
/** Bytes of a signature, at most. Ed25519's have 64. */
export const MAX_SIGNATURE_BYTES = 64;

/**
 * What a core needs of cryptography, given to it by its world: Ed25519 and SHA-256 where agents are processes, something cheaper that nobody inside can
 * break in a simulation. Deterministic: equal bytes give equal digests and equal signatures (RFC 8032, §5.1.6).
 */
export interface Crypto {
  /** @returns DIGEST_BYTES bytes. No two inputs that anybody can find have the same. */
  digest(bytes: Uint8Array): Uint8Array;
  /** This agent's signature. */
  sign(bytes: Uint8Array): Uint8Array;
  /** Whether `signer` signed these bytes. false, too, for a signer nobody knows and for a signature that is none. */
  verify(signer: AgentId, bytes: Uint8Array, signature: Uint8Array): boolean;
}
