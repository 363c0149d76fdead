import { deepEqual, equal, match } from "node:assert/strict";
import { describe, it } from "mocha";
import type { ConsensusKind } from "../../../server/contract/consensus.ts";
import { INVARIANTS, type InvariantName } from "../../../server/contract/expect.ts";
import type { AgentStamp, EventKind, Fields, TimelineEvent } from "../../../server/contract/timeline.ts";
import type { Entry } from "../../../server/core/consensus.ts";
import { journalEntryOf } from "../../../server/core/gossip/journal.ts";
import { invariantOf } from "../../../server/sim/expectations/invariants.ts";
import type { MemoryOperation } from "../../../server/sim/history.ts";
import { Inspector } from "../../../server/sim/inspector.ts";
import { Schedule } from "../../../server/sim/schedule.ts";

const NAMES = ["a1", "a2", "a3"];
const entry = (index: number, term: number): Entry => ({ index, term, kind: 1, timeMs: 0, data: Uint8Array.of(term) });

/** Three agents that do what they are told to have done. */
class Told {
  readonly inspector: Inspector;
  #events = 0;

  constructor(expected: readonly InvariantName[], consensus: ConsensusKind) {
    this.inspector = new Inspector(new Schedule(), consensus, NAMES, NAMES, expected);
    const hardState = { term: 0, votedFor: "", commit: 0 };
    for (const agent of NAMES.keys()) this.inspector.started(agent, 1, { hardState, entries: [] });
  }

  observe(agent: number, kind: EventKind, fields: Fields, stamp: Partial<AgentStamp> = {}): void {
    const state = { role: "follower", term: 1, leader: "", commit: 0, lastIndex: 0, applied: 0, ...stamp } as const;
    const id = `${NAMES[agent]}.1:${++this.#events}`;
    const event: TimelineEvent = {
      id,
      agent: NAMES[agent] as string,
      hlc: { wallMs: 0, counter: 0 },
      kind,
      fields,
      state,
    };
    this.inspector.observed(agent, event);
    this.inspector.turned(agent);
  }

  /** Durably, for the candidate. */
  vote(term: number, candidate: string, ...agents: readonly number[]): void {
    for (const agent of agents)
      this.inspector.durable(agent, { hardState: { term, votedFor: candidate, commit: 0 }, entries: [] });
  }

  holds(agent: number, ...entries: readonly Entry[]): void {
    this.inspector.appended(agent, { entries });
    this.inspector.durable(agent, { entries });
  }
}

/** For each invariant, what breaks it, and what is said of it. */
const BREAKS: Readonly<Record<InvariantName, readonly [(mesh: Told) => void, RegExp]>> = {
  electionSafety: [
    (mesh) => {
      mesh.vote(1, "a1", 0, 1);
      mesh.observe(0, "becameLeader", { votes: ["a1", "a2"] }, { role: "leader" });
      mesh.observe(1, "becameLeader", { votes: ["a1", "a2"] }, { role: "leader" });
    },
    /term 1 has two leaders: a1\.1 and a2\.1/,
  ],
  logMatching: [
    (mesh) => {
      mesh.holds(0, entry(1, 1));
      mesh.holds(1, { ...entry(1, 1), data: Uint8Array.of(9) });
    },
    /a2 holds index 1 of term 1, but the logs that hold it differ/,
  ],
  leaderCompleteness: [
    (mesh) => {
      mesh.holds(0, entry(1, 1));
      mesh.holds(1, entry(1, 1));
      mesh.observe(0, "committed", {}, { commit: 1 });
      mesh.vote(2, "a3", 0, 1);
      mesh.observe(2, "becameLeader", { votes: ["a1", "a2"] }, { role: "leader", term: 2 });
    },
    /a3 leads term 2 without all that committed before/,
  ],
  stateMachineSafety: [
    (mesh) => {
      mesh.holds(0, entry(1, 1));
      mesh.holds(1, entry(1, 1));
      mesh.observe(0, "committed", {}, { commit: 1 });
      mesh.holds(2, entry(1, 2));
      mesh.observe(2, "committed", {}, { commit: 1, term: 2 });
    },
    /a3 commits another entry at index 1/,
  ],
  linearizableMemory: [
    (mesh) => {
      const one = { client: "c", key: "k", invokedUs: 0, returnedUs: 1 } as const;
      const history: MemoryOperation[] = [
        { ...one, call: { type: "put", value: "v" }, outcome: { type: "written", version: 1 } },
        { ...one, invokedUs: 2, returnedUs: 3, call: { type: "get" }, outcome: { type: "item", value: null } },
      ];
      mesh.inspector.memory.check(history);
    },
    /c's get -> nothing/,
  ],
  tasksExactlyOnce: [
    (mesh) => {
      mesh.observe(0, "taskFinished", { id: "t", state: "completed", token: 3 });
      mesh.observe(1, "taskFinished", { id: "t", state: "completed", token: 7 });
    },
    /t finished twice/,
  ],
  leaseHeldOnce: [
    (mesh) => {
      mesh.observe(0, "taskLeased", { id: "t", agent: "a1", token: 3 });
      mesh.observe(1, "taskLeased", { id: "t", agent: "a2", token: 3 });
    },
    /token 3 is held twice/,
  ],
  proposalsDecidedOnce: [
    (mesh) => {
      const told = { proposal: "p", approvals: 2, rejections: 0, needed: 2 };
      mesh.observe(0, "proposalDecided", { ...told, state: "approved" });
      mesh.observe(1, "proposalDecided", { ...told, state: "expired" });
    },
    /p is approved .* as a1\.1 decides it, and expired .* as a2\.1 does/,
  ],
  convergence: [
    (mesh) => mesh.holds(1, journalEntryOf({ origin: 0, seq: 1, stamp: 5, deps: [], data: Uint8Array.of(1) }, 1)),
    /a2 is given operation 1 of a1, which a1 has not on its disk/,
  ],
};

describe("each invariant by its name", () => {
  for (const name of INVARIANTS) {
    const [breaks, detail] = BREAKS[name];
    it(`${name} is told when it breaks, and not when it is not expected`, () => {
      const consensus = name === "convergence" ? "gossip" : "raft";
      const mesh = new Told([name], consensus);
      breaks(mesh);
      const { violation } = mesh.inspector;
      equal(invariantOf(violation?.invariant ?? ""), name);
      match(violation?.detail ?? "", detail);
      const other = new Told(
        INVARIANTS.filter((one) => one !== name),
        consensus,
      );
      breaks(other);
      deepEqual(other.inspector.violation, null);
    });
  }
});
