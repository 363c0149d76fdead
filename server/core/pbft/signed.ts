import { ByteWriter, utf8 } from "../bytes.ts";
import type { AgentId } from "../consensus.ts";
import {
  encodeBatch,
  encodeUnsignedNewView,
  encodeUnsignedRequest,
  encodeUnsignedViewChange,
  type NamedViewChange,
} from "./codec.ts";
import { encodeDigest } from "./fields.ts";
import type { Batch, OnceSigned, Reproposal, Request, ViewChange } from "./types.ts";

/**
 * The bytes that signatures and digests are over. Each begins with the same domain and then a tag of its own kind of statement, so that a signature under one is
 * none under another, nor under anything else that an agent's key signs (a link's handshake). A swarm's name is not in it: an agent's keys are made for one swarm.
 *
 * They are written anew from what was read, in the one form that this codec writes: who sent them in a longer form signed the same.
 *
 * How long a result lives: those of `orderBytes`, `checkpointBytes` and `readReplyBytes` are copies, and stay. The others, which may be large, are views into one buffer: valid until
 * the next call of any function here. They are to be signed, verified or digested at once.
 */

const DOMAIN = utf8("agent-mesh pbft 1");

const TAGS = {
  prePrepare: 1,
  prepare: 2,
  commit: 3,
  checkpoint: 4,
  request: 5,
  viewChange: 6,
  newView: 7,
  batch: 8,
  readReply: 9,
} as const;

const writer = new ByteWriter(64 * 1024);

/** For a request's signature, by its origin. */
export function requestBytes(request: Omit<Request, "signature">): Uint8Array {
  begin(TAGS.request);
  encodeUnsignedRequest(writer, request);
  return writer.view();
}

/** For the signature of a pre-prepare, a prepare or a commit, and of a new view's reproposals, which are pre-prepares (OSDI '99, §4.2, §4.4). */
export function orderBytes(kind: OnceSigned, view: number, seq: number, digest: Uint8Array): Uint8Array {
  begin(TAGS[kind]);
  writer.varint(view);
  writer.varint(seq);
  encodeDigest(writer, digest);
  return writer.finishShortLived();
}

/** For a checkpoint's signature. @param digest of the state after `seq`. */
export function checkpointBytes(seq: number, digest: Uint8Array): Uint8Array {
  begin(TAGS.checkpoint);
  writer.varint(seq);
  encodeDigest(writer, digest);
  return writer.finishShortLived();
}

/** For the answer to a read's question. @param reader who asked, in which of its lives, and its how manyth question it was */
export function readReplyBytes(reader: AgentId, life: number, number: number, prepared: number): Uint8Array {
  begin(TAGS.readReply);
  writer.text(reader);
  writer.varint(life);
  writer.varint(number);
  writer.varint(prepared);
  return writer.finishShortLived();
}

/** For a view change's signature, and for the digest by which a new view names it. */
export function viewChangeBytes(viewChange: Omit<ViewChange, "signature">): Uint8Array {
  begin(TAGS.viewChange);
  encodeUnsignedViewChange(writer, viewChange);
  return writer.view();
}

/** For a new view's signature. */
export function newViewBytes(
  view: number,
  viewChanges: readonly NamedViewChange[],
  reproposals: readonly Reproposal[],
): Uint8Array {
  begin(TAGS.newView);
  encodeUnsignedNewView(writer, view, viewChanges, reproposals);
  return writer.view();
}

/**
 * For a batch's digest. The requests' signatures are a part of it: otherwise a primary could give one batch to some replicas with signatures that hold and to
 * others with such that do not, and both would have the same digest.
 */
export function batchBytes(batch: Batch): Uint8Array {
  begin(TAGS.batch);
  encodeBatch(writer, batch);
  return writer.view();
}

function begin(tag: number): void {
  writer.clear();
  writer.raw(DOMAIN);
  writer.byte(tag);
}
