import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, it } from "mocha";
import { CONSENSUS } from "../../server/contract/consensus.ts";
import type { FaultSpec, MessageAction, Toxic } from "../../server/contract/faults.ts";
import type { Mesh, PlannedFault } from "../../server/contract/mesh.ts";
import {
  transitionsOf as allTransitionsOf,
  FAULT_EFFECTS,
  PROPOSAL_TRANSITIONS,
  TRANSITIONS,
} from "../../server/contract/simulation.ts";
import type { EventKind, Fields, TimelineEvent } from "../../server/contract/timeline.ts";
import { CoverageCounter } from "../../server/sim/coverage.ts";
import { SearchTotals } from "../../server/sim/search-summary.ts";
import { simulate } from "../../server/sim/simulate.ts";
import { meshOf } from "./meshes.ts";
import { proposingMesh } from "./proposal-trial.ts";

const event = (kind: EventKind, fields: Fields = {}, agent = "a1"): TimelineEvent => ({
  id: `${agent}.1:1`,
  agent,
  hlc: { wallMs: 0, counter: 0 },
  kind,
  fields,
});

function transitionsOf(...events: readonly TimelineEvent[]): Readonly<Record<string, number>> {
  const counter = new CoverageCounter();
  for (const one of events) counter.event(one);
  return counter.coverage.transitions;
}

const planned = (atMs: number, fault: FaultSpec): PlannedFault => ({ trigger: { on: "time", atMs }, fault });

/** Each agent is killed, and started again, while another fault lasts. */
const RESTARTS: readonly PlannedFault[] = [1, 2, 3].flatMap((round) =>
  ["a1", "a2", "a3"].map((agent, at) => planned(250 * round + 80 * at, { kind: "crash", agent, forMs: 60 })),
);

/** Three agents, of which that befalls somebody early on, for two seconds where it does not say. */
function under(fault: FaultSpec, more: readonly PlannedFault[] = []): Mesh {
  return meshOf(3, "mesh", { faults: [planned(100, { forMs: 2000, ...fault }), ...more] });
}

/** Leaders that go, and requests for votes that come when another election has been. */
const LATE_VOTES = meshOf(5, "mesh", {
  faults: [
    planned(100, {
      kind: "message",
      match: { types: ["vote"] },
      action: { action: "delay", delayMs: 500, jitterMs: 300 },
      probability: 0.5,
      forMs: 2500,
    }),
    ...[1, 2, 3, 4, 5, 6].map((round) => planned(350 * round, { kind: "crash", agent: "leader", forMs: 250 })),
  ],
});

