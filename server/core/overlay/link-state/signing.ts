import { ByteWriter } from "../../bytes.ts";
import type { LinkAdvert } from "./types.ts";

/** What stands before all else, so that the signature is good for nothing but an advert of this swarm. */
const PURPOSE = "agent-mesh link advert 1";

const writer = new ByteWriter();

/** The bytes that an advert's origin signs: purpose, swarm, origin (texts), life, number, count of peers and their places (varints). */
export function signedBytes(swarm: string, { origin, life, number, peers }: Omit<LinkAdvert, "signature">): Uint8Array {
  writer.clear();
  writer.text(PURPOSE);
  writer.text(swarm);
  writer.text(origin);
  writer.varint(life);
  writer.varint(number);
  writer.varint(peers.length);
  for (const peer of peers) writer.varint(peer);
  return writer.finish();
}
