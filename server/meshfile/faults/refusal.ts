/** unknownAgent, noLink, sameEnds: it names what is not there. noLeader: it names the leader and nobody leads now. tooFew: the agents do not suffice. notPossibleHere: this world cannot do it. */
export type FaultRefusalReason =
  | "unknownAgent"
  | "noLeader"
  | "noLink"
  | "sameEnds"
  | "sides"
  | "tooFew"
  | "outOfRange"
  | "notPossibleHere";

/** Why a fault cannot be done; the message is a sentence for the person who asked. */
export class FaultRefusal extends Error {
  readonly reason: FaultRefusalReason;

  constructor(reason: FaultRefusalReason, sentence: string) {
    super(sentence);
    this.name = "FaultRefusal";
    this.reason = reason;
  }
}
