import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { CONSENSUS, CONSENSUS_KINDS, kindOfRole } from "../../server/contract/consensus.ts";
import { INVARIANTS } from "../../server/contract/expect.ts";
import { ROLE_NAMES } from "../../server/contract/swarm.ts";
import { BROADCAST_MESSAGE_TYPES, EVENT_KINDS, MESSAGE_TYPES } from "../../server/contract/timeline.ts";
import { seededRandom } from "../../server/core/random.ts";
import { drawFault } from "../../server/meshfile/faults/chaos.ts";
import { targetsOf } from "../../server/meshfile/faults/resolve.ts";
import { resolveTarget } from "../../server/meshfile/faults/targets.ts";
import { parseMesh, quickMesh } from "../../server/meshfile/mesh-file.ts";
import { TIMING } from "../../server/meshfile/timing.ts";
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

describe("consensus: gossip in a mesh file", () => {
  const gossip = (rest: string) => `agents: 4\nconsensus: gossip\n${rest}`;

  it("is one word, for any number of agents, and is read again as it was written", () => {
    for (const agents of [1, 2, 7]) {
      const { mesh, diagnostics } = read(`agents: ${agents}\nconsensus: gossip\n`);
      assert.deepEqual(diagnostics, []);
      assert.equal(mesh?.consensus, "gossip");
      assert.deepEqual(read(meshText(mesh)).mesh, mesh);
    }
    assert.equal(quickMesh({ name: "q", agents: 2, topology: "ring", consensus: "gossip" }).consensus, "gossip");
  });

  it("refuses what takes one order for all, each with a sentence, and takes members that come and go", () => {
    assert.deepEqual(found(gossip("tasks:\n  - { id: t, run: [node] }\n")), ["notWithGossip 3:1"]);
    assert.match(
      said(gossip("tasks:\n  - { id: t, run: [node] }\n"))[0] ?? "",
      /^tasks: a task is leased to one agent/,
    );
    for (const mode of ["lease", "readIndex"]) {
      assert.deepEqual(found(gossip(`reads: ${mode}\n`)), ["notWithGossip 3:8"]);
      assert.match(said(gossip(`reads: ${mode}\n`))[0] ?? "", /^reads: in a swarm by gossip each agent answers/);
    }
    for (const members of [true, false])
      assert.deepEqual(
        found(gossip(`simulate: { members: ${members} }\n`)),
        [],
        "agents join and leave by gossip, too",
      );
  });

  it("refuses what is expected of leaders, elections and tasks", () => {
    assert.deepEqual(found(gossip("expect: { leaderWithin: 2s }\n")), ["notWithGossip 3:11"]);
    assert.deepEqual(found(gossip("expect: { maxElections: 2 }\n")), ["notWithGossip 3:11"]);
    assert.deepEqual(found(gossip("expect: { tasksDoneBy: 2s }\n")), ["notWithGossip 3:11"]);
    assert.deepEqual(said(gossip("expect: { leaderWithin: 2s }\n")), [
      "expect.leaderWithin: nobody leads a swarm by gossip. Take this out.",
    ]);
    assert.deepEqual(found(gossip("expect: { liveness: 2s, recovery: 3s, availability: 0.9 }\n")), []);
  });

  it("expects its own invariants, which no other kind has, and refuses those of an order by name", () => {
    const own = ["proposalsDecidedOnce", "convergence"];
    assert.deepEqual(read(gossip("")).mesh?.expect.invariants, own);
    assert.deepEqual(read(gossip("expect: { invariants: all }\n")).mesh?.expect.invariants, own);
    assert.deepEqual(found(gossip("expect: { invariants: [linearizableMemory] }\n")), ["notWithGossip 3:24"]);
    assert.deepEqual(said(gossip("expect: { invariants: [linearizableMemory] }\n")), [
      "linearizableMemory is about what all do in one order; a swarm that decides by Gossip has proposalsDecidedOnce, convergence.",
    ]);
    assert.deepEqual(found("agents: 4\nexpect: { invariants: [convergence] }\n"), ["notWithRaft 2:24"]);
    assert.match(
      said("agents: 4\nexpect: { invariants: [convergence] }\n")[0] ?? "",
      /agents that have no order in common; .* by Raft/,
    );
    assert.ok(!read("agents: 4\n").mesh?.expect.invariants.includes("convergence"));
  });

  it("refuses faults of a leader: it never has one", () => {
    const fault = (text: string) => gossip(`faults:\n  - { at: 1s, ${text} }\n`);
    for (const text of [
      "crash: leader",
      "disk: { agent: leader, trouble: failing }",
      "lossy: { a: a1, b: leader, loss: 0.3 }",
      "partition: [[leader, a1]]",
      "message: { from: leader, drop: true }",
      "preset: leaderHunt",
      "preset: greyFailure, whom: leader",
    ] as const) {
      assert.deepEqual(found(fault(text)), [`notWithGossip 4:${15 + text.indexOf("leader")}`], text);
      assert.match(said(fault(text))[0] ?? "", /[Nn]obody leads a swarm that decides by gossip/);
    }
    for (const target of ["one", "minority", "majority", "a2"]) assert.deepEqual(found(fault(`crash: ${target}`)), []);
    assert.throws(
      () => resolveTarget("leader", { agents: ["a1"], links: [], leader: null, consensus: "gossip" }, seededRandom(1)),
      /Nobody leads a swarm that decides by gossip/,
    );
  });

  it("knows its own messages, events and lies, and names them where a file has another's", () => {
    const fault = (text: string) => gossip(`faults:\n  - { ${text} }\n`);
    assert.deepEqual(
      found(
        fault("at: 1s, message: { types: [rumour, digest, checksum, ranges, delta, state, stateReply], drop: true }"),
      ),
      [],
    );
    for (const event of ["issued", "rumourHeard", "antiEntropy", "heldBack", "converged", "committed", "snapshotTaken"])
      assert.deepEqual(found(fault(`on: ${event}, crash: one, for: 1s`)), [], event);
    assert.deepEqual(found(fault("on: becameLeader, crash: one")), ["otherConsensus 4:11"]);
    assert.deepEqual(found(fault("at: 1s, message: { types: append, drop: true }")), ["otherConsensus 4:33"]);
    for (const behaviour of ["silent", "delay", "replay"])
      assert.deepEqual(found(fault(`at: 1s, byzantine: { agent: one, behaviour: ${behaviour} }`)), []);
    assert.match(
      said(fault("at: 1s, byzantine: { agent: one, behaviour: equivocate }"))[0] ?? "",
      /by Gossip, whose agents can lie so: silent, delay, replay/,
    );
  });

  it("draws no leader in chaos, and no lie that it does not have", () => {
    const mesh = { agents: ["a1", "a2", "a3"], links: [], timing: TIMING.local, consensus: "gossip" } as const;
    const random = seededRandom("chaos");
    const drawn = Array.from({ length: 400 }, () => drawFault({ crash: 1, byzantine: 1 }, 1000, mesh, random));
    const targets = new Set(drawn.flatMap((fault) => (fault === undefined ? [] : targetsOf(fault))));
    assert.deepEqual([...targets].sort(), ["minority", "one"]);
    for (const fault of drawn)
      if (fault?.kind === "byzantine") assert.ok(CONSENSUS.gossip.behaviours.includes(fault.behaviour));
  });
});

