import { Encoder } from "@msgpack/msgpack";
import { answerBytes } from "../../agent/answers.ts";
import type { AgentFrame, ClientResult } from "../../contract/client.ts";
import type { Reading } from "./event-feed.ts";

const encoder = new Encoder({ ignoreUndefined: true });
/** Well below the frame limit, whatever one event more adds. */
const EVENTS_FRAME_BYTES = 2 * 1024 * 1024;
/** Of several answers; a single one may have more, and still fits a client's frame. */
const REPLIES_FRAME_BYTES = 2 * 1024 * 1024;

/** Replies and pushes, in the form they travel in. */
export function encodeAgentFrame(frame: AgentFrame): Uint8Array {
  return encoder.encode(frame);
}

export type Reply = { readonly id: number } & ClientResult;

/** Answers, in as few frames as are of a sensible size: none is larger than a client takes, however many there are. */
export function replyFrames(replies: readonly Reply[]): Uint8Array[] {
  const frames: Uint8Array[] = [];
  let frame: Reply[] = [];
  let bytes = 0;
  for (const reply of replies) {
    const more = answerBytes(reply);
    if (frame.length > 0 && bytes + more > REPLIES_FRAME_BYTES) {
      frames.push(encodeAgentFrame(frame));
      frame = [];
      bytes = 0;
    }
    frame.push(reply);
    bytes += more;
  }
  if (frame.length > 0) frames.push(encodeAgentFrame(frame));
  return frames;
}

/** `events` pushes of already encoded events, in as few frames as are of a sensible size. */
export function eventFrames(reading: Reading): Uint8Array[] {
  const frames: Uint8Array[] = [];
  let parts: Uint8Array[] = [];
  let events = 0;
  let bytes = 0;
  let { lost } = reading;
  const finish = (): void => {
    frames.push(Buffer.concat([eventsHead(events, lost), ...parts]));
    parts = [];
    events = 0;
    bytes = 0;
    lost = 0;
  };
  for (const part of reading.parts) {
    if (bytes > 0 && bytes + part.bytes.length > EVENTS_FRAME_BYTES) finish();
    parts.push(part.bytes);
    events += part.events;
    bytes += part.bytes.length;
  }
  if (events > 0 || lost > 0) finish();
  return frames;
}

/** MessagePack of `[{push: "events", lost, events: [` with the list's length; the events follow. */
function eventsHead(events: number, lost: number): Buffer {
  const length = Buffer.alloc(5);
  length[0] = 0xdd;
  length.writeUInt32BE(events, 1);
  const fields = ["push", "events", "lost", lost, "events"].map((value) => encoder.encode(value));
  return Buffer.concat([Uint8Array.of(0x91, 0x83), ...fields, length]);
}
