import type { AgentId, Entry } from "../../../server/core/consensus.ts";
import type { RaftMessage } from "../../../server/core/raft/types.ts";

/** A promise of Raft that a run has broken. */
export class BrokenPromise extends Error {
  override readonly name = "BrokenPromise";
  readonly promise: PromiseName;

  constructor(promise: PromiseName, detail: string) {
    super(`${promise}: ${detail}`);
    this.promise = promise;
  }
}

/** The properties of the paper's Figure 3 that can be seen from outside, one vote a term (§5.2), and reads that are never stale (§8). */
export type PromiseName =
  | "election safety"
  | "one vote a term"
  | "log matching"
  | "leader completeness"
  | "state machine safety"
  | "reads never stale"
  | "snapshots tell the state"
  | "entry time never falls";

/** A log as far as it is there: what is before it, a snapshot stands for. */
export interface Log {
  readonly before: { readonly index: number };
  at(index: number): Entry | undefined;
  termAt(index: number): number | undefined;
}

/** What applying nothing comes to. */
export const EMPTY_STATE = "0";

interface Committed {
  readonly entry: Entry;
  /** The term in which it was first seen to be committed. */
  readonly inTerm: number;
}

/** Watches one cluster over all lives of its agents. Throws BrokenPromise from the event that breaks one. */
export class Checkers {
  readonly #leaders = new Map<number, AgentId>();
  readonly #votes = new Map<string, AgentId>();
  /** By index and term: what is there, and the term before it. By induction over the log this is log matching. */
  readonly #appended = new Map<string, { readonly text: string; readonly previousTerm: number }>();
  readonly #committed: Committed[] = [];
  /** After each committed index: what applying all up to there comes to. */
  readonly #states: string[] = [EMPTY_STATE];

  /** The highest index that any agent has been given as committed. */
  get committedIndex(): number {
    return this.#committed.length;
  }

  committedEntries(): readonly Entry[] {
    return this.#committed.map(({ entry }) => entry);
  }

  /** @param log of the agent that became leader. */
  becameLeader(id: AgentId, term: number, log: Log): void {
    const other = this.#leaders.get(term);
    if (other !== undefined) throw new BrokenPromise("election safety", `${other} and ${id} both lead term ${term}`);
    this.#leaders.set(term, id);
    for (const { entry, inTerm } of this.#committed) {
      // What a snapshot stands for was compared when it was installed.
      if (inTerm < term && entry.index > log.before.index && log.termAt(entry.index) !== entry.term)
        throw new BrokenPromise(
          "leader completeness",
          `${id} leads term ${term} without committed entry ${entry.index}`,
        );
    }
  }

  sent(from: AgentId, to: AgentId, message: RaftMessage): void {
    const candidate = message.type === "vote" ? from : message.type === "voteReply" && message.granted ? to : undefined;
    if (candidate === undefined) return;
    const key = `${from} ${message.term}`;
    const earlier = this.#votes.get(key);
    if (earlier !== undefined && earlier !== candidate)
      throw new BrokenPromise(
        "one vote a term",
        `${from} voted for ${earlier} and ${candidate} in term ${message.term}`,
      );
    this.#votes.set(key, candidate);
  }

  /** @param log that it was appended to. */
  appended(id: AgentId, entry: Entry, log: Log): void {
    const key = `${entry.index} ${entry.term}`;
    const text = describe(entry);
    const previous = log.at(entry.index - 1);
    const previousTerm = log.termAt(entry.index - 1) ?? 0;
    const known = this.#appended.get(key);
    if (known !== undefined && (known.text !== text || known.previousTerm !== previousTerm))
      throw new BrokenPromise(
        "log matching",
        `${id} has ${text} after term ${previousTerm}, another ${known.text} after ${known.previousTerm}`,
      );
    this.#appended.set(key, { text, previousTerm });
    if (previous !== undefined && previous.timeMs > entry.timeMs)
      throw new BrokenPromise("entry time never falls", `${id} at index ${entry.index}`);
  }

  /**
   * @param expectedIndex the one after the last that this life of the agent was given.
   * @param state of the agent before it.
   * @returns the state after it.
   */
  committed(id: AgentId, term: number, entry: Entry, expectedIndex: number, state: string): string {
    if (entry.index !== expectedIndex)
      throw new BrokenPromise("state machine safety", `${id} was given ${entry.index} instead of ${expectedIndex}`);
    const known = this.#committed[entry.index - 1];
    if (known === undefined) this.#committed.push({ entry, inTerm: term });
    else if (describe(known.entry) !== describe(entry))
      throw new BrokenPromise(
        "state machine safety",
        `${id} was given ${describe(entry)}, another ${describe(known.entry)}`,
      );
    const after = folded(state, describe(entry));
    this.#states[entry.index] ??= after;
    if (this.#states[entry.index] !== after)
      throw new BrokenPromise("state machine safety", `${id} came to another state by entry ${entry.index}`);
    return after;
  }

  /** @param applied the last index that this life of the agent was given before. */
  installed(id: AgentId, index: number, applied: number, state: string): void {
    if (index <= applied)
      throw new BrokenPromise("snapshots tell the state", `${id} was taken back from ${applied} to ${index}`);
    if (this.#states[index] !== state)
      throw new BrokenPromise(
        "snapshots tell the state",
        `${id} was given a state that entry ${index} does not lead to`,
      );
  }

  /** @param committedBefore `committedIndex` when the read was asked for. */
  read(id: AgentId, index: number, committedBefore: number): void {
    if (index < committedBefore)
      throw new BrokenPromise("reads never stale", `${id} reads at ${index} what was at ${committedBefore} before`);
  }
}

function describe(entry: Entry): string {
  return `${entry.index}/${entry.term}/${entry.kind}/${entry.timeMs}/${new TextDecoder().decode(entry.data)}`;
}

/** A running checksum, enough to tell one order of entries from another. */
function folded(state: string, text: string): string {
  let sum = Number.parseInt(state, 36);
  for (let at = 0; at < text.length; at++) sum = (sum * 31 + text.charCodeAt(at)) % 4_398_042_316_799;
  return sum.toString(36);
}
