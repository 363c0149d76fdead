import assert from "node:assert/strict";
import { beforeEach, describe, it } from "mocha";
import type { CoreReport } from "../../../server/agent/types.ts";
import type { LinkReport } from "../../../server/contract/swarm.ts";
import { ReportDesk } from "../../../server/live/agent/report-desk.ts";

const link: LinkReport = {
  peer: "a2",
  up: true,
  framesOut: 1,
  framesIn: 1,
  bytesOut: 1,
  bytesIn: 1,
  dropped: 0,
  delayed: 0,
  corrupted: 0,
  latencyP50Ms: null,
  latencyP99Ms: null,
};
const quiet: CoreReport = {
  agent: "a1",
  incarnation: 1,
  atMs: 0,
  upMs: 0,
  role: "follower",
  term: 1,
  leader: "",
  commit: 0,
  applied: 0,
  lastIndex: 0,
  durableIndex: 0,
  voters: [],
  learners: [],
  outgoing: [],
  snapshotIndex: 0,
  firstIndex: 1,
  links: [link],
  members: [],
  reputations: [],
  messagesOut: 0,
  messagesIn: 0,
  electionsStarted: 0,
  electionsWon: 0,
  votesGranted: 0,
  votesRefused: 0,
  committedAsLeader: 0,
  decisionLatenciesMs: [],
  ackParticipation: null,
  tasksRunning: 0,
  slots: 1,
};
const FAULTED = { dropped: 42, delayed: 7, corrupted: 1 };
const STATE = { stateHash: "0123456789abcdef", stateHashIndex: 7 };
const SIGNATURES = { signed: 5, verified: 15, known: 3 };
const process = { pid: 1, port: 2, cpuSeconds: 3, rssBytes: 4, logBytes: 5, fsyncs: 6, fsyncP99Ms: 7 };

describe("the desk that makes reports", () => {
  let desk: ReportDesk;
  let next: CoreReport;

  beforeEach(() => {
    next = quiet;
    const core = (): CoreReport => {
      const taken = next;
      next = quiet;
      return taken;
    };
    desk = new ReportDesk({
      core,
      process: () => process,
      state: () => STATE,
      signatures: () => SIGNATURES,
      faulted: () => FAULTED,
    });
  });

  it("adds what the process knows and what faults did", () => {
    assert.deepEqual(desk.report(1), { ...quiet, ...process, links: [{ ...link, ...FAULTED }] });
  });

  it("says how many signatures an agent made and looked at, where its consensus needs any", () => {
    const pbft = { faultsTolerated: 1, liars: [], stableSeq: 0, executedSeq: 2, proposedSeq: 2 };
    next = { ...quiet, pbft };
    assert.deepEqual(desk.report(1).pbft, { ...pbft, ...SIGNATURES });
    assert.equal(desk.report(1).pbft, undefined);
  });

  it("gives every sample to every reader once, whoever asks first", () => {
    desk.join(1);
    desk.join(2);
    const links = [{ ...link, latencyP50Ms: 3, latencyP99Ms: 9 }];
    next = { ...quiet, decisionLatenciesMs: [1, 2], ackParticipation: 0.8, links };
    assert.deepEqual(desk.report(7).decisionLatenciesMs, [1, 2]);
    next = { ...quiet, decisionLatenciesMs: [3] };
    const first = desk.report(1);
    assert.deepEqual(first.decisionLatenciesMs, [1, 2, 3]);
    assert.equal(first.ackParticipation, 0.8);
    assert.equal(first.links[0]?.latencyP99Ms, 9);
    assert.deepEqual(desk.report(2).decisionLatenciesMs, [1, 2, 3]);
    const again = desk.report(1);
    assert.deepEqual(again.decisionLatenciesMs, []);
    assert.equal(again.ackParticipation, null);
    assert.equal(again.links[0]?.latencyP50Ms, null);
  });

  it("keeps at most 512 samples, drawn evenly, for a reader that does not ask", () => {
    desk.join(1);
    for (let round = 0; round < 20; round++) {
      next = { ...quiet, decisionLatenciesMs: Array(100).fill(round) };
      desk.report(9);
    }
    const { decisionLatenciesMs } = desk.report(1);
    assert.equal(decisionLatenciesMs.length, 512);
    assert.ok(decisionLatenciesMs.includes(19));
  });

  it("adds the hash of the state only for who asks for it", () => {
    assert.equal(desk.report(1).stateHash, undefined);
    assert.equal(desk.detailed(1).stateHash, STATE.stateHash);
    assert.equal(desk.detailed(1).stateHashIndex, STATE.stateHashIndex);
  });
});
