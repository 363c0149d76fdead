import { type KeyObject, randomBytes, sign, verify } from "node:crypto";
import { ByteReader, ByteWriter } from "../../core/bytes.ts";

/**
 * How two agents make sure of each other before the first frame of a link. Both have the roster with every agent's Ed25519 public key.
 *
 *   dialer   -> acceptor   1 | version | swarm | dialer's id | acceptor's id | incarnation | nonce
 *   acceptor -> dialer     2 | incarnation | nonce | signature
 *   dialer   -> acceptor   3 | signature
 *   acceptor -> dialer     4
 *
 * Each signs everything said so far and its own role, so that an answer serves for no other pair, swarm, direction or moment (the SIGMA pattern,
 * Krawczyk 2003, without its key exchange: the link does not leave the machine and is not encrypted).
 */
export const LINK_PROTOCOL_VERSION = 1;
/** No message of a handshake is longer. */
export const HANDSHAKE_LIMIT_BYTES = 1024;

const CONTEXT = "agent-mesh link handshake";
const NONCE_BYTES = 32;
const SIGNATURE_BYTES = 64;
const MAX_TEXT_BYTES = 64;
const Step = { hello: 1, answer: 2, proof: 3, welcome: 4 } as const;

/** The other side is not who it must be, or does not speak this protocol. */
export class HandshakeRefused extends Error {
  override readonly name = "HandshakeRefused";
}

export interface HandshakeIdentity {
  readonly swarm: string;
  readonly id: string;
  readonly incarnation: number;
  readonly privateKey: KeyObject;
  /** The key of an agent that may be linked with this one in this direction; undefined for all others. */
  readonly keyOf: (peer: string) => KeyObject | undefined;
}

/** What to send next; with `done` the peer is known to be who it says. */
export interface HandshakeStep {
  readonly send?: Uint8Array;
  readonly done?: { readonly peer: string; readonly incarnation: number };
}

interface Transcript {
  readonly dialer: string;
  readonly acceptor: string;
  readonly dialerIncarnation: number;
  readonly acceptorIncarnation: number;
  readonly dialerNonce: Uint8Array;
  readonly acceptorNonce: Uint8Array;
}

export interface Handshake {
  /** The next message of the other side. @throws HandshakeRefused or MalformedBytes; the connection must then be closed. */
  receive(message: Uint8Array): HandshakeStep;
}

/** The side that opened the connection, to an agent it knows. `opening` is to be sent first. */
export function dialerHandshake(self: HandshakeIdentity, peer: string): Handshake & { readonly opening: Uint8Array } {
  const dialerNonce = new Uint8Array(randomBytes(NONCE_BYTES));
  let known: HandshakeStep["done"];
  const answered = (reader: ByteReader): HandshakeStep => {
    const incarnation = reader.varint();
    const acceptorNonce = reader.raw(NONCE_BYTES);
    const transcript: Transcript = {
      dialer: self.id,
      acceptor: peer,
      dialerIncarnation: self.incarnation,
      acceptorIncarnation: incarnation,
      dialerNonce,
      acceptorNonce,
    };
    requireSignature(self, peer, transcript, "acceptor", reader.raw(SIGNATURE_BYTES));
    known = { peer, incarnation };
    return { send: message(Step.proof, (writer) => writer.raw(signed(self, transcript, "dialer"))) };
  };
  return {
    opening: message(Step.hello, (writer) => {
      writer.varint(LINK_PROTOCOL_VERSION);
      for (const text of [self.swarm, self.id, peer]) writer.text(text);
      writer.varint(self.incarnation);
      writer.raw(dialerNonce);
    }),
    receive(bytes) {
      const reader = opened(bytes, known === undefined ? Step.answer : Step.welcome);
      const step = known === undefined ? answered(reader) : { done: known };
      reader.end();
      return step;
    },
  };
}

