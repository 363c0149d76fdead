import { createHash, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import type { AgentId } from "../../../server/core/consensus.ts";
import type { Crypto } from "../../../server/core/crypto.ts";

/** Ed25519 and SHA-256 for each of these agents, which know each other's public keys. */
export function keysFor<Id extends AgentId>(...ids: readonly Id[]): Readonly<Record<Id, Crypto>> {
  const pairs = new Map<AgentId, { readonly publicKey: KeyObject; readonly privateKey: KeyObject }>();
  for (const id of ids) pairs.set(id, generateKeyPairSync("ed25519"));
  const cryptoOf = (id: AgentId): Crypto => ({
    digest: (bytes) => Uint8Array.from(createHash("sha256").update(bytes).digest()),
    sign: (bytes) => Uint8Array.from(sign(null, bytes, (pairs.get(id) as { privateKey: KeyObject }).privateKey)),
    verify: (signer, bytes, signature) => {
      const key = pairs.get(signer)?.publicKey;
      return key !== undefined && verify(null, bytes, key, signature);
    },
  });
  return Object.fromEntries(ids.map((id) => [id, cryptoOf(id)])) as Record<Id, Crypto>;
}
