import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import type { ExpectationResult, Expectations } from "../../../server/contract/expect.ts";
import type { AgentReport } from "../../../server/contract/swarm.ts";
import type { AgentStamp, EventKind, TimelineEvent } from "../../../server/contract/timeline.ts";
import { type JudgeGround, LiveJudge } from "../../../server/coordinator/expectations/live-judge.ts";
import { EXPECTED_BY_DEFAULT } from "../../../server/meshfile/expect-defaults.ts";
import { meshOf } from "../../sim/meshes.ts";

const AGENTS = ["a1", "a2", "a3"];
const LINKS = [
  { a: "a1", b: "a2" },
  { a: "a1", b: "a3" },
  { a: "a2", b: "a3" },
];

/** A swarm that is only told of: a1 leads term 1, and nothing listens. */
class Told {
  down: string[] = [];
  faults: string[] = [];
  reports: Partial<AgentReport>[] = [];
  readonly notices: string[] = [];
  readonly judge: LiveJudge;
  #sequence = 0;

  constructor(expect: Partial<Expectations>) {
    const mesh = { ...meshOf(3), expect: { ...EXPECTED_BY_DEFAULT, ...expect } };
    const ground: JudgeGround = {
      mesh,
      reach: () => ({ down: this.down, links: LINKS, voters: AGENTS }),
      activeFaults: () => this.faults,
      planOver: () => true,
      agents: () => AGENTS.length,
      states: () => AGENTS.map((agent) => ({ agent, state: this.stamp(agent, "a1", 1) })),
      reports: () => Promise.resolve(this.reports as AgentReport[]),
      // Nothing listens there.
      connect: { agents: [{ id: "a1", port: 1 }], token: "t".repeat(32) },
      notice: (_, message) => this.notices.push(message),
      judged: () => undefined,
    };
    this.judge = new LiveJudge(ground, false);
  }

  stamp(agent: string, leader: string, term: number): AgentStamp {
    return { role: agent === leader ? "leader" : "follower", term, leader, commit: 1, lastIndex: 1, applied: 1 };
  }

  tell(agent: string, kind: EventKind, state?: AgentStamp): TimelineEvent {
    const event = {
      id: `${agent}.1:${++this.#sequence}`,
      agent,
      hlc: { wallMs: Date.now(), counter: this.#sequence },
      kind,
      fields: {},
      ...(state && { state }),
    };
    this.judge.events([event]);
    return event;
  }
}

const named = (results: readonly ExpectationResult[], name: string): ExpectationResult =>
  results.find((one) => one.name === name) as ExpectationResult;

describe("the judge of a running swarm", () => {
  let told: Told | undefined;
  const swarm = (expect: Partial<Expectations> = {}): Told => {
    told = new Told(expect);
    return told;
  };
  afterEach(() => told?.judge.close());

  it("says of nothing that it holds when nothing of it is known", async () => {
    const results = await swarm().judge.results();
    assert.deepEqual(
      results.filter(({ held }) => held === null).map(({ name, detail }) => `${name}: ${detail.slice(0, 17)}`),
      [
        "logMatching: Not checked live:",
        "leaderCompleteness: Not checked live:",
        "stateMachineSafety: Not checked live:",
        "linearizableMemory: Not checked live:",
        "liveness: Not checked live:",
        "recovery: Not checked live:",
      ],
    );
    assert.deepEqual(
      results.filter(({ held }) => held === true).map(({ name }) => name),
      ["electionSafety", "tasksExactlyOnce", "leaseHeldOnce", "proposalsDecidedOnce"],
    );
  });

  it("measures the time without a leader from processes, and elections from events", async () => {
    const subject = swarm({ leaderWithinMs: 100, maxElections: 0 });
    subject.down = ["a1"];
    subject.tell("coordinator", "processEnded");
    await new Promise((resolve) => setTimeout(resolve, 150));
    subject.tell("a2", "becameLeader", subject.stamp("a2", "a2", 2));
    subject.tell("a3", "leaderKnown", subject.stamp("a3", "a2", 2));
    const results = await subject.judge.results();
    const leader = named(results, "leaderWithin");
    assert.equal(leader.held, false);
    const measured = Number.parseInt(leader.measured, 10);
    assert.ok(measured >= 149 && measured < 400, leader.measured);
    assert.deepEqual([named(results, "maxElections").held, named(results, "maxElections").measured], [false, "1"]);
  });

  it("passes over events that it was told before", async () => {
    const subject = swarm({ maxElections: 1 });
    const event = subject.tell("a2", "becameLeader", subject.stamp("a2", "a2", 2));
    subject.judge.events([event, event]);
    const results = await subject.judge.results();
    assert.equal(named(results, "electionSafety").measured, "elections: 1, votes: 0");
  });

  it("compares the states of agents that applied the same", async () => {
    const subject = swarm();
    subject.reports = [
      { agent: "a1", stateHash: "aa", stateHashIndex: 7 },
      { agent: "a2", stateHash: "aa", stateHashIndex: 7 },
      { agent: "a3", stateHash: "cc", stateHashIndex: 6 },
    ];
    const same = named(await subject.judge.results(), "stateMachineSafety");
    assert.deepEqual([same.held, same.measured], [true, "2 agents with one state"]);
    subject.reports[2] = { agent: "a3", stateHash: "cc", stateHashIndex: 7 };
    const other = named(await subject.judge.results(), "stateMachineSafety");
    assert.deepEqual([other.held, other.detail], [false, "After entry 7 the states of a1, a2 and of a3 differ."]);
  });

  it("says that a mesh is not served after the last fault, once the bound is over, and not before", async () => {
    const subject = swarm({
      liveness: { withinMs: 300 },
      availability: { share: 0.9, windowMs: null, answerWithinMs: 50 },
      stated: ["availability"],
    });
    assert.match(subject.notices[0] ?? "", /small workload runs in the background, as the file expects availability/);
    subject.faults = ["a1 crashed"];
    subject.tell("coordinator", "faultInjected");
    assert.match(named(await subject.judge.results(), "liveness").detail, /still active: a1 crashed/);
    subject.faults = [];
    subject.tell("coordinator", "faultHealed");
    const liveness = named(await subject.judge.results(), "liveness");
    assert.equal(liveness.held, false, "it waited until the bound was over");
    assert.match(liveness.detail, /No operation was served in time/);
    assert.equal(named(await subject.judge.results(), "availability").held, false, "both clients wait all the time");
  });
});
