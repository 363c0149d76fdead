import type { ByzantineBehaviour } from "../../../contract/faults.ts";
import type { AgentId } from "../../../core/consensus.ts";
import type { Random } from "../../../core/random.ts";
import type { Told } from "../told.ts";
import { DoubleVoter } from "./double-voter.ts";
import { Equivocator } from "./equivocator.ts";
import { Forger } from "./forger.ts";
import { LogLiar } from "./log-liar.ts";
import { Replayer } from "./replayer.ts";

/** Puts other words into an honest agent's mouth. */
export interface Liar {
  /** What is told instead of a message, on the same way. @param roster all agents, in the order that frames count them in */
  tell(told: Told, roster: readonly AgentId[]): readonly Told[];
}

/** The behaviours that need to know what is said; `silent` and `delay` do not. */
export function liarOf(behaviour: Exclude<ByzantineBehaviour, "silent" | "delay">, random: Random): Liar {
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
  }
}
