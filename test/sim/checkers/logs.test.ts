import { deepEqual, equal, match } from "node:assert/strict";
import { describe, it } from "mocha";
import { type Configuration, type Entry, EntryKind, type Snapshot } from "../../../server/core/consensus.ts";
import { bootstrap, encodeConfiguration } from "../../../server/core/raft/configuration.ts";
import { CommitDurability } from "../../../server/sim/checkers/commit-durability.ts";
import { CommitRule } from "../../../server/sim/checkers/commit-rule.ts";
import { CommittedLog } from "../../../server/sim/checkers/committed-log.ts";
import { ElectionQuorum } from "../../../server/sim/checkers/election-quorum.ts";
import { ElectionSafety } from "../../../server/sim/checkers/election-safety.ts";
import { LeaderCompleteness } from "../../../server/sim/checkers/leader-completeness.ts";
import { LogMatching } from "../../../server/sim/checkers/log-matching.ts";
import { ShadowLogs } from "../../../server/sim/checkers/shadow-logs.ts";
import { SingleVote } from "../../../server/sim/checkers/single-vote.ts";
import { Snapshots } from "../../../server/sim/checkers/snapshots.ts";
import { StateMachineSafety } from "../../../server/sim/checkers/state-machine-safety.ts";

const NAMES = ["a1", "a2", "a3"];
const entry = (index: number, term: number, data = 0): Entry => ({
  index,
  term,
  kind: 1,
  timeMs: 0,
  data: Uint8Array.of(data),
});
/** A log with these terms, from index 1. */
const log = (...terms: readonly number[]): Entry[] => terms.map((term, at) => entry(at + 1, term));

const setUp = () => {
  const found: string[] = [];
  const broken = (invariant: string, detail: string) => found.push(`${invariant}: ${detail}`);
  const committed = new CommittedLog(bootstrap(NAMES));
  const logs = new ShadowLogs(NAMES.length, committed);
  const matching = new LogMatching(logs, NAMES, broken);
  const safety = new StateMachineSafety(logs, committed, NAMES, broken);
  const completeness = new LeaderCompleteness(logs, committed, NAMES, broken);
  const durability = new CommitDurability(logs, committed, NAMES, broken);
  const append = (agent: number, entries: readonly Entry[], leads = false) => {
    const chains = matching.appended(agent, { entries }, leads);
    if (chains !== undefined) logs.appended(agent, { entries }, chains);
  };
  const sync = (agent: number, entries: readonly Entry[]) => logs.durable(agent, { entries });
  const quiet = () => deepEqual(found, []);
  const says = (pattern: RegExp) => {
    equal(found.length, 1, found.join("\n"));
    match(found[0] as string, pattern);
  };
  return { logs, committed, safety, completeness, durability, append, sync, quiet, says, broken };
};

describe("election safety checker", () => {
  it("lets each term have one leader, and refuses a second one", () => {
    const { broken, quiet, says } = setUp();
    const elections = new ElectionSafety(broken);
    elections.becameLeader("a1.1", 1);
    elections.becameLeader("a2.1", 2);
    elections.becameLeader("a1.1", 3);
    quiet();
    elections.becameLeader("a3.1", 2);
    says(/election safety: term 2 has two leaders: a2\.1 and a3\.1/);
  });

  it("refuses an agent that leads its term again after a restart", () => {
    const { broken, says } = setUp();
    const elections = new ElectionSafety(broken);
    elections.becameLeader("a1.1", 1);
    elections.becameLeader("a1.2", 1);
    says(/a1\.1 and a1\.2/);
  });
});

