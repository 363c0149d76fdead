import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Entry } from "../../../server/core/consensus.ts";
import { InvariantViolation } from "../../../server/core/invariant.ts";
import { Raft } from "../../../server/core/raft/raft.ts";
import type { RaftConfig, RaftReady, Restored } from "../../../server/core/raft/types.ts";
import type { Random } from "../../../server/core/random.ts";
import { type ChaosOptions, runChaos } from "./chaos.ts";
import { BrokenPromise, Checkers, EMPTY_STATE, type PromiseName } from "./checkers.ts";
import { ShadowLog } from "./cluster.ts";

/** Says yes to every candidate, also when it has voted for another. */
class VotesTwice extends Raft {
  override take(now: number): RaftReady | undefined {
    const ready = super.take(now);
    if (ready === undefined) return undefined;
    const messages = ready.messages.map(({ to, message }) =>
      message.type === "voteReply" ? { to, message: { ...message, granted: true } } : { to, message },
    );
    return { ...ready, messages };
  }
}

/** Acknowledges and votes before what it says is durable. */
class AnswersBeforeDurable extends Raft {
  override take(now: number): RaftReady | undefined {
    const ready = super.take(now);
    if (ready === undefined) return undefined;
    return { ...ready, messages: [...ready.messages, ...ready.messagesAfterPersist], messagesAfterPersist: [] };
  }
}

/** Serves a read from what it has, without asking anybody. */
class ReadsAtOnce extends Raft {
  #reads: number[] = [];

  override read(readId: number): void {
    this.#reads.push(readId);
  }

  override take(now: number): RaftReady | undefined {
    const ready = super.take(now);
    const index = this.status().commit;
    const reads = this.#reads.map((readId) => ({ readId, index }));
    this.#reads = [];
    if (ready === undefined && reads.length === 0) return undefined;
    const nothing = {
      messages: [],
      messagesAfterPersist: [],
      committed: [],
      failedReads: [],
      droppedProposals: [],
      observations: [],
    };
    return { ...(ready ?? nothing), reads };
  }
}

/** Hands out what a majority has not got yet. */
class CommitsAtOnce extends Raft {
  #given = 0;
  readonly #log: Entry[];

  constructor(config: RaftConfig, restored: Restored, random: Random, now: number) {
    super(config, restored, random, now);
    this.#log = [...restored.entries];
  }

  override take(now: number): RaftReady | undefined {
    const ready = super.take(now);
    if (ready === undefined) return undefined;
    for (const entry of ready.persist?.entries ?? []) {
      this.#log.length = entry.index - 1;
      this.#log.push(entry);
    }
    const committed = this.#log.slice(this.#given);
    this.#given = Math.max(this.#given, this.#log.length);
    return { ...ready, committed };
  }
}

const made =
  (Subject: new (config: RaftConfig, restored: Restored, random: Random, now: number) => Raft) =>
  (...given: ConstructorParameters<typeof Raft>): Raft =>
    new Subject(...given);

/** Runs seeds until one breaks. Returns what was broken, by name; "invariant" when the core itself noticed. */
function brokenPromises(options: Omit<ChaosOptions, "voters" | "seed">, seeds: number): Set<PromiseName | "invariant"> {
  const broken = new Set<PromiseName | "invariant">();
  for (let seed = 0; seed < seeds; seed++) {
    try {
      runChaos({ ...options, voters: 3, seed: `broken ${seed}` }, 2500);
    } catch (error) {
      if (error instanceof BrokenPromise) broken.add(error.promise);
      else if (error instanceof InvariantViolation) broken.add("invariant");
      else throw error;
    }
  }
  return broken;
}

