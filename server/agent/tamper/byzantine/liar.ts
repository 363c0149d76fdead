import type { ByzantineBehaviour } from "../../../contract/faults.ts";
import type { AgentId } from "../../../core/consensus.ts";
import type { Crypto } from "../../../core/crypto.ts";
import { isPbftMessage } from "../../../core/pbft/codec.ts";
import type { Random } from "../../../core/random.ts";
import type { Told } from "../told.ts";
import { DoubleVoter } from "./double-voter.ts";
import { Equivocator } from "./equivocator.ts";
import { Forger } from "./forger.ts";
import { LogLiar } from "./log-liar.ts";
import { pbftLie } from "./pbft/lie.ts";
import { PbftLiar } from "./pbft/pbft-liar.ts";
import type { Seen } from "./pbft/seen.ts";
import { Replayer } from "./replayer.ts";

/** Puts other words into an honest agent's mouth. */
export interface Liar {
  /** What is told instead of a message, on the same way. @param roster all agents, in the order that frames count them in */
  tell(told: Told, roster: readonly AgentId[]): readonly Told[];
}

/** The behaviours that need to know what is said; `silent` and `delay` do not. */
export type SpokenBehaviour = Exclude<ByzantineBehaviour, "silent" | "delay">;

/** Lies about the messages of whichever consensus there is. @param crypto the lying agent's own. @param seen what it knows to be proposed; shared by liars that are in it together */
export function liarOf(behaviour: SpokenBehaviour, random: Random, crypto: Crypto, seen: Seen): Liar {
  const raft = raftLiar(behaviour, random);
  const pbft = new PbftLiar(pbftLie(behaviour, seen), crypto, random);
  return { tell: (told, roster) => (isPbftMessage(told.message) ? pbft : raft)?.tell(told, roster) ?? [told] };
}

/** undefined: Raft has nothing to lie about in this way. */
function raftLiar(behaviour: SpokenBehaviour, random: Random): Liar | undefined {
  switch (behaviour) {
    case "equivocate":
      return new Equivocator();
    case "replay":
      return new Replayer(random);
    case "forge":
      return new Forger(random);
    case "doubleVote":
      return new DoubleVoter();
    case "lieAboutLog":
      return new LogLiar(random);
    case "wrongDigest":
    case "badProof":
    case "corruptState":
      return undefined;
  }
}