describe("single vote checker", () => {
  it("lets an agent vote once a term, and refuses a changed vote", () => {
    const { broken, quiet, says } = setUp();
    const votes = new SingleVote(NAMES, broken);
    votes.durable(0, { term: 1, votedFor: "", commit: 0 });
    votes.durable(0, { term: 1, votedFor: "a2", commit: 0 });
    votes.durable(0, { term: 1, votedFor: "a2", commit: 4 });
    votes.durable(0, { term: 2, votedFor: "a3", commit: 4 });
    quiet();
    votes.durable(0, { term: 2, votedFor: "a1", commit: 4 });
    says(/a1 voted for a3 and then for a1 in term 2/);
  });

  it("refuses two votes given in one life, and forgives one that a crash undid", () => {
    const { broken, quiet, says } = setUp();
    const votes = new SingleVote(NAMES, broken);
    votes.voted(0, 4, "a2");
    votes.voted(0, 4, "a2");
    votes.restarted(0);
    votes.voted(0, 4, "a3");
    votes.voted(0, 5, "a2");
    quiet();
    votes.voted(0, 5, "a1");
    says(/a1 voted for a2 and for a1 in term 5/);
  });

  it("refuses a leader by a vote that is not durable, and takes one that the voter has left behind", () => {
    const { broken, quiet, says } = setUp();
    const votes = new SingleVote(NAMES, broken);
    votes.durable(0, { term: 3, votedFor: "a1", commit: 0 });
    votes.durable(1, { term: 3, votedFor: "a1", commit: 0 });
    votes.durable(2, { term: 4, votedFor: "", commit: 0 });
    votes.led("a1", 3, ["a1", "a2", "a3"]);
    quiet();
    votes.durable(1, { term: 4, votedFor: "", commit: 0 });
    votes.durable(2, { term: 4, votedFor: "a3", commit: 0 });
    votes.led("a3", 4, ["a2", "a3"]);
    says(/a3 leads term 4 by a vote of a2 that a crash could still undo/);
  });

  it("refuses a forgotten vote and a term that falls", () => {
    const forgot = setUp();
    const votes = new SingleVote(NAMES, forgot.broken);
    votes.durable(1, { term: 3, votedFor: "a2", commit: 0 });
    votes.durable(1, { term: 3, votedFor: "", commit: 0 });
    forgot.says(/then for nobody/);
    const fell = setUp();
    const terms = new SingleVote(NAMES, fell.broken);
    terms.durable(1, { term: 3, votedFor: "", commit: 0 });
    terms.durable(1, { term: 2, votedFor: "", commit: 0 });
    fell.says(/a2 went back from term 3 to term 2/);
  });
});

describe("log matching checker", () => {
  it("accepts logs that agree, fall behind and are corrected", () => {
    const { append, quiet } = setUp();
    append(0, log(1, 1, 2));
    append(1, log(1, 1));
    append(1, [entry(3, 2)]);
    append(2, log(1, 1, 1));
    append(2, [entry(3, 2)]);
    quiet();
  });

  it("refuses two entries of one index and term", () => {
    const { append, says } = setUp();
    append(0, log(1, 1));
    append(1, [entry(1, 1), entry(2, 1, 99)]);
    says(/log matching: a2 holds index 2 of term 1/);
  });

  it("refuses the same entry behind another history", () => {
    const { append, says } = setUp();
    append(0, log(1, 2, 3));
    append(1, log(1, 1, 3));
    says(/a2 holds index 3 of term 3/);
  });

  it("refuses a gap, an index out of order, and terms or times that fall", () => {
    const gap = setUp();
    gap.append(0, [entry(2, 1)]);
    gap.says(/leaves a gap: its log ends at 0 and goes on at 2/);
    const order = setUp();
    order.append(0, [entry(1, 1), entry(3, 1)]);
    order.says(/index 3 where 2 is next/);
    const term = setUp();
    term.append(0, log(2, 1));
    term.says(/entry 2 has term 1, the one before it term 2/);
    const time = setUp();
    time.append(0, [{ ...entry(1, 1), timeMs: 9 }, entry(2, 1)]);
    time.says(/from 0 ms, the one before it from 9 ms/);
  });

  it("refuses a leader that replaces an entry of its own log", () => {
    const { append, says } = setUp();
    append(0, log(1, 1), true);
    append(0, [entry(2, 1)], true);
    says(/leader append-only: a1 leads and replaces entry 2/);
  });
});

