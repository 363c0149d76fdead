import { type ByteReader, type ByteWriter, MalformedBytes } from "../bytes.ts";
import type { AgentId } from "../consensus.ts";
import { unreachable } from "../invariant.ts";
import {
  decodeDigest,
  decodeId,
  decodeMany,
  decodeSignature,
  eachOnce,
  encodeDigest,
  encodeMany,
  encodeSignature,
  rising,
  within,
} from "./fields.ts";
import {
  MAX_BATCH_BYTES,
  MAX_CHUNK_BYTES,
  MAX_COMMAND_BYTES,
  MAX_COMMANDS,
  MAX_REPLICAS,
  MAX_REQUEST_BYTES,
  MAX_REQUESTS,
  MAX_STATE_BYTES,
  MAX_WINDOW,
} from "./limits.ts";
import type {
  Batch,
  CheckpointCertificate,
  CommitCertificate,
  PbftMessage,
  PreparedCertificate,
  Reproposal,
  Request,
  Signed,
  ViewChange,
} from "./types.ts";

/**
 * The binary form of PBFT's messages and of what they are made of. Everything read is checked as far as its form goes; bytes from outside lead at worst to a
 * MalformedBytes. What it says may still be a lie: no signature is looked at here.
 *
 * Decoded commands are views into what was read: whoever decodes keeps those bytes alive and unchanged. Digests and signatures are copies, so that a
 * certificate can be kept without the message it came in.
 */

/** Raft's end far below: neither protocol's message is ever taken for the other's. */
const TAGS = {
  request: 33,
  prePrepare: 34,
  prepare: 35,
  commit: 36,
  checkpoint: 37,
  viewChange: 38,
  newView: 39,
  status: 40,
  fetchBatch: 41,
  batch: 42,
  fetchViewChange: 43,
  decided: 44,
  fetchState: 45,
  stateChunk: 46,
  read: 47,
  readReply: 48,
} as const satisfies Record<PbftMessage["type"], number>;

/** No other kind of consensus uses these tags. */
const FIRST_TAG = TAGS.request;
const LAST_TAG = TAGS.readReply;

export function isPbftTag(tag: number | undefined): boolean {
  return tag !== undefined && tag >= FIRST_TAG && tag <= LAST_TAG;
}

export function isPbftMessage(message: { readonly type: string }): message is PbftMessage {
  return message.type in TAGS;
}

/** How a new view names a view change. */
export interface NamedViewChange {
  readonly replica: AgentId;
  readonly digest: Uint8Array;
}

export function encodePbftMessage(writer: ByteWriter, message: PbftMessage): void {
  writer.byte(TAGS[message.type]);
  switch (message.type) {
    case "request":
      encodeRequest(writer, message.request);
      break;
    case "prePrepare":
      writer.varint(message.view);
      encodeProposal(writer, message);
      encodeBatch(writer, message.batch);
      break;
    case "prepare":
      writer.varint(message.view);
      encodeProposal(writer, message);
      encodeSignature(writer, message.prePrepare);
      break;
    case "commit":
      writer.varint(message.view);
      encodeProposal(writer, message);
      break;
    case "checkpoint":
      encodeProposal(writer, message);
      break;
    case "viewChange":
      encodeViewChange(writer, message.viewChange);
      break;
    case "newView":
      encodeUnsignedNewView(writer, message.view, message.viewChanges, message.reproposals);
      encodeSignature(writer, message.signature);
      break;
    case "status":
      writer.varint(message.view);
      writer.boolean(message.active);
      writer.varint(message.stable);
      writer.varint(message.executed);
      writer.varint(message.proposed);
      writer.boolean(message.asks);
      break;
    case "fetchBatch":
      writer.varint(message.seq);
      encodeDigest(writer, message.digest);
      break;
    case "batch":
      writer.varint(message.seq);
      encodeBatch(writer, message.batch);
      break;
    case "fetchViewChange":
      writer.varint(message.view);
      writer.text(message.replica);
      break;
    case "decided":
      encodeCommitCertificate(writer, message.certificate);
      encodeBatch(writer, message.batch);
      break;
    case "fetchState":
      writer.varint(message.seq);
      writer.varint(message.offset);
      break;
    case "stateChunk":
      encodeCheckpointCertificate(writer, message.certificate);
      writer.varint(message.totalBytes);
      writer.varint(message.offset);
      writer.bytes(message.data);
      break;
    case "read":
      writer.varint(message.life);
      writer.varint(message.number);
      break;
    case "readReply":
      writer.varint(message.life);
      writer.varint(message.number);
      writer.varint(message.prepared);
      encodeSignature(writer, message.signature);
      break;
    default:
      unreachable(message, "message");
  }
}

