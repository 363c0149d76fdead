import type { AgentId } from "../../../core/consensus.ts";
import type { Random } from "../../../core/random.ts";
import { retold, type Told } from "../told.ts";
import type { Liar } from "./liar.ts";

const FARTHEST = 1000;

/**
 * Says in an election that its log is longer and newer than it is, or (one time in four) shorter; acknowledges entries beyond what it holds, and those it refused.
 */
export class LogLiar implements Liar {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  tell(told: Told, _roster: readonly AgentId[]): readonly Told[] {
    const { message } = told;
    const random = this.#random;
    switch (message.type) {
      case "preVote":
      case "vote": {
        const shorter = random.chance(0.25);
        const lastIndex = shorter ? random.int(0, message.lastIndex) : message.lastIndex + random.int(1, FARTHEST);
        // A log may end in any term before the one that is campaigned in.
        const lastTerm = shorter ? message.lastTerm : Math.max(message.lastTerm, message.term - 1);
        return [retold(told, { ...message, lastIndex, lastTerm })];
      }
      case "appendReply":
        return [retold(told, { ...message, accepted: true, index: message.index + random.int(1, 3), hintTerm: 0 })];
      default:
        return [told];
    }
  }
}
