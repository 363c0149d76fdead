import type { Witness } from "../witness.ts";

/** What is judged of a simulated mesh by the promises of the consensus it carries. It is told what the witness is told, in the same order; agents are places in the roster. */
export interface ProtocolJudge
  extends Pick<Witness, "started" | "crashed" | "appended" | "durable" | "observed" | "turned"> {
  /** Leaders, or primaries, that came to be. */
  readonly elections: number;
  /** Entries known to be committed. */
  readonly committed: number;
  /** @param digest of its replicated machines after applying `applied`. */
  snapshot(agent: number, applied: number, digest: number): void;
  /** From now on it lies: what it says of itself is judged no more, and the others are judged all the same. */
  lies(agent: number): void;
}
