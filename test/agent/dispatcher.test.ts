import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { decodeAgentCommand, encodeClockCommand, encodeOwnTaskCommand } from "../../server/agent/command.ts";
import { Dispatcher, type Sight } from "../../server/agent/dispatcher.ts";
import { Machine } from "../../server/agent/machine.ts";
import { type AgentId, type ConsensusStatus, EntryKind } from "../../server/core/consensus.ts";
import { HeartbeatMembership } from "../../server/core/membership/heartbeat/heartbeat.ts";
import { seededRandom } from "../../server/core/random.ts";
import type { TaskCommand } from "../../server/core/tasks/types.ts";

const IDS = ["a1", "a2", "a3", "a4"];
const RETRY_MS = 1000;
const LEASE_MS = 5000;
const SPEC = { command: "true", args: [], cwd: "", timeoutMs: 0, maxAttempts: 3, agent: "" };

/** One agent's view of the swarm, and what its dispatcher makes of it. Its machine is applied to by the test. */
class Desk {
  readonly dispatcher = new Dispatcher({ slots: 1, leaseMs: LEASE_MS, retryMs: RETRY_MS });
  readonly machine = new Machine();
  readonly membership: HeartbeatMembership;
  readonly #status: ConsensusStatus;
  nowMs = 10_000;

  constructor(id: AgentId) {
    const timing = { heartbeatMs: 1e6, suspectAfterMs: 1e7, failAfterMs: 1e7, failAfterClosedMs: 100 };
    this.membership = new HeartbeatMembership({ id, members: IDS, ...timing }, 1, this.nowMs, seededRandom("test"));
    for (const peer of IDS) {
      if (peer === id) continue;
      this.membership.linkUp(peer, this.nowMs);
      const news = [{ id: peer, incarnation: 1, heartbeat: 1, state: "alive" } as const];
      this.membership.heard(peer, { type: "gossip", news, hears: [] }, this.nowMs);
    }
    this.membership.take(this.nowMs);
    const configuration = { voters: IDS, outgoing: [], learners: [], learnersNext: [], autoLeave: false };
    const indexes = { commit: 0, lastIndex: 0, lastTerm: 0, durableIndex: 0, configurationIndex: 0 };
    this.#status = {
      ...indexes,
      id,
      role: "backup",
      term: 0,
      leader: "a9",
      configuration,
      snapshotIndex: 0,
      firstIndex: 1,
      transferringTo: "",
      followers: [],
    };
  }

  get sight(): Sight {
    return { machine: this.machine, membership: this.membership, status: this.#status };
  }

  apply(data: Uint8Array, timeMs = this.nowMs): void {
    const index = this.machine.index + 1;
    this.machine.apply({ index, term: 0, kind: EntryKind.command, timeMs, data });
    this.dispatcher.changed();
  }

  task(command: TaskCommand): void {
    this.apply(encodeOwnTaskCommand(command));
  }

  /** What it proposes, and after how many ms, when it looks whenever something may be due. */
  proposals(forMs: number): string[] {
    const begin = this.nowMs;
    const proposed: string[] = [];
    for (let look = 0; look < 100; look++) {
      for (const command of this.dispatcher.takeOverdue(this.sight, this.nowMs))
        proposed.push(`${this.nowMs - begin} ${told(command)}`);
      const next = Math.max(this.dispatcher.overdueMs(this.machine), this.nowMs);
      if (next > begin + forMs) return proposed;
      this.nowMs = next;
    }
    throw new Error("it never comes to rest");
  }
}

function told(bytes: Uint8Array): string {
  const command = decodeAgentCommand(bytes);
  if (command.type === "clock") return "clock";
  assert.equal(command.type, "task");
  const { task } = command as { readonly task: TaskCommand };
  return task.type === "assign" ? `assign ${task.id} to ${task.agent}` : `${task.type} ${"id" in task ? task.id : ""}`;
}

describe("what a leader that is not trusted leaves undone", () => {
  it("others do, each later than the one before it, and again when nothing came of it", () => {
    for (const [rank, id] of IDS.entries()) {
      const desk = new Desk(id);
      desk.task({ type: "submit", spec: { ...SPEC, id: "t" } });
      const patienceMs = RETRY_MS * (2 + rank);
      assert.deepEqual(desk.proposals(3 * patienceMs), [
        `${patienceMs} assign t to a1`,
        `${2 * patienceMs} assign t to a1`,
        `${3 * patienceMs} assign t to a1`,
      ]);
    }
  });

  it("is nobody else's as long as it is done in time", () => {
    const desk = new Desk("a1");
    desk.task({ type: "submit", spec: { ...SPEC, id: "t" } });
    assert.deepEqual(desk.proposals(1.9 * RETRY_MS), []);
    desk.task({ type: "assign", id: "t", agent: "a2", leaseMs: 100 * RETRY_MS });
    assert.deepEqual(desk.proposals(50 * RETRY_MS), []);
  });

  it("is given time anew where it is another duty", () => {
    const desk = new Desk("a1");
    desk.task({ type: "submit", spec: { ...SPEC, id: "t" } });
    assert.deepEqual(desk.proposals(1.5 * RETRY_MS), []);
    desk.nowMs += 1.5 * RETRY_MS;
    desk.task({ type: "cancel", id: "t" });
    desk.task({ type: "submit", spec: { ...SPEC, id: "u" } });
    assert.deepEqual(desk.proposals(2 * RETRY_MS), [`${2 * RETRY_MS} assign u to a1`]);
  });

  it("may be the telling of the time: then leases run out all the same", () => {
    const desk = new Desk("a2");
    desk.task({ type: "submit", spec: { ...SPEC, id: "t", maxAttempts: 1 } });
    desk.task({ type: "assign", id: "t", agent: "a1", leaseMs: LEASE_MS });
    assert.deepEqual(desk.proposals(LEASE_MS + 3 * RETRY_MS), [`${LEASE_MS + 3 * RETRY_MS} clock`]);
    desk.apply(encodeClockCommand());
    assert.notEqual(desk.machine.tasks.get("t")?.state, "leased");
  });

  it("may be the taking back of a lease from one that has failed", () => {
    const desk = new Desk("a1");
    desk.task({ type: "submit", spec: { ...SPEC, id: "t" } });
    desk.task({ type: "assign", id: "t", agent: "a4", leaseMs: 100 * RETRY_MS });
    assert.deepEqual(desk.proposals(50 * RETRY_MS), []);
    const news = [{ id: "a4", incarnation: 1, heartbeat: 1, state: "failed" } as const];
    desk.membership.heard("a2", { type: "gossip", news, hears: [] }, desk.nowMs);
    desk.dispatcher.changed();
    assert.deepEqual(desk.proposals(2 * RETRY_MS), [`${2 * RETRY_MS} revoke t`]);
  });

  it("is done at once by whoever leads, and what it waited for before counts for nothing afterwards", () => {
    const desk = new Desk("a1");
    desk.task({ type: "submit", spec: { ...SPEC, id: "t" } });
    assert.deepEqual(desk.proposals(1.9 * RETRY_MS), []);
    desk.nowMs += RETRY_MS;
    assert.deepEqual(desk.dispatcher.takeCommands(desk.sight, desk.nowMs).map(told), ["assign t to a1"]);
    desk.dispatcher.leaderChanged();
    assert.deepEqual(desk.proposals(1.9 * RETRY_MS), [], "the next leader is given time");
  });
});
