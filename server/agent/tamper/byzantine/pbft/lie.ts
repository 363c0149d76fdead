import type { AgentId } from "../../../../core/consensus.ts";
import type { Crypto } from "../../../../core/crypto.ts";
import type { PbftMessage } from "../../../../core/pbft/types.ts";
import type { Random } from "../../../../core/random.ts";
import type { SpokenBehaviour } from "../liar.ts";
import { prove } from "./bad-proof.ts";
import { corruptState } from "./corrupt-state.ts";
import { doubleVote } from "./double-voter.ts";
import { equivocate } from "./equivocator.ts";
import { forge } from "./forger.ts";
import { lieAboutLog } from "./log-liar.ts";
import { Replayed } from "./replayer.ts";
import type { Seen } from "./seen.ts";
import { digestWrongly } from "./wrong-digest.ts";

/** A replica that lies: it signs as itself, and as nobody else. */
export interface LyingReplica {
  readonly id: AgentId;
  readonly crypto: Crypto;
  readonly random: Random;
  /** All, itself among them, in an order that every liar knows. */
  readonly replicas: readonly AgentId[];
}

/** What is told instead of what an honest replica says to one other: the message itself when it tells the truth, nothing when it is silent. */
export type PbftLie = (liar: LyingReplica, to: AgentId, message: PbftMessage) => readonly PbftMessage[];

/** @param seen what this liar knows to be proposed; liars that are in it together share one. */
export function pbftLie(behaviour: SpokenBehaviour, seen: Seen): PbftLie {
  switch (behaviour) {
    case "equivocate":
      return equivocate(seen);
    case "doubleVote":
      return doubleVote(seen);
    case "replay": {
      const replayed = new Replayed();
      return (liar, to, message) => replayed.tell(liar, to, message);
    }
    case "forge":
      return forge;
    case "lieAboutLog":
      return lieAboutLog;
    case "wrongDigest":
      return digestWrongly;
    case "badProof":
      return prove;
    case "corruptState":
      return corruptState;
  }
}