describe("the kinds of consensus", () => {
  it("have each role and each message type for themselves, and events of both are in neither list", () => {
    const own = CONSENSUS_KINDS.flatMap((kind) => CONSENSUS[kind].messageTypes);
    const types = [...own, ...BROADCAST_MESSAGE_TYPES];
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

describe("what replicates the memory", () => {
  it("is the consensus where nothing is said, and gossip where everything is by gossip", () => {
    const memory = (text: string) => read(text).mesh?.memory;
    assert.deepEqual(
      ["agents: 3\n", "agents: 4\nconsensus: pbft\n", "consensus: gossip\n", "memory: eventual\n"].map(memory),
      ["consensus", "consensus", "eventual", "eventual"],
    );
    assert.deepEqual(found("memory: consensus\n"), []);
    assert.deepEqual(found("agents: 4\nconsensus: pbft\nmemory: consensus\n"), []);
    assert.deepEqual(found("consensus: gossip\nmemory: eventual\n"), []);
    assert.deepEqual(found("memory: quick\n"), ["unknownValue 1:9"]);
  });

  it("is refused where it cannot be so, with a sentence", () => {
    assert.deepEqual(found("consensus: gossip\nmemory: consensus\n"), ["notWithGossip 2:9"]);
    assert.match(said("consensus: gossip\nmemory: consensus\n")[0] ?? "", /^memory: consensus takes one order for all/);
    assert.deepEqual(found("agents: 4\nconsensus: pbft\nmemory: eventual\n"), ["notWithPbft 3:9"]);
    assert.match(said("agents: 4\nconsensus: pbft\nmemory: eventual\n")[0] ?? "", /believes what any agent says/);
    assert.deepEqual(found("memory: eventual\nsimulate: { members: true }\n"), ["notWithRaft 2:22"]);
    assert.deepEqual(found("simulate: { counters: true }\n"), ["notWithRaft 1:23"]);
    assert.deepEqual(found("memory: eventual\nsimulate: { counters: true }\n"), []);
  });

  it("has gossip's messages and events for faults, beside Raft's", () => {
    const faults =
      "faults: [{ at: 1s, message: { types: [rumour, append], drop: true } }, { on: issued, crash: one }]\n";
    assert.deepEqual(found(`memory: eventual\n${faults}`), []);
    assert.deepEqual(new Set(found(faults).map((one) => one.split(" ")[0])), new Set(["otherConsensus"]));
  });

  it("decides what is expected of it, and is written as it was read", () => {
    const { mesh } = read("memory: eventual\n");
    assert.ok(mesh);
    const all = mesh.expect.invariants;
    assert.deepEqual([all.includes("linearizableMemory"), all.includes("convergence")], [false, true]);
    assert.ok(all.includes("logMatching") && all.includes("tasksExactlyOnce"));
    assert.match(meshText(mesh), /^memory: eventual$/m);
    assert.deepEqual(read(meshText(mesh)).mesh, mesh);
    assert.deepEqual(found("memory: eventual\nexpect: { invariants: [linearizableMemory] }\n"), ["notWithRaft 2:24"]);
    assert.match(
      said("memory: eventual\nexpect: { invariants: [linearizableMemory] }\n")[0] ?? "",
      /Raft with memory: eventual has .*convergence/,
    );
  });
});
