import { createHash } from "node:crypto";

/** 32 bytes of their own: no Buffer, whose methods differ. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}
