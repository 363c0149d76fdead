import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { CONSENSUS, CONSENSUS_KINDS, kindOfRole } from "../../server/contract/consensus.ts";
import { INVARIANTS } from "../../server/contract/expect.ts";
import { ROLE_NAMES } from "../../server/contract/swarm.ts";
import { EVENT_KINDS, MESSAGE_TYPES } from "../../server/contract/timeline.ts";
import { parseMesh, quickMesh } from "../../server/meshfile/mesh-file.ts";
import { meshText } from "../../server/meshfile/write.ts";

const read = (text: string) => parseMesh(text, "x.mesh.yaml");
const found = (text: string) => read(text).diagnostics.map(({ code, line, column }) => `${code} ${line}:${column}`);
const said = (text: string) => read(text).diagnostics.map(({ message }) => message);

describe("consensus: pbft in a mesh file", () => {
  it("is one word", () => {
    const { mesh, diagnostics } = read("agents: 4\nconsensus: pbft\n");
    assert.deepEqual(diagnostics, []);
    assert.equal(mesh?.consensus, "pbft");
    assert.equal(read("consensus: pbft\n").mesh?.agents.length, 12);
  });

  it("takes four agents, and the refusal says how many liars that would survive", () => {
    assert.deepEqual(found("name: x\nconsensus: pbft\nagents: 3\n"), ["tooFew 3:9"]);
    assert.deepEqual(found("consensus: pbft\nagents: [ada, bob, cy]\n"), ["tooFew 2:9"]);
    assert.deepEqual(found("consensus: pbft\nagents: 4\n"), []);
    assert.deepEqual(said("consensus: pbft\nagents: 3\n"), [
      "consensus: pbft needs at least 4 agents, not 3: surviving f liars takes n >= 3f + 1 agents, so 3 would survive none. 4 survive 1 liar, 7 survive 2 liars, 10 survive 3 liars.",
    ]);
    assert.throws(
      () => quickMesh({ name: "q", agents: 3, topology: "mesh", consensus: "pbft" }),
      /RangeError: consensus: pbft needs at least 4 agents, not 3/,
    );
    assert.equal(quickMesh({ name: "q", agents: 4, topology: "ring", consensus: "pbft" }).consensus, "pbft");
  });

  it("refuses what trusts a leader's clock, and members that come and go", () => {
    assert.deepEqual(found("agents: 4\nconsensus: pbft\nreads: lease\n"), ["notWithPbft 3:8"]);
    assert.deepEqual(found("agents: 4\nconsensus: pbft\nreads: readIndex\n"), []);
    assert.deepEqual(found("agents: 4\nconsensus: pbft\nsimulate: { members: true }\n"), ["notWithPbft 3:22"]);
    assert.deepEqual(found("agents: 4\nconsensus: pbft\nsimulate: { members: false }\n"), []);
    assert.deepEqual(found("agents: 4\nreads: lease\nsimulate: { members: true }\n"), []);
  });

  it("expects the invariants that PBFT has, and refuses those of Raft alone by name", () => {
    const own = [
      "stateMachineSafety",
      "linearizableMemory",
      "tasksExactlyOnce",
      "leaseHeldOnce",
      "proposalsDecidedOnce",
    ];
    const expected = (section: string) => read(`agents: 4\nconsensus: pbft\n${section}`).mesh?.expect.invariants;
    assert.deepEqual(expected(""), own);
    assert.deepEqual(expected("expect: { invariants: all }\n"), own);
    assert.deepEqual(expected("expect: { leaderWithin: 2s }\n"), own);
    assert.deepEqual(expected("expect: { invariants: [leaseHeldOnce] }\n"), ["leaseHeldOnce"]);
    const raftOnly = INVARIANTS.filter((name) => !own.includes(name));
    assert.deepEqual(
      found(`agents: 4\nconsensus: pbft\nexpect: { invariants: [${raftOnly.join(", ")}] }\n`),
      raftOnly.map((name) => `notWithPbft 3:${24 + raftOnly.join(", ").indexOf(name)}`),
    );
  });

  it("knows its own messages and events, and says which when the file names Raft's; and the other way round", () => {
    const pbft = (fault: string) => `agents: 4\nconsensus: pbft\nfaults:\n  - { ${fault} }\n`;
    assert.deepEqual(found(pbft("at: 1s, message: { types: [prepare, viewChange], drop: true }")), []);
    assert.deepEqual(found(pbft("on: viewEntered, crash: leader, for: 1s")), []);
    assert.deepEqual(found(pbft("on: committed, crash: leader, for: 1s")), []);
    assert.deepEqual(found(pbft("at: 1s, message: { types: [commit, append], drop: true }")), ["otherConsensus 4:42"]);
    assert.deepEqual(found(pbft("on: becameLeader, crash: leader, for: 1s")), ["otherConsensus 4:11"]);
    assert.match(
      said(pbft("on: becameLeader, crash: leader"))[0] ?? "",
      /^on: becameLeader is an event of Raft, and this swarm decides by PBFT, whose events are prePrepared, .*viewEntered/,
    );
    const raft = (fault: string) => `agents: 4\nfaults:\n  - { ${fault} }\n`;
    assert.deepEqual(found(raft("at: 1s, message: { types: commit, drop: true }")), ["otherConsensus 3:33"]);
    assert.match(
      said(raft("at: 1s, message: { types: commit, drop: true }"))[0] ?? "",
      /^message\.types: commit is a message of PBFT, and this swarm decides by Raft, whose messages are preVote, /,
    );
    assert.deepEqual(found(raft("on: viewEntered, crash: leader")), ["otherConsensus 3:11"]);
  });

  it("refuses under Raft the lies that only PBFT's agents can tell, and takes them under PBFT", () => {
    for (const behaviour of ["wrongDigest", "badProof", "corruptState"]) {
      const fault = `faults:\n  - { at: 1s, byzantine: { agent: one, behaviour: ${behaviour} } }\n`;
      assert.deepEqual(found(`agents: 4\nconsensus: pbft\n${fault}`), []);
      assert.deepEqual(found(`agents: 4\n${fault}`), ["otherConsensus 3:51"]);
      assert.match(
        said(`agents: 4\n${fault}`)[0] ?? "",
        new RegExp(`^byzantine\\.behaviour: only PBFT has what ${behaviour} lies about, .* by Raft, .*: equivocate, `),
      );
    }
  });

  it("is read again as it was written", () => {
    const text = "agents: 4\nconsensus: pbft\nexpect: { invariants: [leaseHeldOnce], maxElections: 3 }\n";
    for (const file of ["agents: 4\nconsensus: pbft\n", text]) {
      const { mesh } = read(file);
      assert.ok(mesh);
      assert.deepEqual(read(meshText(mesh)).mesh, mesh);
    }
    assert.match(meshText(read("agents: 4\nconsensus: pbft\n").mesh!), /^consensus: pbft$/m);
  });
});

describe("the kinds of consensus", () => {
  it("have each role and each message type for themselves, and events of both are in neither list", () => {
    const types = CONSENSUS_KINDS.flatMap((kind) => CONSENSUS[kind].messageTypes);
    assert.deepEqual([...types].sort(), [...MESSAGE_TYPES].sort());
    assert.equal(new Set(types).size, types.length);
    const events = CONSENSUS_KINDS.flatMap((kind) => CONSENSUS[kind].events);
    assert.equal(new Set(events).size, events.length);
    assert.ok(events.every((event) => EVENT_KINDS.includes(event)));
    assert.ok(!events.includes("committed"));
    assert.deepEqual(
      ROLE_NAMES.filter((role) => kindOfRole(role) === "pbft"),
      ["primary", "backup", "viewChange"],
    );
  });
});