describe("coverage", function () {
  this.timeout(60_000);

  it("has a name for nothing that no seed ever meets", () => {
    const totals = new SearchTotals("raft");
    const never = (): string[] => TRANSITIONS.raft.filter((name) => !(name in totals.summary.coverage.transitions));
    let seed = 0;
    while (never().length > 1 && seed < 40) totals.add(simulate(meshOf(5), ++seed));
    for (let again = 1; again <= 5; again++) totals.add(simulate(LATE_VOTES, again));
    deepEqual(never(), []);
    ok(seed > 1, "one seed does not meet them all, so that this check can fail");
  });

  it("has a name for no fault that never takes effect", () => {
    const totals = new SearchTotals("raft");
    for (let seed = 1; seed <= 12; seed++) totals.add(simulate(meshOf(5), seed));
    const met = (): Readonly<Record<string, number>> => totals.summary.coverage.faults;
    const toxics: readonly Toxic[] = [
      { toxic: "slicing", bytes: 16, everyMs: 1 },
      { toxic: "timeout", afterMs: 50 },
      { toxic: "dataLimit", bytes: 500 },
      { toxic: "corrupt", share: 0.1 },
      { toxic: "bandwidth", bytesPerSecond: 2000 },
      { toxic: "reset", afterMs: 100 },
      { toxic: "flap", upMs: 50, downMs: 50 },
      { toxic: "duplicate", share: 0.5 },
      { toxic: "reorder", share: 0.5, byMs: 20 },
    ];
    const actions: readonly MessageAction[] = [
      { action: "drop" },
      { action: "delay", delayMs: 20 },
      { action: "duplicate", copies: 1 },
      { action: "corrupt" },
    ];
    for (const toxic of toxics) totals.add(simulate(under({ kind: "link", a: "leader", toxics: [toxic] }), 1));
    for (const action of actions)
      totals.add(simulate(under({ kind: "message", match: { types: ["append"] }, action, probability: 0.3 }), 1));
    const slowClose: FaultSpec = { kind: "link", a: "everyone", toxics: [{ toxic: "slowClose", delayMs: 20 }] };
    totals.add(simulate(under(slowClose, RESTARTS), 1));
    // A crash often comes in the middle of a sync then.
    const slow = planned(50, { kind: "disk", agent: "everyone", disk: { trouble: "slow", delayMs: 20 }, forMs: 2000 });
    for (const trouble of ["failing", "full", "bitRot", "tornTail", "lostSyncs"] as const)
      for (const seed of [1, 2, 3])
        totals.add(simulate(under({ kind: "disk", agent: "everyone", disk: { trouble } }, [slow, ...RESTARTS]), seed));
    totals.add(simulate(under({ kind: "disk", agent: "one", disk: { trouble: "slow", delayMs: 5 } }), 1));
    for (const behaviour of CONSENSUS.raft.behaviours)
      totals.add(simulate(under({ kind: "byzantine", agent: "everyone", behaviour }, RESTARTS), 1));
    deepEqual(
      FAULT_EFFECTS.raft.filter((name) => !((met()[name] ?? 0) > 0)),
      [],
    );
  });

  it("counts a fault once, and with 0 while it has no consequence", () => {
    const counter = new CoverageCounter();
    const crash = { on: "process", agent: "a1", process: "down" } as const;
    const disk = { on: "disk", agent: "a2", disk: { trouble: "full" } } as const;
    counter.fault([crash, { ...crash, agent: "a2" }, disk]);
    deepEqual(counter.coverage.faults, { crash: 0, "disk full": 0 });
    counter.tookEffect(crash);
    counter.tookEffect(crash);
    deepEqual(counter.coverage.faults, { crash: 1, "disk full": 0 });
    counter.tookEffect(disk.disk);
    counter.tookEffect({ on: "cpu", agent: "a1", slowdown: 2 });
    deepEqual(counter.coverage.faults, { crash: 1, "disk full": 1 });
  });

  it("does not count what was injected and met nothing: a crash of who is down, a rule for what nobody says", () => {
    const crashed = simulate(
      under({ kind: "crash", agent: "a1", forMs: 900 }, [planned(200, { kind: "crash", agent: "a1", forMs: 100 })]),
      1,
    );
    const first = crashed.coverage.faults.crash ?? 0;
    const again = simulate(under({ kind: "crash", agent: "a1", forMs: 900 }), 1);
    equal(first, again.coverage.faults.crash);
    const match = { types: ["append"], fields: { term: 1_000_000 } } as const;
    const rule = simulate(under({ kind: "message", match, action: { action: "drop" } }), 1);
    equal(rule.coverage.faults["message drop"], 0);
    const torn = simulate(under({ kind: "disk", agent: "a1", disk: { trouble: "tornTail" }, forMs: 50 }), 1);
    equal(torn.coverage.faults["disk tornTail"], 0);
  });

  it("tells why a leader went, and why a vote was refused", () => {
    deepEqual(
      transitionsOf(
        event("steppedDown", { term: 2, reason: "quorumLost" }),
        event("voteRefused", { pre: false, reason: "oldTerm" }),
        event("voteRefused", { pre: true, reason: "logBehind" }),
      ),
      { "leader stepped down: quorum lost": 1, "vote refused: older term": 1, "pre-vote refused": 1 },
    );
    throws(() => transitionsOf(event("steppedDown", { reason: "a mood" })));
  });

  it("tells an election that ran out of time without a winner from one that begins", () => {
    deepEqual(transitionsOf(event("electionTimedOut"), event("becameCandidate"), event("electionTimedOut")), {
      "election timed out": 1,
      "candidacy begun": 1,
      "election without a winner": 1,
    });
  });

  it("reads changes of the members from one configuration to the next, at each agent by itself", () => {
    const configured = (voters: string[], outgoing: string[], learners: string[], agent = "a1") =>
      event("configurationChanged", { voters, outgoing, learners }, agent);
    deepEqual(
      transitionsOf(
        configured(["a1", "a2"], [], []),
        configured(["a1", "a2"], [], ["a3"]),
        configured(["a1", "a2", "a3"], ["a1", "a2"], []),
        configured(["a1", "a3"], [], []),
        configured(["a1"], [], [], "a9"),
      ),
      {
        "learner added": 1,
        "joint phase entered": 1,
        "learner promoted": 1,
        "joint phase left": 1,
        "member removed": 1,
      },
    );
  });

  it("tells what became of proposals, and which way one never went only where something was proposed", () => {
    const decided = (state: string) => event("proposalDecided", { proposal: "p", state });
    const met = transitionsOf(
      event("proposalSubmitted"),
      event("voteNotTaken"),
      decided("approved"),
      decided("expired"),
    );
    deepEqual(met, {
      "proposal submitted": 1,
      "vote not taken": 1,
      "proposal approved": 1,
      "proposal expired": 1,
    });
    deepEqual(
      allTransitionsOf("raft", met).filter((name) => !(name in met) && !TRANSITIONS.raft.includes(name)),
      ["proposal rejected"],
    );
    deepEqual(allTransitionsOf("pbft", {}), TRANSITIONS.pbft);
    const totals = new SearchTotals("raft");
    for (let seed = 1; seed <= 10; seed++) totals.add(simulate(proposingMesh("raft"), seed, { durationMs: 6000 }));
    const { transitions } = totals.summary.coverage;
    deepEqual(
      PROPOSAL_TRANSITIONS.filter((name) => !(name in transitions)),
      [],
    );
  });

  it("is counted in every report, and is no part of the run", () => {
    const report = simulate(meshOf(3), 1);
    equal(report.coverage.transitions["leader elected"], report.elections);
    equal(report.traceHash, simulate(meshOf(3), 1).traceHash);
  });
});