describe("the checkers of the Raft cluster, on subjects that are broken", function () {
  this.timeout(60_000);
  // Candidates that start together make votes collide.
  const hasty = { config: { electionTimeoutMinMs: 150, electionTimeoutMaxMs: 152 } };

  it("find an agent that votes twice", () => {
    const broken = brokenPromises({ ...hasty, make: made(VotesTwice) }, 40);
    assert.ok(broken.has("one vote a term"), [...broken].join());
  });

  it("find agents whose vote does not survive a crash", () => {
    const afterCrash = ({ hardState, entries }: Restored): Restored => ({
      entries,
      hardState: { ...hardState, term: Math.max(0, hardState.term - 1), votedFor: "" },
    });
    const broken = brokenPromises({ ...hasty, afterCrash }, 40);
    assert.ok(broken.has("one vote a term") || broken.has("election safety"), [...broken].join());
  });

  it("find agents that answer before what they say is durable", () => {
    const broken = brokenPromises({ make: made(AnswersBeforeDurable), syncMs: [1, 60] }, 60);
    assert.ok(broken.has("leader completeness") || broken.has("one vote a term"), [...broken].join());
  });

  it("find agents whose entries do not survive a crash", () => {
    const afterCrash = ({ hardState, entries }: Restored): Restored => ({ hardState, entries: entries.slice(0, -3) });
    const broken = brokenPromises({ afterCrash }, 40);
    assert.ok(
      broken.has("leader completeness") || broken.has("state machine safety") || broken.has("invariant"),
      [...broken].join(),
    );
  });

  it("find reads that nobody confirmed", () => {
    assert.deepEqual([...brokenPromises({ make: made(ReadsAtOnce) }, 10)], ["reads never stale"]);
  });

  it("find entries given out before a majority has them", () => {
    const broken = brokenPromises({ make: made(CommitsAtOnce), readShare: 0 }, 20);
    assert.ok(broken.has("leader completeness") || broken.has("state machine safety"), [...broken].join());
  });
});

describe("each checker of the Raft cluster, on a history that breaks its promise", () => {
  const entry = (index: number, term: number, text: string, timeMs = 5): Entry => ({
    index,
    term,
    kind: 1,
    timeMs,
    data: new TextEncoder().encode(text),
  });
  const cases: readonly [PromiseName, (checkers: Checkers) => void][] = [
    [
      "election safety",
      (checkers) => {
        checkers.becameLeader("a", 3, new ShadowLog());
        checkers.becameLeader("b", 3, new ShadowLog());
      },
    ],
    [
      "one vote a term",
      (checkers) => {
        checkers.sent("a", "b", { type: "voteReply", term: 2, granted: true });
        checkers.sent("a", "b", { type: "voteReply", term: 2, granted: true });
        checkers.sent("a", "c", { type: "vote", term: 2, lastIndex: 0, lastTerm: 0, transfer: false });
      },
    ],
    [
      "log matching",
      (checkers) => {
        checkers.appended("a", entry(2, 2, "x"), shadow(entry(1, 1, "p")));
        checkers.appended("b", entry(2, 2, "x"), shadow(entry(1, 2, "q")));
      },
    ],
    [
      "leader completeness",
      (checkers) => {
        checkers.committed("a", 1, entry(1, 1, "x"), 1, EMPTY_STATE);
        checkers.becameLeader("b", 2, shadow(entry(1, 2, "y")));
      },
    ],
    [
      "state machine safety",
      (checkers) => {
        checkers.committed("a", 1, entry(1, 1, "x"), 1, EMPTY_STATE);
        checkers.committed("b", 1, entry(1, 1, "y"), 1, EMPTY_STATE);
      },
    ],
    ["state machine safety", (checkers) => checkers.committed("a", 1, entry(2, 1, "x"), 1, EMPTY_STATE)],
    [
      "state machine safety",
      (checkers) => {
        checkers.committed("a", 1, entry(1, 1, "x"), 1, EMPTY_STATE);
        checkers.committed("b", 1, entry(1, 1, "x"), 1, "7");
      },
    ],
    [
      "snapshots tell the state",
      (checkers) => {
        checkers.committed("a", 1, entry(1, 1, "x"), 1, EMPTY_STATE);
        checkers.installed("b", 1, 0, "7");
      },
    ],
    ["snapshots tell the state", (checkers) => checkers.installed("b", 3, 4, EMPTY_STATE)],
    ["reads never stale", (checkers) => checkers.read("a", 4, 5)],
    ["entry time never falls", (checkers) => checkers.appended("a", entry(2, 1, "x", 4), shadow(entry(1, 1, "w", 5)))],
  ];
  for (const [promise, history] of cases) {
    it(`finds broken: ${promise}`, () => {
      assert.throws(
        () => history(new Checkers()),
        (error) => error instanceof BrokenPromise && error.promise === promise,
      );
    });
  }
});

function shadow(...entries: readonly Entry[]): ShadowLog {
  const log = new ShadowLog();
  for (const one of entries) log.take(one);
  return log;
}
