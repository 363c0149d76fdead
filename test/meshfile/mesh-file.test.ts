import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, it } from "mocha";
import { PROPOSALS_BY_DEFAULT } from "../../server/contract/proposals.ts";
import { EXPECTED_BY_DEFAULT } from "../../server/meshfile/expect-defaults.ts";
import { parseMesh, quickMesh } from "../../server/meshfile/mesh-file.ts";
import { RECORDED_BY_DEFAULT } from "../../server/meshfile/recording-section.ts";
import { TIMING } from "../../server/meshfile/timing.ts";

/** code at line:column of each diagnostic. */
function found(text: string): string[] {
  return parseMesh(text, "test.mesh.yaml").diagnostics.map((d) => `${d.code} ${d.line}:${d.column}`);
}

describe("a mesh file", () => {
  it("fills in every default", () => {
    const { mesh, diagnostics } = parseMesh("agents: 3\n", "folder/my first.mesh.yaml");
    assert.deepEqual(diagnostics, []);
    assert.deepEqual(mesh, {
      name: "my-first",
      agents: [{ id: "a1" }, { id: "a2" }, { id: "a3" }],
      topology: { kind: "mesh", links: [] },
      consensus: "raft",
      timing: TIMING.local,
      detached: false,
      detector: "swim",
      graceMs: 10_000,
      listen: null,
      basePort: 0,
      simulate: null,
      slots: 2,
      reads: "readIndex",
      memory: "consensus",
      taskLeaseMs: 5000,
      tasks: [],
      proposals: PROPOSALS_BY_DEFAULT,
      faults: [],
      chaos: null,
      expect: EXPECTED_BY_DEFAULT,
      recording: RECORDED_BY_DEFAULT,
    });
  });

  it("has the seed's 12 agents when it does not say how many", () => {
    assert.equal(parseMesh("name: x\n", "x.mesh.yaml").mesh?.agents.length, 12);
  });

  it("reads agents, links, timing, tasks and faults", () => {
    const { mesh, diagnostics } = parseMesh(
      `agents: [ada, {id: bob}, cy]
topology: {links: [[ada, bob], [bob, cy]]}
timing: {profile: lan, heartbeat: 50ms}
tasks:
  - {id: t1, run: [node, --version], timeout: 1.5s, attempts: 3, agent: cy, cwd: sub/dir}
faults:
  - {at: 9s, isolate: bob}
  - {at: 2s, crash: leader, for: 500}
  - {at: 3s, slow: {a: ada, b: bob, delay: 100ms, jitter: 20ms}}
  - {at: 4s, lossy: {a: cy, loss: 0.25}, for: 1m}
  - {at: 5s, partition: [[ada]]}
`,
      "x.mesh.yaml",
    );
    assert.deepEqual(diagnostics, []);
    assert.deepEqual(mesh?.topology, {
      kind: "links",
      links: [
        ["ada", "bob"],
        ["bob", "cy"],
      ],
    });
    assert.equal(mesh?.timing.heartbeatMs, 50);
    assert.equal(mesh?.timing.electionTimeoutMinMs, TIMING.lan.electionTimeoutMinMs);
    assert.deepEqual(mesh?.tasks, [
      { id: "t1", command: "node", args: ["--version"], cwd: "sub/dir", timeoutMs: 1500, maxAttempts: 3, agent: "cy" },
    ]);
    const at = (atMs: number) => ({ on: "time", atMs });
    assert.deepEqual(mesh?.faults, [
      { trigger: at(9000), fault: { kind: "isolate", agent: "bob" } },
      { trigger: at(2000), fault: { kind: "crash", agent: "leader", forMs: 500 } },
      { trigger: at(3000), fault: { kind: "slow", a: "ada", b: "bob", delayMs: 100, jitterMs: 20 } },
      { trigger: at(4000), fault: { kind: "lossy", a: "cy", loss: 0.25, forMs: 60_000 } },
      { trigger: at(5000), fault: { kind: "partition", sides: [["ada"]] } },
    ]);
  });

  const wrong: readonly [promise: string, text: string, expected: readonly string[]][] = [
    ["what is not YAML", "agents: [1, 2\nname: x\n", ["notYaml"]],
    ["an empty file", "", ["empty 1:1"]],
    ["a list instead of a mapping", "- a\n- b\n", ["wrongType 1:1"]],
    ["an unknown key", "agents: 3\ntopologie: ring\n", ["unknownKey 2:1"]],
    ["a key that stands twice", "agents: 3\nagents: 4\n", ["duplicateKey 2:1"]],
    ["a wrong type", "agents: many\n", ["wrongType 1:9"]],
    ["an impossible count", "agents: 0\n", ["outOfRange 1:9"]],
    ["too many agents", "agents: 1001\n", ["outOfRange 1:9"]],
    ["more agents than PBFT takes", "agents: 101\nconsensus: pbft\n", ["outOfRange 1:9"]],
    ["a fraction of an agent", "agents: 2.5\n", ["wrongType 1:9"]],
    ["duplicate ids", "agents: [a, b, a]\n", ["duplicateId 1:16"]],
    ["an agent called leader", "agents: [leader]\n", ["badName 1:10"]],
    ["an unknown topology", "topology: donut\n", ["unknownValue 1:11"]],
    ["an unknown kind of topology", "topology: {kind: donut, degree: 4}\n", ["unknownValue 1:18"]],
    ["a topology that says nothing", "agents: 3\ntopology: {}\n", ["missingKey 2:11"]],
    ["a degree of nothing", "topology: {degree: 4}\n", ["missingKey 1:11"]],
    ["a degree of what has none", "topology: {kind: ring, degree: 4}\n", ["noDegree 1:24"]],
    ["a degree that is too small", "topology: {kind: k-regular, degree: 1}\n", ["outOfRange 1:37"]],
    ["more links than agents look for", "topology: {kind: hyparview, degree: 6}\n", ["outOfRange 1:37"]],
    ["a degree that is too large", "topology:\n  kind: small-world\n  degree: 17\n", ["outOfRange 3:11"]],
    ["a degree that is no number", "topology: {kind: k-regular, degree: some}\n", ["wrongType 1:37"]],
    ["a fraction of a link", "topology: {kind: k-regular, degree: 2.5}\n", ["wrongType 1:37"]],
    ["links and a kind", "agents: 2\ntopology: {kind: ring, links: [[a1, a2]]}\n", ["notWithLinks 2:12"]],
    ["links and a degree", "agents: 2\ntopology: {links: [[a1, a2]], degree: 4}\n", ["notWithLinks 2:31"]],
    ["a kind that is misspelt", "topology: {knid: ring}\n", ["unknownKey 1:12"]],
    ["an unknown consensus", "consensus: paxos\n", ["unknownValue 1:12"]],
    ["an unknown way to read", "reads: quick\n", ["unknownValue 1:8"]],
    ["an unknown detector", "detector: guess\n", ["unknownValue 1:11"]],
    ["pings that take longer than others are left to be asked in", "timing: {probeTimeout: 250ms}\n", ["timing 1:9"]],
    ["a suspicion that is none", "timing: {suspicionMultiplier: 0}\n", ["outOfRange 1:31"]],
    ["links that leave an agent out", "agents: 3\ntopology: {links: [[a1, a2]]}\n", ["notConnected 2:11"]],
    ["a link to a stranger", "agents: 2\ntopology: {links: [[a1, a2], [a1, a9]]}\n", ["unknownAgent 2:30"]],
    ["a link to itself", "agents: 2\ntopology: {links: [[a1, a2], [a1, a1]]}\n", ["sameEnds 2:30"]],
    [
      "an election timeout below the heartbeat",
      "timing: {heartbeat: 300ms, electionTimeoutMin: 300ms}\n",
      ["timing 1:9"],
    ],
    ["a time that is none", "grace: soon\n", ["wrongType 1:8"]],
    ["a task without id", "tasks:\n  - run: [node]\n", ["missingKey 2:5"]],
    ["a task without run", "tasks:\n  - id: x\n", ["missingKey 2:5"]],
    ["a shell line instead of a list", "tasks:\n  - id: x\n    run: rm -rf x\n", ["wrongType 3:10", "wrongType 3:10"]],
    ["two tasks of one id", "tasks:\n  - {id: x, run: [a]}\n  - {id: x, run: [b]}\n", ["duplicateId 3:10"]],
    ["a task outside the folder", "tasks:\n  - {id: x, run: [a], cwd: ../up}\n", ["outsideFolder 2:28"]],
    ["a fault without time", "faults:\n  - crash: leader\n", ["missingKey 2:5"]],
    ["a fault of two kinds", "faults:\n  - {at: 1s, crash: a1, pause: a2}\n", ["faultKind 2:5"]],
    ["a fault for a stranger", "faults:\n  - {at: 1s, crash: a99}\n", ["unknownAgent 2:21"]],
    ["sides that overlap", "faults:\n  - {at: 1s, partition: [[a1], [a1]]}\n", ["sidesOverlap 2:33"]],
    ["loss beyond everything", "faults:\n  - {at: 1s, lossy: {a: a1, loss: 2}}\n", ["outOfRange 2:35"]],
    ["ports that do not fit", "basePort: 65530\n", ["outOfRange 1:11"]],
    ["an address that is none", "listen: my-machine\n", ["badAddress 1:9"]],
    ["an address of all interfaces", "listen: 0.0.0.0\n", ["badAddress 1:9"]],
    ["the address that is there anyway", "listen: 127.0.0.1\n", ["badAddress 1:9"]],
  ];
  for (const [promise, text, expected] of wrong) {
    it(`says where: ${promise}`, () => {
      const actual = found(text);
      assert.deepEqual(
        actual.map((line, at) => (expected[at]?.includes(" ") ? line : line.split(" ")[0])),
        expected,
      );
      assert.equal(parseMesh(text, "x").mesh, undefined);
    });
  }

  it("has a degree where the topology has one: four unless the file says otherwise", () => {
    const topology = (text: string): unknown => parseMesh(`topology: ${text}\n`, "x").mesh?.topology;
    for (const kind of ["k-regular", "small-world", "hyparview"]) {
      assert.deepEqual(topology(kind), { kind, links: [], degree: 4 });
      assert.deepEqual(topology(`{ kind: ${kind} }`), { kind, links: [], degree: 4 });
      assert.deepEqual(topology(`{ kind: ${kind}, degree: 3 }`), { kind, links: [], degree: 3 });
    }
    assert.deepEqual(topology("{ kind: ring }"), { kind: "ring", links: [] });
    const quick = quickMesh({ name: "q", agents: 12, topology: "k-regular", consensus: "raft" });
    assert.deepEqual(quick.topology, { kind: "k-regular", links: [], degree: 4 });
  });

  it("asks a majority for reads unless the file says lease", () => {
    assert.equal(parseMesh("agents: 3\n", "x").mesh?.reads, "readIndex");
    assert.equal(parseMesh("agents: 3\nreads: readIndex\n", "x").mesh?.reads, "readIndex");
    assert.equal(parseMesh("agents: 3\nreads: lease\n", "x").mesh?.reads, "lease");
  });

  it("says how agents find out who is alive", () => {
    assert.equal(parseMesh("agents: 3\n", "x").mesh?.detector, "swim");
    assert.equal(parseMesh("agents: 3\ndetector: heartbeat\n", "x").mesh?.detector, "heartbeat");
    const own = parseMesh("timing: {profile: lan, probeInterval: 2s, suspicionMultiplier: 2.5}\n", "x").mesh?.timing;
    assert.deepEqual(own, { ...TIMING.lan, probeIntervalMs: 2000, suspicionMultiplier: 2.5 });
  });

  it("suggests the key that was meant", () => {
    assert.match(parseMesh("agnets: 3\n", "x").diagnostics[0]?.message ?? "", /Did you mean "agents"\?/);
  });

  it("refuses a file beyond its limit without parsing it", () => {
    assert.deepEqual(found(`# ${"x".repeat(300_000)}\n`), ["tooLarge 1:1"]);
  });

  it("answers any text with a mesh or with an error, never with an exception", () => {
    const piece = fc.constantFrom(
      "agents",
      "topology",
      "faults",
      "tasks",
      ": ",
      "\n",
      "  ",
      "- ",
      "[",
      "]",
      "{",
      "}",
      "leader",
      "a1",
      "3",
      "5s",
      "crash",
      "&x",
      "*x",
      "!!",
      "|",
      ">",
      "'",
      '"',
      "null",
      "~",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 6 })), { maxLength: 30 }), (parts) => {
        const { mesh, diagnostics } = parseMesh(parts.join(""), "x.mesh.yaml");
        assert.equal(
          mesh === undefined,
          diagnostics.some((d) => d.severity === "error"),
        );
        for (const d of diagnostics) assert.ok(d.line >= 1 && d.column >= 1 && d.message.length > 0);
      }),
      { numRuns: 500 },
    );
  });

  it("parses every example", () => {
    const examples = readdirSync("examples", { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".mesh.yaml"),
    );
    assert.ok(examples.length >= 3);
    for (const file of examples)
      assert.deepEqual(parseMesh(readFileSync(`examples/${file}`, "utf8"), file).diagnostics, [], file);
  });
});

describe("a quick mesh", () => {
  it("is what the person chose", () => {
    const mesh = quickMesh({ name: "q", agents: 4, topology: "ring", consensus: "raft" });
    assert.equal(mesh.agents.length, 4);
    assert.equal(mesh.topology.kind, "ring");
  });
  it("refuses an impossible count", () => {
    assert.throws(() => quickMesh({ name: "q", agents: 0, topology: "ring", consensus: "raft" }), /1 to 100/);
  });
});