/** The side that was called. */
export function acceptorHandshake(self: HandshakeIdentity): Handshake {
  let transcript: Transcript | undefined;
  const greeted = (reader: ByteReader): HandshakeStep => {
    const version = reader.varint();
    if (version !== LINK_PROTOCOL_VERSION)
      throw new HandshakeRefused(
        `it speaks version ${version} of the link protocol, this agent ${LINK_PROTOCOL_VERSION}`,
      );
    const swarm = reader.text(MAX_TEXT_BYTES);
    if (swarm !== self.swarm) throw new HandshakeRefused("it belongs to another swarm");
    const dialer = reader.text(MAX_TEXT_BYTES);
    const acceptor = reader.text(MAX_TEXT_BYTES);
    if (acceptor !== self.id)
      throw new HandshakeRefused(`it looks for ${JSON.stringify(acceptor)}, this is ${self.id}`);
    if (self.keyOf(dialer) === undefined)
      throw new HandshakeRefused(`no link from ${JSON.stringify(dialer)} to ${self.id} is configured`);
    const dialerIncarnation = reader.varint();
    const dialerNonce = reader.raw(NONCE_BYTES).slice();
    const acceptorNonce = new Uint8Array(randomBytes(NONCE_BYTES));
    const made = {
      dialer,
      acceptor,
      dialerIncarnation,
      acceptorIncarnation: self.incarnation,
      dialerNonce,
      acceptorNonce,
    };
    transcript = made;
    return {
      send: message(Step.answer, (writer) => {
        writer.varint(self.incarnation);
        writer.raw(acceptorNonce);
        writer.raw(signed(self, made, "acceptor"));
      }),
    };
  };
  const proven = (reader: ByteReader, agreed: Transcript): HandshakeStep => {
    requireSignature(self, agreed.dialer, agreed, "dialer", reader.raw(SIGNATURE_BYTES));
    return {
      send: message(Step.welcome, () => {}),
      done: { peer: agreed.dialer, incarnation: agreed.dialerIncarnation },
    };
  };
  return {
    receive(bytes) {
      const reader = opened(bytes, transcript === undefined ? Step.hello : Step.proof);
      const step = transcript === undefined ? greeted(reader) : proven(reader, transcript);
      reader.end();
      return step;
    },
  };
}

function message(step: number, fill: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  writer.byte(step);
  fill(writer);
  return writer.finish();
}

function opened(bytes: Uint8Array, expected: number): ByteReader {
  if (bytes.length > HANDSHAKE_LIMIT_BYTES) throw new HandshakeRefused(`a handshake message of ${bytes.length} bytes`);
  const reader = new ByteReader(bytes);
  if (reader.byte() !== expected)
    throw new HandshakeRefused(`the handshake's message ${expected} was due, another came`);
  return reader;
}

function transcriptBytes(swarm: string, transcript: Transcript, signer: "dialer" | "acceptor"): Uint8Array {
  const writer = new ByteWriter();
  writer.text(CONTEXT);
  writer.varint(LINK_PROTOCOL_VERSION);
  for (const text of [swarm, transcript.dialer, transcript.acceptor, signer]) writer.text(text);
  writer.varint(transcript.dialerIncarnation);
  writer.varint(transcript.acceptorIncarnation);
  writer.raw(transcript.dialerNonce);
  writer.raw(transcript.acceptorNonce);
  return writer.finish();
}

function signed(self: HandshakeIdentity, transcript: Transcript, signer: "dialer" | "acceptor"): Uint8Array {
  return sign(null, transcriptBytes(self.swarm, transcript, signer), self.privateKey);
}

function requireSignature(
  self: HandshakeIdentity,
  peer: string,
  transcript: Transcript,
  signer: "dialer" | "acceptor",
  signature: Uint8Array,
): void {
  const key = self.keyOf(peer);
  if (key === undefined || !verify(null, transcriptBytes(self.swarm, transcript, signer), key, signature))
    throw new HandshakeRefused(`it does not have the key of ${peer}`);
}
