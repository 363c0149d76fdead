import { type KeyObject, verify } from "node:crypto";
import type { Crypto } from "../../core/crypto.ts";
import { publicKeyOf } from "../identity.ts";

/** Whose key is which. */
export interface KeyEntry {
  readonly id: string;
  /** As identity.ts writes it. */
  readonly publicKey: string;
}

/** Verifies with these keys, and with nothing that was verified before. @throws Error for a key that is none, saying why */
export function rosterKeys(entries: readonly KeyEntry[]): Pick<Crypto, "verify"> {
  const keys = new Map<string, KeyObject>(entries.map(({ id, publicKey }) => [id, publicKeyOf(publicKey)]));
  return {
    verify(signer, bytes, signature) {
      const key = keys.get(signer);
      return key !== undefined && verify(null, bytes, key, signature);
    },
  };
}
