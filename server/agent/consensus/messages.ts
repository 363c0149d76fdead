import type { Fields } from "../../contract/timeline.ts";
import { ByteReader, type ByteWriter } from "../../core/bytes.ts";
import { decodePbftMessage, encodePbftMessage, isPbftMessage, isPbftTag } from "../../core/pbft/codec.ts";
import type { PbftMessage } from "../../core/pbft/types.ts";
import { decodeRaftMessage, encodeRaftMessage } from "../../core/raft/codec.ts";
import type { RaftMessage } from "../../core/raft/types.ts";
import { pbftFields } from "./pbft-fields.ts";
import { raftFields } from "./raft-fields.ts";

/** What agents say to each other about what they decide, whichever consensus they carry. No type, and no tag, of one kind is one of another. */
export type AgentMessage = RaftMessage | PbftMessage;

export function encodeMessage(writer: ByteWriter, message: AgentMessage): void {
  if (isPbftMessage(message)) encodePbftMessage(writer, message);
  else encodeRaftMessage(writer, message);
}

/** Of whichever kind. @throws MalformedBytes */
export function decodeMessage(payload: Uint8Array): AgentMessage {
  const reader = new ByteReader(payload);
  const message = isPbftTag(payload[0]) ? decodePbftMessage(reader) : decodeRaftMessage(reader);
  reader.end();
  return message;
}

/** A message's own fields as people see them. */
export function messageFields(message: AgentMessage): Fields {
  return isPbftMessage(message) ? pbftFields(message) : raftFields(message);
}