/** @throws MalformedBytes */
export function decodePbftMessage(reader: ByteReader): PbftMessage {
  const tag = reader.byte();
  switch (tag) {
    case TAGS.request:
      return { type: "request", request: decodeRequest(reader) };
    case TAGS.prePrepare:
      return { type: "prePrepare", view: reader.varint(), ...decodeProposal(reader), batch: decodeBatch(reader) };
    case TAGS.prepare:
      return {
        type: "prepare",
        view: reader.varint(),
        ...decodeProposal(reader),
        prePrepare: decodeSignature(reader),
      };
    case TAGS.commit:
      return { type: "commit", view: reader.varint(), ...decodeProposal(reader) };
    case TAGS.checkpoint:
      return { type: "checkpoint", ...decodeProposal(reader) };
    case TAGS.viewChange:
      return { type: "viewChange", viewChange: decodeViewChange(reader) };
    case TAGS.newView:
      return {
        type: "newView",
        view: reader.varint(),
        viewChanges: eachOnce(decodeMany(reader, MAX_REPLICAS, decodeNamedViewChange)),
        reproposals: rising(decodeMany(reader, MAX_WINDOW, decodeProposal), 0),
        signature: decodeSignature(reader),
      };
    case TAGS.status:
      return {
        type: "status",
        view: reader.varint(),
        active: reader.boolean(),
        stable: reader.varint(),
        executed: reader.varint(),
        proposed: reader.varint(),
        asks: reader.boolean(),
      };
    case TAGS.fetchBatch:
      return { type: "fetchBatch", seq: reader.varint(), digest: decodeDigest(reader) };
    case TAGS.batch:
      return { type: "batch", seq: reader.varint(), batch: decodeBatch(reader) };
    case TAGS.fetchViewChange:
      return { type: "fetchViewChange", view: reader.varint(), replica: decodeId(reader) };
    case TAGS.decided:
      return { type: "decided", certificate: decodeCommitCertificate(reader), batch: decodeBatch(reader) };
    case TAGS.fetchState:
      return { type: "fetchState", seq: reader.varint(), offset: reader.count(MAX_STATE_BYTES) };
    case TAGS.stateChunk:
      return decodeStateChunk(reader);
    case TAGS.read:
      return { type: "read", life: reader.varint(), number: reader.varint() };
    case TAGS.readReply:
      return {
        type: "readReply",
        life: reader.varint(),
        number: reader.varint(),
        prepared: reader.varint(),
        signature: decodeSignature(reader),
      };
    default:
      throw new MalformedBytes(`no PBFT message has the tag ${tag}`);
  }
}

export function encodeRequest(writer: ByteWriter, request: Request): void {
  encodeUnsignedRequest(writer, request);
  encodeSignature(writer, request.signature);
}

/** What its signature is over. */
export function encodeUnsignedRequest(writer: ByteWriter, request: Omit<Request, "signature">): void {
  writer.text(request.origin);
  writer.varint(request.life);
  writer.varint(request.number);
  writer.varint(request.floor);
  writer.varint(request.commands.length);
  for (const command of request.commands) writer.bytes(command);
}

/** Its commands are views into the reader's bytes. @param maxCommands fewer where others of its batch have used some up. @throws MalformedBytes */
export function decodeRequest(reader: ByteReader, maxCommands = MAX_COMMANDS): Request {
  const start = reader.position;
  const request: Request = {
    origin: decodeId(reader),
    life: reader.varint(),
    number: reader.varint(),
    floor: reader.varint(),
    commands: decodeMany(reader, maxCommands, decodeCommand),
    signature: decodeSignature(reader),
  };
  within(reader.position - start, MAX_REQUEST_BYTES, "a request");
  return request;
}

export function encodeBatch(writer: ByteWriter, batch: Batch): void {
  writer.varint(batch.view);
  writer.varint(batch.timeMs);
  encodeMany(writer, batch.requests, encodeRequest);
}

/** Its commands are views into the reader's bytes. @throws MalformedBytes */
export function decodeBatch(reader: ByteReader): Batch {
  const start = reader.position;
  let commandsLeft = MAX_COMMANDS;
  const batch: Batch = {
    view: reader.varint(),
    timeMs: reader.varint(),
    requests: decodeMany(reader, MAX_REQUESTS, () => {
      const request = decodeRequest(reader, commandsLeft);
      commandsLeft -= request.commands.length;
      return request;
    }),
  };
  within(reader.position - start, MAX_BATCH_BYTES, "a batch");
  return batch;
}

export function encodePreparedCertificate(writer: ByteWriter, certificate: PreparedCertificate): void {
  writer.varint(certificate.view);
  writer.varint(certificate.seq);
  encodeDigest(writer, certificate.digest);
  encodeSignature(writer, certificate.prePrepare);
  encodeMany(writer, certificate.prepares, encodeSigned);
}

