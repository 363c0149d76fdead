/** The wire form of contract/client.ts: MessagePack, one array a frame, both ways bounded. */
import { Decoder, Encoder } from "@msgpack/msgpack";
import type { AgentPush, ClientOperation, ClientRequest, ClientResult } from "../contract/client.ts";
import { CLIENT_FRAME_LIMIT_BYTES } from "../contract/client.ts";
import { MalformedFrame } from "./errors.ts";
import { checkPush, checkResult, isFields } from "./shapes.ts";

const encoder = new Encoder({ ignoreUndefined: true });
const decoder = new Decoder({
  maxStrLength: CLIENT_FRAME_LIMIT_BYTES,
  maxBinLength: CLIENT_FRAME_LIMIT_BYTES,
  // An array's or a map's header may claim four thousand million elements in five bytes.
  maxArrayLength: 1_000_000,
  maxMapLength: 100_000,
  maxExtLength: 0,
});

export interface FrameReader {
  answer(id: number, result: ClientResult): void;
  push(push: AgentPush): void;
}

export function encodeRequests(requests: readonly ClientRequest[]): Uint8Array {
  return encoder.encode(requests);
}

/** Hands a frame's elements over in their order. @throws MalformedFrame */
export function readFrame(frame: Uint8Array, reader: FrameReader): void {
  let elements: unknown;
  try {
    elements = decoder.decode(frame);
  } catch (error) {
    throw new MalformedFrame(`not MessagePack: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!Array.isArray(elements)) throw new MalformedFrame("a frame is not an array");
  for (const element of elements as unknown[]) {
    if (!isFields(element)) throw new MalformedFrame("a frame's element is not a map");
    if (element.push !== undefined) {
      checkPush(element);
      reader.push(element as unknown as AgentPush);
    } else {
      if (!Number.isSafeInteger(element.id)) throw new MalformedFrame("an answer has no id");
      checkResult(element);
      reader.answer(element.id as number, element as unknown as ClientResult);
    }
  }
}

const FIELD_NAMES_BYTES = 256;

/** An upper bound of a request's bytes on the wire, found without encoding it. */
export function sizeBound(operation: ClientOperation): number {
  switch (operation.op) {
    case "put":
    case "compareAndSet":
      return FIELD_NAMES_BYTES + utf8Bound(operation.namespace) + utf8Bound(operation.key) + operation.value.byteLength;
    case "delete":
    case "increment":
    case "get":
      return FIELD_NAMES_BYTES + utf8Bound(operation.namespace) + utf8Bound(operation.key);
    case "add":
    case "remove": {
      const { namespace, key, element } = operation;
      return FIELD_NAMES_BYTES + utf8Bound(namespace) + utf8Bound(key) + utf8Bound(element);
    }
    case "list": {
      const { namespace, prefix = "", after = "" } = operation;
      return FIELD_NAMES_BYTES + utf8Bound(namespace) + utf8Bound(prefix) + utf8Bound(after);
    }
    case "tasks":
      return FIELD_NAMES_BYTES + utf8Bound(operation.before ?? "");
    case "submitTask": {
      const { id = "", command, args = [], cwd = "", agent = "" } = operation.task;
      return [id, command, cwd, agent, ...args].reduce((sum, text) => sum + utf8Bound(text), FIELD_NAMES_BYTES);
    }
    case "cancelTask":
      return FIELD_NAMES_BYTES + utf8Bound(operation.taskId);
    case "outcome":
      return FIELD_NAMES_BYTES + utf8Bound(operation.taskId ?? "");
    case "setEffects":
      return operation.effects.reduce((sum, effect) => sum + 3 * JSON.stringify(effect).length, 200);
    case "stop":
      return FIELD_NAMES_BYTES + utf8Bound(operation.reason);
    default:
      return FIELD_NAMES_BYTES;
  }
}

/** A UTF-16 unit takes at most three bytes of UTF-8; the header five. */
function utf8Bound(text: string): number {
  return 3 * text.length + 5;
}
