import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { PAYLOAD_LIMIT_BYTES } from "../../../server/agent/frame.ts";
import { ByteReader, ByteWriter, MalformedBytes } from "../../../server/core/bytes.ts";
import { decodePbftMessage, encodePbftMessage } from "../../../server/core/pbft/codec.ts";
import {
  COMMAND_OVERHEAD_BYTES,
  MAX_BATCH_BYTES,
  MAX_CHUNK_BYTES,
  MAX_COMMAND_BYTES,
  MAX_COMMANDS,
  MAX_ID_BYTES,
  MAX_REPLICAS,
  MAX_REQUEST_BYTES,
  MAX_REQUESTS,
  MAX_STATE_BYTES,
  MAX_WINDOW,
  REQUEST_OVERHEAD_BYTES,
} from "../../../server/core/pbft/limits.ts";
import type { Batch, PbftMessage, PreparedCertificate, Request, Signed } from "../../../server/core/pbft/types.ts";
import { MAX_COMMAND_BYTES as MAX_RECORD_BYTES } from "../../../server/core/raft/limits.ts";

const digest = new Uint8Array(32);
const signature = new Uint8Array(64);
const MOST = Number.MAX_SAFE_INTEGER;

function longId(at: number): string {
  return String(at).padStart(MAX_ID_BYTES, "x");
}

function signatures(count: number): readonly Signed[] {
  return Array.from({ length: count }, (_, at) => ({ replica: longId(at), signature }));
}

/** Everything in it as long as can be. */
function requestOf(commands: readonly Uint8Array[]): Request {
  return { origin: longId(0), life: MOST, number: MOST, floor: MOST, commands, signature };
}

function batchOf(requests: readonly Request[]): Batch {
  return { view: MOST, timeMs: MOST, requests };
}

function empties(count: number): readonly Uint8Array[] {
  return new Array<Uint8Array>(count).fill(new Uint8Array());
}

function decided(batch: Batch, signers = MAX_REPLICAS): PbftMessage {
  return { type: "decided", certificate: { view: MOST, seq: MOST, digest, commits: signatures(signers) }, batch };
}

function prepared(seq: number, signers = 1): PreparedCertificate {
  return { view: MOST, seq, digest, prePrepare: signature, prepares: signatures(signers) };
}

function viewChange(
  certificates: readonly PreparedCertificate[],
  stableSeq = 0,
  checkpoints: readonly Signed[] = [],
): PbftMessage {
  const stable = { seq: stableSeq, digest, checkpoints };
  return {
    type: "viewChange",
    viewChange: { view: MOST, replica: longId(0), stable, prepared: certificates, signature },
  };
}

function newView(named: readonly string[], seqs: readonly number[]): PbftMessage {
  return {
    type: "newView",
    view: 1,
    viewChanges: named.map((replica) => ({ replica, digest })),
    reproposals: seqs.map((seq) => ({ seq, digest, signature })),
    signature,
  };
}

function chunk(totalBytes: number, offset: number, bytes: number): PbftMessage {
  const certificate = { seq: 1, digest, checkpoints: [] };
  return { type: "stateChunk", certificate, totalBytes, offset, data: new Uint8Array(bytes) };
}

function upTo(last: number): readonly number[] {
  return Array.from({ length: last }, (_, at) => at + 1);
}

function encoded(message: PbftMessage): Uint8Array {
  const writer = new ByteWriter();
  encodePbftMessage(writer, message);
  return writer.view();
}

/** @returns its bytes. */
function accepted(message: PbftMessage): number {
  const bytes = encoded(message);
  const reader = new ByteReader(bytes);
  assert.deepEqual(decodePbftMessage(reader), message);
  reader.end();
  return bytes.length;
}

function refused(message: PbftMessage, expected: RegExp): void {
  refusedBytes(encoded(message), expected);
}

function refusedBytes(bytes: Uint8Array, expected: RegExp): void {
  assert.throws(
    () => decodePbftMessage(new ByteReader(bytes)),
    (error) => error instanceof MalformedBytes && expected.test(error.message),
  );
}

const request = (one: Request): PbftMessage => ({ type: "request", request: one });