describe("state machine safety checker", () => {
  it("accepts agents that commit the same at different speeds", () => {
    const { append, safety, committed, quiet } = setUp();
    for (const agent of [0, 1, 2]) append(agent, log(1, 1, 2));
    equal(safety.reported(0, 3, 2), true);
    equal(safety.reported(1, 1, 2), false);
    equal(safety.reported(1, 3, 2), false);
    quiet();
    deepEqual([committed.lastIndex, committed.termAt(3), committed.lastBefore(2)], [3, 2, 0]);
  });

  it("refuses another entry at a committed index, and names it", () => {
    const { append, safety, says } = setUp();
    append(0, log(1, 1, 1, 1));
    append(1, log(1, 1, 2, 2));
    safety.reported(0, 4, 1);
    safety.reported(1, 4, 2);
    says(/a2 commits another entry at index 3/);
  });

  it("refuses a commit beyond the log", () => {
    const { append, safety, says } = setUp();
    append(0, log(1));
    safety.reported(0, 2, 1);
    says(/a1 commits index 2 but its log ends at 1/);
  });

  it("refuses machines that differ after the same entries", () => {
    const { safety, quiet, says } = setUp();
    safety.snapshot(0, 5, 111);
    safety.snapshot(1, 5, 111);
    safety.snapshot(1, 6, 222);
    quiet();
    safety.snapshot(2, 6, 223);
    says(/a2 and a3 applied up to 6 and differ/);
  });
});

describe("leader completeness checker", () => {
  const committedInTerm1 = () => {
    const world = setUp();
    world.append(0, log(1, 1));
    world.append(1, log(1, 1));
    world.safety.reported(0, 2, 1);
    return world;
  };

  it("accepts a leader with all that committed", () => {
    const { completeness, quiet } = committedInTerm1();
    completeness.becameLeader(1, 2);
    quiet();
  });

  it("refuses a leader that lacks a committed entry", () => {
    const { append, completeness, says } = committedInTerm1();
    append(2, log(1));
    completeness.becameLeader(2, 2);
    says(/a3 leads term 2 without all that committed before: index 2 of term 1/);
  });

  it("lets a leader of an older term lack it, and refuses a later leader when it commits afterwards", () => {
    const { completeness, quiet, says } = committedInTerm1();
    completeness.becameLeader(2, 1);
    completeness.committed(1, [{ agent: 0, term: 2 }]);
    quiet();
    completeness.committed(1, [{ agent: 2, term: 3 }]);
    says(/a3 leads term 3/);
  });
});

describe("commit durability checker", () => {
  it("accepts a commit that is on the disks of a majority, and refuses one that is not", () => {
    const { append, sync, safety, durability, quiet, says } = setUp();
    for (const agent of [0, 1, 2]) append(agent, log(1, 1));
    sync(0, log(1, 1));
    sync(1, log(1));
    safety.reported(0, 1, 1);
    durability.grew(0);
    quiet();
    safety.reported(0, 2, 1);
    durability.grew(0);
    says(/index 2 committed with durable copies at a1; the voters are a1, a2, a3/);
  });

  it("does not count a disk that has another entry there", () => {
    const { append, sync, safety, durability, says } = setUp();
    append(0, log(2));
    sync(0, log(2));
    sync(1, log(1));
    safety.reported(0, 1, 2);
    durability.grew(0);
    says(/durable copies at a1;/);
  });
});

describe("commit rule checker", () => {
  it("accepts a leader that commits older entries with one of its term, and refuses one that counts them alone", () => {
    const { logs, committed, append, safety, broken, quiet, says } = setUp();
    const rule = new CommitRule(logs, committed, NAMES, broken);
    append(0, log(1, 1, 2, 2));
    safety.reported(0, 3, 2);
    rule.grew(0, 2);
    quiet();
    append(1, log(1, 1, 2, 2));
    safety.reported(1, 4, 3);
    rule.grew(1, 3);
    says(/a2 leads term 3 and commits up to index 4, which is of term 2/);
  });
});

const JOINT: Configuration = {
  voters: ["a1"],
  outgoing: ["a1", "a2", "a3"],
  learners: [],
  learnersNext: [],
  autoLeave: true,
};
const change = (index: number, term: number, to: Configuration): Entry => ({
  ...entry(index, term),
  kind: EntryKind.configuration,
  data: encodeConfiguration(to),
});

