import { ByteReader, ByteWriter } from "../../../../core/bytes.ts";
import type { AgentId } from "../../../../core/consensus.ts";
import { decodePbftMessage, encodePbftMessage } from "../../../../core/pbft/codec.ts";
import type { PbftMessage } from "../../../../core/pbft/types.ts";
import type { LyingReplica } from "./lie.ts";

/** Messages kept, whoever they were for: of all views so far, the later the more. */
const MEMORY = 128;
const SHARE = 0.2;

/** With one message in five an old one, also of an earlier view and to another receiver, is said once more. */
export class Replayed {
  /** In their binary form: what a message is made of may be views into a frame. */
  readonly #sent: Uint8Array[] = [];

  tell({ random }: LyingReplica, _to: AgentId, message: PbftMessage): readonly PbftMessage[] {
    const again = this.#sent.length > 0 && random.chance(SHARE) ? [decoded(random.pick(this.#sent))] : [];
    const writer = new ByteWriter();
    encodePbftMessage(writer, message);
    const kept = writer.finish();
    if (this.#sent.length < MEMORY) this.#sent.push(kept);
    else this.#sent[random.int(0, MEMORY - 1)] = kept;
    return [message, ...again];
  }
}

function decoded(bytes: Uint8Array): PbftMessage {
  return decodePbftMessage(new ByteReader(bytes));
}
