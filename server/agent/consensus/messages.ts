import type { Fields } from "../../contract/timeline.ts";
import { ByteReader, type ByteWriter } from "../../core/bytes.ts";
import { decodeGossipMessage, encodeGossipMessage, isGossipMessage, isGossipTag } from "../../core/gossip/codec.ts";
import type { GossipMessage } from "../../core/gossip/types.ts";
import {
  decodePlumtreeMessage,
  encodePlumtreeMessage,
  isPlumtreeMessage,
  isPlumtreeTag,
} from "../../core/overlay/plumtree/codec.ts";
import type { PlumtreeMessage } from "../../core/overlay/plumtree/types.ts";
import { decodePbftMessage, encodePbftMessage, isPbftMessage, isPbftTag } from "../../core/pbft/codec.ts";
import type { PbftMessage } from "../../core/pbft/types.ts";
import { decodeRaftMessage, encodeRaftMessage } from "../../core/raft/codec.ts";
import type { RaftMessage } from "../../core/raft/types.ts";
import { broadcastFields } from "./broadcast-fields.ts";
import { gossipFields } from "./gossip-fields.ts";
import { pbftFields } from "./pbft-fields.ts";
import { raftFields } from "./raft-fields.ts";

/** What agents say to each other about what they decide, whichever consensus they carry, and by what they broadcast. No type, and no tag, of one kind is one of another. */
export type AgentMessage = RaftMessage | PbftMessage | GossipMessage | PlumtreeMessage;

export function encodeMessage(writer: ByteWriter, message: AgentMessage): void {
  if (isPbftMessage(message)) encodePbftMessage(writer, message);
  else if (isGossipMessage(message)) encodeGossipMessage(writer, message);
  else if (isPlumtreeMessage(message)) encodePlumtreeMessage(writer, message);
  else encodeRaftMessage(writer, message);
}

/** Of whichever kind. @throws MalformedBytes */
export function decodeMessage(payload: Uint8Array): AgentMessage {
  const reader = new ByteReader(payload);
  const message = decodeTagged(payload[0], reader);
  reader.end();
  return message;
}

function decodeTagged(tag: number | undefined, reader: ByteReader): AgentMessage {
  if (isPbftTag(tag)) return decodePbftMessage(reader);
  if (isPlumtreeTag(tag)) return decodePlumtreeMessage(reader);
  return isGossipTag(tag) ? decodeGossipMessage(reader) : decodeRaftMessage(reader);
}

/** A message's own fields as people see them. */
export function messageFields(message: AgentMessage): Fields {
  if (isPbftMessage(message)) return pbftFields(message);
  if (isPlumtreeMessage(message)) return broadcastFields(message);
  return isGossipMessage(message) ? gossipFields(message) : raftFields(message);
}
