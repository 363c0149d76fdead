import type { KeyObject } from "node:crypto";
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  timingSafeEqual,
} from "node:crypto";

/** An agent's Ed25519 key pair. The texts are base64 of the DER forms (SPKI and PKCS #8). */
export interface KeyTexts {
  readonly publicKey: string;
  readonly privateKey: string;
}

export function makeKeys(): KeyTexts {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return {
    publicKey: publicKey.export({ format: "der", type: "spki" }).toString("base64"),
    privateKey: privateKey.export({ format: "der", type: "pkcs8" }).toString("base64"),
  };
}

/** The text of the public key that belongs to a private one. */
export function publicTextOf(privateKey: KeyObject): string {
  return createPublicKey(privateKey).export({ format: "der", type: "spki" }).toString("base64");
}

/** @throws Error unless the text is an Ed25519 public key. */
export function publicKeyOf(text: string): KeyObject {
  return ed25519(createPublicKey({ key: Buffer.from(text, "base64"), format: "der", type: "spki" }));
}

/** @throws Error unless the text is an Ed25519 private key. */
export function privateKeyOf(text: string): KeyObject {
  return ed25519(createPrivateKey({ key: Buffer.from(text, "base64"), format: "der", type: "pkcs8" }));
}

/** 256 random bits that let their bearer command a swarm's agents. */
export function makeToken(): string {
  return randomBytes(32).toString("base64url");
}

/** Short, unique, and fit for a folder's name. */
export function makeSwarmId(): string {
  return randomBytes(5).toString("hex");
}

/** Whether two secrets are the same, in a time that does not depend on where they differ. */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(createHash("sha256").update(a).digest(), createHash("sha256").update(b).digest());
}

function ed25519(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType !== "ed25519") throw new Error(`the key is of type ${key.asymmetricKeyType}, not Ed25519`);
  return key;
}
