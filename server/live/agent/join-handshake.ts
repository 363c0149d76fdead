import { createHash, createHmac, type KeyObject, randomBytes, sign, timingSafeEqual, verify } from "node:crypto";
import { ByteReader, ByteWriter, utf8 } from "../../core/bytes.ts";
import { publicKeyOf } from "../identity.ts";
import { HandshakeRefused } from "./handshake.ts";

/**
 * How somebody whom no roster names becomes an agent of a swarm: by knowing its join secret, which never travels.
 *
 *   newcomer -> seed       1 | version | newcomer's nonce
 *   seed     -> newcomer   2 | swarm | seed's id | seed's nonce
 *   newcomer -> seed       3 | what it asks for | signature | proof of the secret
 *   seed     -> newcomer   4 | refused: retry after, why    or    welcome: what it needs, proof of the secret
 *
 * A proof is HMAC-SHA-256 (RFC 2104) under the secret over all that was said, and the side that proves: it serves for no other swarm, seed, key, id, port,
 * direction or moment. The signature shows that the newcomer has the key that will be in the roster. The secret has 256 random bits, so that a proof tells
 * an impostor nothing. Over TLS the key of the seed's certificate, as either side knows it, is among what was said: nobody can stand between the two. Both sides also derive from it, and from the two nonces, the token by which the newcomer knows the swarm's coordinator.
 */
export const JOIN_PROTOCOL_VERSION = 2;
/** No message of a newcomer is longer. */
export const JOIN_LIMIT_BYTES = 1024;
/** What a newcomer is given: a roster and its links. */
export const WELCOME_LIMIT_BYTES = 4 * 1024 * 1024;
export const MAX_SENTENCE_BYTES = 512;

const CONTEXT = "agent-mesh join";
const NONCE_BYTES = 32;
const SECRET_BYTES = 32;
const PROOF_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** The DER form (SPKI) of an Ed25519 public key. */
const PUBLIC_KEY_BYTES = 44;
const MAX_TEXT_BYTES = 64;
const Step = { hello: 1, challenge: 2, ask: 3, answer: 4 } as const;

/** What a newcomer wants to be. */
export interface JoinAsk {
  readonly id: string;
  /** As identity.ts writes it. */
  readonly publicKey: string;
  /** Where it listens, on 127.0.0.1 and on `host`. */
  readonly port: number;
  /** Where agents of other hosts reach it; "": nowhere. */
  readonly host: string;
  /** It is to have no vote. */
  readonly learner: boolean;
}

/** Who asks, known to have the secret and the key. */
export interface ProvenAsk extends JoinAsk {
  /** Lets its bearer command this newcomer, and nobody else. */
  readonly token: string;
}

export interface JoinChallenge {
  readonly swarm: string;
  readonly seed: string;
}

export type JoinAnswer =
  | { readonly welcome: Uint8Array; readonly token: string }
  /** 0: asking again is of no use. */
  | { readonly refused: string; readonly retryAfterMs: number };

/** @throws Error unless it is a join secret */
export function secretBytes(secret: string): Buffer {
  const bytes = Buffer.from(secret, "base64url");
  if (!/^[A-Za-z0-9_-]{43}$/.test(secret) || bytes.length !== SECRET_BYTES)
    throw new Error("a join secret is 43 letters, digits, - and _, as `agent-mesh secret` prints it");
  return bytes;
}

interface Said extends JoinChallenge {
  /** The key by which the seed's end of the connection is secured, SPKI; empty on the loopback interface, where none is. */
  readonly channel: Uint8Array;
  readonly newcomerNonce: Uint8Array;
  readonly seedNonce: Uint8Array;
}

/** The newcomer's side. `opening` is to be sent first. */
export class NewcomerHandshake {
  readonly opening: Uint8Array;
  readonly #secret: Buffer;
  readonly #nonce = new Uint8Array(randomBytes(NONCE_BYTES));
  #transcript: Uint8Array | undefined;