describe("checkers that count quorums", () => {
  it("count a commit by the members that the leader's log names, in a joint phase both halves", () => {
    const { append, sync, safety, durability, quiet, says } = setUp();
    append(0, [...log(1), change(2, 1, JOINT), entry(3, 1)]);
    append(1, log(1));
    sync(0, log(1));
    sync(1, log(1));
    safety.reported(0, 1, 1);
    durability.grew(0);
    quiet();
    sync(0, [change(2, 1, JOINT), entry(3, 1)]);
    safety.reported(0, 3, 1);
    durability.grew(0);
    says(/index 3 committed with durable copies at a1; the voters are a1, a2, a3 and a1/);
  });

  it("count by the members before, too, where the leader changed them in the turn of the commit", () => {
    const { append, sync, safety, durability, quiet, says } = setUp();
    append(0, log(1));
    sync(0, log(1));
    sync(1, log(1));
    append(0, [change(2, 1, bootstrap(["a1", "a3"]))]);
    safety.reported(0, 1, 1);
    durability.grew(0);
    quiet();
    safety.reported(0, 2, 1);
    durability.grew(0);
    says(/index 2 committed with durable copies at nobody; the voters are a1, a3/);
  });

  it("forget a change of the members that was replaced in the log", () => {
    const { append, sync, safety, durability, logs, quiet } = setUp();
    append(0, [change(1, 1, bootstrap(["a1"]))]);
    deepEqual(logs.memory[0]?.configurationAt(1).voters, ["a1"]);
    append(0, [entry(1, 2)]);
    deepEqual(logs.memory[0]?.configurationAt(1).voters, NAMES);
    for (const agent of [0, 1]) sync(agent, [entry(1, 2)]);
    safety.reported(0, 1, 2);
    durability.grew(0);
    quiet();
  });

  it("refuse a leader without a quorum of the voters, in a joint phase of either half", () => {
    const plain = setUp();
    const quorums = new ElectionQuorum(plain.logs, NAMES, plain.broken);
    quorums.becameLeader(0, 1, ["a1", "a3"]);
    plain.quiet();
    quorums.becameLeader(0, 2, ["a1"]);
    plain.says(/a1 leads term 2 with the votes of a1; the voters are a1, a2, a3/);
    const joint = setUp();
    joint.append(0, [change(1, 1, JOINT)]);
    const both = new ElectionQuorum(joint.logs, NAMES, joint.broken);
    both.becameLeader(0, 1, ["a1", "a2"]);
    joint.quiet();
    both.becameLeader(0, 2, ["a2", "a3"]);
    joint.says(/a1 leads term 2 with the votes of a2, a3; the voters are a1, a2, a3 and a1/);
  });
});

describe("snapshot checker", () => {
  const snapshotAt = (index: number, term: number, configuration = bootstrap(NAMES)): Snapshot => ({
    index,
    term,
    configuration,
    data: Uint8Array.of(index),
  });
  const committedThree = () => {
    const world = setUp();
    const snapshots = new Snapshots(world.logs, world.committed, NAMES, world.broken);
    world.append(0, [...log(1, 1), change(3, 2, bootstrap(["a1", "a2"])), entry(4, 2)]);
    world.safety.reported(0, 3, 2);
    return { ...world, snapshots };
  };

  it("accepts a snapshot of one's own and one that was sent, after which the log goes on", () => {
    const { snapshots, logs, append, safety, quiet } = committedThree();
    equal(snapshots.replaces(0, snapshotAt(2, 1), false, 3), true);
    const sent = snapshotAt(3, 2, bootstrap(["a1", "a2"]));
    equal(snapshots.replaces(2, sent, true, 0), true);
    logs.replaced(2, { snapshot: sent, discardLog: true });
    append(2, [entry(4, 2)]);
    equal(logs.memory[2]?.chainAt(4), logs.memory[0]?.chainAt(4));
    deepEqual(logs.memory[2]?.configurationAt(4).voters, ["a1", "a2"]);
    safety.reported(2, 4, 2);
    quiet();
  });

  it("refuses one that goes beyond what is committed", () => {
    const own = committedThree();
    equal(own.snapshots.replaces(0, snapshotAt(4, 2), false, 3), false);
    own.says(/a1 takes a snapshot up to 4, and knows of 3 as committed/);
    const sent = committedThree();
    equal(sent.snapshots.replaces(1, snapshotAt(4, 2), true, 0), false);
    sent.says(/a2 takes over a snapshot up to 4, which is not committed/);
  });

  it("refuses another term, and other members than there were", () => {
    const term = committedThree();
    term.snapshots.replaces(1, snapshotAt(2, 2), true, 0);
    term.says(/a2 has a snapshot up to 2 of term 2; that entry is of 1/);
    const members = committedThree();
    members.snapshots.replaces(1, snapshotAt(3, 2), true, 0);
    members.says(/a2 has a snapshot up to 3 with the members voters a1, a2, a3; they were voters a1, a2/);
  });
});