describe("the limits of PBFT's messages", () => {
  it("hold for ids, replicas and read ids", () => {
    accepted({ type: "fetchViewChange", view: 1, replica: "é".repeat(MAX_ID_BYTES / 2) });
    refused({ type: "fetchViewChange", view: 1, replica: "é".repeat(MAX_ID_BYTES / 2 + 1) }, /at most 64/);
    refused({ type: "fetchViewChange", view: 1, replica: "" }, /without an id/);
    accepted(decided(batchOf([]), MAX_REPLICAS));
    refused(decided(batchOf([]), MAX_REPLICAS + 1), /at most 100/);
  });

  it("hold for the requests and commands of a batch, alone and together", () => {
    const few = requestOf(empties(1));
    accepted({ type: "batch", seq: 1, batch: batchOf(new Array<Request>(MAX_REQUESTS).fill(few)) });
    refused({ type: "batch", seq: 1, batch: batchOf(new Array<Request>(MAX_REQUESTS + 1).fill(few)) }, /at most 4096/);
    accepted(request(requestOf(empties(MAX_COMMANDS))));
    refused(request(requestOf(empties(MAX_COMMANDS + 1))), /at most 65536/);
    const most = requestOf(empties(MAX_COMMANDS));
    accepted({ type: "batch", seq: 1, batch: batchOf([most, requestOf([])]) });
    refused({ type: "batch", seq: 1, batch: batchOf([most, few]) }, /at most 0/);
  });

  it("let the largest command be sent, ordered, journaled and passed on with its proof, and nothing larger", () => {
    const batch = batchOf([requestOf([new Uint8Array(MAX_COMMAND_BYTES)])]);
    accepted(request(batch.requests[0] as Request));
    accepted({ type: "prePrepare", view: MOST, seq: MOST, digest, signature, batch });
    const bytes = accepted(decided(batch));
    assert.ok(bytes <= PAYLOAD_LIMIT_BYTES && bytes <= MAX_RECORD_BYTES, `${bytes}`);
    refused(request(requestOf([new Uint8Array(MAX_COMMAND_BYTES + 1)])), /at most/);
  });

  it("bound a request by its bytes, as its overheads reckon them", () => {
    const half = MAX_REQUEST_BYTES / 2;
    const commands = [new Uint8Array(half - REQUEST_OVERHEAD_BYTES), new Uint8Array(half - 2 * COMMAND_OVERHEAD_BYTES)];
    accepted(request(requestOf(commands)));
    refused(request(requestOf([new Uint8Array(half), new Uint8Array(half)])), /a request of \d+ bytes/);
  });

  it("bound a batch by its bytes, so that whatever is accepted can be passed on", () => {
    const third = requestOf([
      new Uint8Array(Math.floor(MAX_BATCH_BYTES / 3) - REQUEST_OVERHEAD_BYTES - COMMAND_OVERHEAD_BYTES),
    ]);
    const most = batchOf([third, third, third]);
    const bytes = accepted(decided(most));
    assert.ok(bytes <= PAYLOAD_LIMIT_BYTES && bytes <= MAX_RECORD_BYTES, `${bytes}`);
    refused({ type: "batch", seq: 1, batch: batchOf([...most.requests, third]) }, /a batch of \d+ bytes/);
  });

  it("let the largest view change and new view fit a message, and refuse a place more", () => {
    const full = upTo(MAX_WINDOW).map((seq) => prepared(MOST - MAX_WINDOW - 1 + seq, MAX_REPLICAS));
    const bytes = accepted(viewChange(full, 1, signatures(MAX_REPLICAS)));
    assert.ok(bytes <= PAYLOAD_LIMIT_BYTES && bytes <= MAX_RECORD_BYTES, `${bytes}`);
    refused(viewChange(upTo(MAX_WINDOW + 1).map((seq) => prepared(seq))), /at most 256/);
    const names = upTo(MAX_REPLICAS).map(longId);
    assert.ok(accepted(newView(names, upTo(MAX_WINDOW))) <= PAYLOAD_LIMIT_BYTES);
    refused(newView(names, upTo(MAX_WINDOW + 1)), /at most 256/);
    refused(newView([...names, "one more"], []), /at most 100/);
  });

  it("count nobody twice", () => {
    const twice = [...signatures(3), ...signatures(1)];
    const certificate = { seq: 1, digest, checkpoints: twice };
    refused(
      { type: "decided", certificate: { view: 1, seq: 1, digest, commits: twice }, batch: batchOf([]) },
      /replica twice/,
    );
    refused({ type: "stateChunk", certificate, totalBytes: 0, offset: 0, data: digest }, /replica twice/);
    refused(viewChange([{ ...prepared(1), prepares: twice }]), /replica twice/);
    refused(viewChange([], 0, twice), /replica twice/);
    refused(newView(["a1", "a2", "a1"], []), /replica twice/);
  });

  it("let places only rise, from the stable checkpoint on", () => {
    accepted(viewChange([prepared(5), prepared(9)], 4));
    refused(viewChange([prepared(5), prepared(9)], 5), /sequence number 5 behind 5/);
    refused(viewChange([prepared(9), prepared(5)], 4), /sequence number 5 behind 9/);
    refused(viewChange([prepared(9), prepared(9)], 4), /sequence number 9 behind 9/);
    accepted(newView([], [1, 2, 4]));
    refused(newView([], [0]), /sequence number 0/);
    refused(newView([], [1, 3, 2]), /sequence number 2 behind 3/);
  });

  it("bound a state and its parts, none of which reaches beyond its end", () => {
    accepted(chunk(MAX_STATE_BYTES, MAX_STATE_BYTES - MAX_CHUNK_BYTES, MAX_CHUNK_BYTES));
    refused(chunk(MAX_STATE_BYTES, 0, MAX_CHUNK_BYTES + 1), /at most 1048576/);
    refused(chunk(MAX_STATE_BYTES + 1, 0, 1), /at most 2147483648/);
    refused(chunk(100, 101, 0), /at most 100/);
    refused(chunk(100, 60, 41), /at most 40/);
    refused({ type: "fetchState", seq: 1, offset: MAX_STATE_BYTES + 1 }, /at most/);
  });

  it("refuse a longer signature, and a count before anything is made of it", () => {
    const written = (...values: readonly number[]): Uint8Array => {
      const writer = new ByteWriter();
      for (const value of values) writer.varint(value);
      return writer.finish();
    };
    const digestOfOnes = new Array<number>(32).fill(1);
    refusedBytes(written(36, 1, 1, ...digestOfOnes, 65, ...new Array<number>(65).fill(1)), /at most 64/);
    // A batch, view, time, and then more requests than there are bytes; a request with too many commands.
    refusedBytes(written(42, 1, 1, 1, 4096, 0, 0), /at most \d are/);
    refusedBytes(written(33, 1, 97, 1, 1, 1, 65_536, 0), /at most \d are/);
  });
});
