import { ByteWriter, MalformedBytes } from "../../core/bytes.ts";
import type { AgentId } from "../../core/consensus.ts";
import { type AgentMessage, decodeMessage, encodeMessage } from "../consensus/messages.ts";
import type { DirectPacket, Packet, RelayedPacket } from "../frame.ts";

/** A consensus message that leaves its writer. */
export interface Told {
  readonly packet: DirectPacket | RelayedPacket;
  readonly from: AgentId;
  /** For whom it is; with a relayed packet not the neighbour it goes to. */
  readonly to: AgentId;
  readonly message: AgentMessage;
}

/** @returns undefined for what is not the sender's own, is none of consensus, or cannot be read. */
export function readTold(
  packet: Packet,
  from: AgentId,
  neighbour: AgentId,
  roster: readonly AgentId[],
): Told | undefined {
  if (packet.kind !== "direct" && packet.kind !== "relayed") return undefined;
  if (packet.kind === "relayed" && roster[packet.origin] !== from) return undefined;
  const to = packet.kind === "direct" ? neighbour : roster[packet.destination];
  if (to === undefined) return undefined;
  try {
    return { packet, from, to, message: decodeMessage(packet.payload) };
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined;
    throw error;
  }
}

/** The same packet with another message in it. */
export function retold(told: Told, message: AgentMessage): Told {
  const writer = new ByteWriter(told.packet.payload.length + 32);
  encodeMessage(writer, message);
  return { ...told, message, packet: { ...told.packet, payload: writer.finish() } };
}