  constructor(secret: Buffer) {
    this.#secret = secret;
    this.opening = message(Step.hello, (writer) => {
      writer.varint(JOIN_PROTOCOL_VERSION);
      writer.raw(this.#nonce);
    });
  }

  /** @returns whom the newcomer has reached, and what to send to ask for something. @throws HandshakeRefused, MalformedBytes */
  challenged(
    bytes: Uint8Array,
    channel: Uint8Array,
  ): {
    readonly challenge: JoinChallenge;
    readonly ask: (ask: JoinAsk, key: KeyObject) => Uint8Array;
  } {
    const reader = opened(bytes, Step.challenge, JOIN_LIMIT_BYTES);
    const challenge = { swarm: reader.text(MAX_TEXT_BYTES), seed: reader.text(MAX_TEXT_BYTES) };
    const seedNonce = reader.raw(NONCE_BYTES).slice();
    reader.end();
    const said: Said = { ...challenge, channel, newcomerNonce: this.#nonce, seedNonce };
    return {
      challenge,
      ask: (ask, key) => {
        this.#transcript = transcriptOf(said, ask);
        const transcript = this.#transcript;
        return message(Step.ask, (writer) => {
          writeAsk(writer, ask);
          writer.raw(sign(null, transcript, key));
          writer.raw(proof(this.#secret, "newcomer", transcript));
        });
      },
    };
  }

  /** @throws HandshakeRefused when the seed does not know the secret; MalformedBytes */
  answered(bytes: Uint8Array): JoinAnswer {
    const transcript = this.#transcript;
    if (transcript === undefined) throw new HandshakeRefused("it answered before it was asked");
    const reader = opened(bytes, Step.answer, WELCOME_LIMIT_BYTES + JOIN_LIMIT_BYTES);
    if (!reader.boolean()) {
      const retryAfterMs = reader.varint();
      const refused = reader.text(MAX_SENTENCE_BYTES);
      reader.end();
      return { refused, retryAfterMs };
    }
    const proven = reader.raw(PROOF_BYTES);
    const welcome = reader.bytes(WELCOME_LIMIT_BYTES).slice();
    reader.end();
    if (!timingSafeEqual(proven, proof(this.#secret, "seed", transcript, welcome)))
      throw new HandshakeRefused("it does not know the join secret, so it is no agent of the swarm");
    return { welcome, token: tokenOf(this.#secret, transcript) };
  }
}

/** The seed's side: the agent that was called. */
export class SeedHandshake {
  readonly #self: JoinChallenge;
  readonly #secret: Buffer;
  readonly #channel: Uint8Array;
  #said: Said | undefined;
  #transcript: Uint8Array | undefined;

  /** @param channel this agent's public key where the newcomer came over TLS, else empty */
  constructor(self: JoinChallenge, secret: Buffer, channel: Uint8Array) {
    this.#self = self;
    this.#secret = secret;
    this.#channel = channel;
  }

  /** @returns what to send. @throws HandshakeRefused, MalformedBytes */
  greeted(bytes: Uint8Array): Uint8Array {
    const reader = opened(bytes, Step.hello, JOIN_LIMIT_BYTES);
    const version = reader.varint();
    if (version !== JOIN_PROTOCOL_VERSION)
      throw new HandshakeRefused(
        `it speaks version ${version} of the join protocol, this agent ${JOIN_PROTOCOL_VERSION}`,
      );
    const newcomerNonce = reader.raw(NONCE_BYTES).slice();
    reader.end();
    const seedNonce = new Uint8Array(randomBytes(NONCE_BYTES));
    const said = { ...this.#self, channel: this.#channel, newcomerNonce, seedNonce };
    this.#said = said;
    return message(Step.challenge, (writer) => {
      writer.text(said.swarm);
      writer.text(said.seed);
      writer.raw(seedNonce);
    });
  }

  /** Whether a greeting has come. */
  get greetedOnce(): boolean {
    return this.#said !== undefined;
  }

  /** @throws WrongSecret, HandshakeRefused when it does not have the key it names, MalformedBytes */
  asked(bytes: Uint8Array): ProvenAsk {
    const said = this.#said;
    if (said === undefined) throw new HandshakeRefused("it asked before it was challenged");
    const reader = opened(bytes, Step.ask, JOIN_LIMIT_BYTES);
    const publicKey = Buffer.from(reader.raw(PUBLIC_KEY_BYTES)).toString("base64");
    const ask: JoinAsk = {
      publicKey,
      id: reader.text(MAX_TEXT_BYTES),
      port: reader.varint(),
      host: reader.text(MAX_TEXT_BYTES),
      learner: reader.boolean(),
    };
    const signature = reader.raw(SIGNATURE_BYTES);
    const proven = reader.raw(PROOF_BYTES);
    reader.end();
    const transcript = transcriptOf(said, ask);
    // Before the signature: whoever does not know the secret costs no more than a hash.
    if (!timingSafeEqual(proven, proof(this.#secret, "newcomer", transcript))) throw new WrongSecret();
    if (!verify(null, transcript, checkedKey(publicKey), signature))
      throw new HandshakeRefused("it does not have the key that it names");
    this.#transcript = transcript;
    return { ...ask, token: tokenOf(this.#secret, transcript) };
  }

  /** To be sent once the newcomer is taken. */
  welcome(welcome: Uint8Array): Uint8Array {
    const transcript = this.#transcript as Uint8Array;
    return message(Step.answer, (writer) => {
      writer.boolean(true);
      writer.raw(proof(this.#secret, "seed", transcript, welcome));
      writer.bytes(welcome);
    });
  }
}

/** The newcomer does not know the secret. */
export class WrongSecret extends HandshakeRefused {
  constructor() {
    super("the join secret is wrong: `agent-mesh secret`, in the swarm's folder, prints the right one");
  }
}

/** Instead of a welcome. @param retryAfterMs 0: asking again is of no use */
export function refusal(why: string, retryAfterMs: number): Uint8Array {
  return message(Step.answer, (writer) => {
    writer.boolean(false);
    writer.varint(Math.ceil(retryAfterMs));
    writer.text(cut(why));
  });
}

/** A text that has room, whole characters only. */
function cut(text: string): string {
  const bytes = utf8(text);
  return bytes.length <= MAX_SENTENCE_BYTES
    ? text
    : Buffer.from(bytes)
        .subarray(0, MAX_SENTENCE_BYTES - 3)
        .toString()
        .replace(/\ufffd+$/, "");
}

function checkedKey(publicKey: string): KeyObject {
  try {
    return publicKeyOf(publicKey);
  } catch (error) {
    throw new HandshakeRefused(`its public key cannot be used: ${(error as Error).message}`);
  }
}

function writeAsk(writer: ByteWriter, { publicKey, id, port, host, learner }: JoinAsk): void {
  writer.raw(Buffer.from(publicKey, "base64"));
  writer.text(id);
  writer.varint(port);
  writer.text(host);
  writer.boolean(learner);
}

function transcriptOf({ swarm, seed, channel, newcomerNonce, seedNonce }: Said, ask: JoinAsk): Uint8Array {
  const writer = new ByteWriter();
  writer.text(CONTEXT);
  writer.varint(JOIN_PROTOCOL_VERSION);
  writer.text(swarm);
  writer.text(seed);
  writer.raw(newcomerNonce);
  writer.raw(seedNonce);
  writer.bytes(channel);
  writeAsk(writer, ask);
  return writer.finish();
}

function proof(
  secret: Buffer,
  side: "newcomer" | "seed",
  transcript: Uint8Array,
  welcome: Uint8Array = new Uint8Array(),
): Buffer {
  const hmac = createHmac("sha256", secret).update(labelled(side)).update(transcript);
  return hmac.update(createHash("sha256").update(welcome).digest()).digest();
}

function tokenOf(secret: Buffer, transcript: Uint8Array): string {
  return createHmac("sha256", secret).update(labelled("token")).update(transcript).digest("base64url");
}

/** Of a fixed length, so that no two inputs of the hash are the same by accident. */
function labelled(label: string): Uint8Array {
  return utf8(label.padEnd(16, "\0"));
}

function message(step: number, fill: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  writer.byte(step);
  fill(writer);
  return writer.finish();
}

function opened(bytes: Uint8Array, expected: number, limitBytes: number): ByteReader {
  if (bytes.length > limitBytes) throw new HandshakeRefused(`a message of ${bytes.length} bytes`);
  const reader = new ByteReader(bytes);
  if (reader.byte() !== expected) throw new HandshakeRefused(`message ${expected} of joining was due, another came`);
  return reader;
}