/** @throws MalformedBytes */
export function decodePreparedCertificate(reader: ByteReader): PreparedCertificate {
  return {
    view: reader.varint(),
    seq: reader.varint(),
    digest: decodeDigest(reader),
    prePrepare: decodeSignature(reader),
    prepares: decodeSignatures(reader),
  };
}

export function encodeCommitCertificate(writer: ByteWriter, certificate: CommitCertificate): void {
  writer.varint(certificate.view);
  writer.varint(certificate.seq);
  encodeDigest(writer, certificate.digest);
  encodeMany(writer, certificate.commits, encodeSigned);
}

/** @throws MalformedBytes */
export function decodeCommitCertificate(reader: ByteReader): CommitCertificate {
  return {
    view: reader.varint(),
    seq: reader.varint(),
    digest: decodeDigest(reader),
    commits: decodeSignatures(reader),
  };
}

export function encodeCheckpointCertificate(writer: ByteWriter, certificate: CheckpointCertificate): void {
  writer.varint(certificate.seq);
  encodeDigest(writer, certificate.digest);
  encodeMany(writer, certificate.checkpoints, encodeSigned);
}

/** @throws MalformedBytes */
export function decodeCheckpointCertificate(reader: ByteReader): CheckpointCertificate {
  return { seq: reader.varint(), digest: decodeDigest(reader), checkpoints: decodeSignatures(reader) };
}

export function encodeViewChange(writer: ByteWriter, viewChange: ViewChange): void {
  encodeUnsignedViewChange(writer, viewChange);
  encodeSignature(writer, viewChange.signature);
}

/** What its signature is over. */
export function encodeUnsignedViewChange(writer: ByteWriter, viewChange: Omit<ViewChange, "signature">): void {
  writer.varint(viewChange.view);
  writer.text(viewChange.replica);
  encodeCheckpointCertificate(writer, viewChange.stable);
  encodeMany(writer, viewChange.prepared, encodePreparedCertificate);
}

/** @throws MalformedBytes also where what is prepared does not rise from the stable checkpoint on. */
export function decodeViewChange(reader: ByteReader): ViewChange {
  const view = reader.varint();
  const replica = decodeId(reader);
  const stable = decodeCheckpointCertificate(reader);
  const prepared = rising(decodeMany(reader, MAX_WINDOW, decodePreparedCertificate), stable.seq);
  return { view, replica, stable, prepared, signature: decodeSignature(reader) };
}

/** What its signature is over. */
export function encodeUnsignedNewView(
  writer: ByteWriter,
  view: number,
  viewChanges: readonly NamedViewChange[],
  reproposals: readonly Reproposal[],
): void {
  writer.varint(view);
  encodeMany(writer, viewChanges, encodeNamedViewChange);
  encodeMany(writer, reproposals, encodeProposal);
}

function decodeStateChunk(reader: ByteReader): PbftMessage {
  const certificate = decodeCheckpointCertificate(reader);
  const totalBytes = reader.count(MAX_STATE_BYTES);
  const offset = reader.count(totalBytes);
  const data = reader.bytes(Math.min(MAX_CHUNK_BYTES, totalBytes - offset));
  return { type: "stateChunk", certificate, totalBytes, offset, data };
}

/** What stands at one place: in a reproposal, a checkpoint, and behind a view in the three that order. */
function encodeProposal(writer: ByteWriter, { seq, digest, signature }: Reproposal): void {
  writer.varint(seq);
  encodeDigest(writer, digest);
  encodeSignature(writer, signature);
}

function decodeProposal(reader: ByteReader): Reproposal {
  return { seq: reader.varint(), digest: decodeDigest(reader), signature: decodeSignature(reader) };
}

function encodeNamedViewChange(writer: ByteWriter, { replica, digest }: NamedViewChange): void {
  writer.text(replica);
  encodeDigest(writer, digest);
}

function decodeNamedViewChange(reader: ByteReader): NamedViewChange {
  return { replica: decodeId(reader), digest: decodeDigest(reader) };
}

function encodeSigned(writer: ByteWriter, { replica, signature }: Signed): void {
  writer.text(replica);
  encodeSignature(writer, signature);
}

function decodeSigned(reader: ByteReader): Signed {
  return { replica: decodeId(reader), signature: decodeSignature(reader) };
}

function decodeSignatures(reader: ByteReader): readonly Signed[] {
  return eachOnce(decodeMany(reader, MAX_REPLICAS, decodeSigned));
}

function decodeCommand(reader: ByteReader): Uint8Array {
  return reader.bytes(MAX_COMMAND_BYTES);
}
