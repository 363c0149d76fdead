import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { completions, editorDiagnostics, hover } from "../../server/faces/lsp/mesh-language.ts";

/** The text with the cursor (|) taken out, and where it was. */
function cursor(marked: string): { text: string; at: { line: number; character: number } } {
  const before = marked.slice(0, marked.indexOf("|"));
  const lines = before.split("\n");
  return { text: marked.replace("|", ""), at: { line: lines.length - 1, character: (lines.at(-1) as string).length } };
}

const labels = (marked: string): string[] => {
  const { text, at } = cursor(marked);
  return completions(text, at).map((offer) => offer.label);
};

describe("the language of mesh files", () => {
  it("counts positions from 0", () => {
    assert.deepEqual(editorDiagnostics("agents: 3\nfoo: 1\n", "x.mesh.yaml")[0]?.range, {
      start: { line: 1, character: 0 },
      end: { line: 1, character: 3 },
    });
  });

  it("offers the top keys that are not there yet", () => {
    const offered = labels("agents: 3\n|\nname: x\n");
    assert.ok(offered.includes("topology") && !offered.includes("agents") && !offered.includes("name"));
  });

  it("offers the values of a key", () => {
    assert.deepEqual(labels("reads: |"), ["readIndex", "lease"]);
    const topologies = ["mesh", "ring", "star", "grid", "hierarchical", "k-regular", "small-world", "hyparview"];
    assert.deepEqual(labels("topology: |"), topologies);
    assert.deepEqual(labels("topology: { kind: |"), topologies);
    assert.deepEqual(labels("timing:\n  profile: |"), ["local", "lan", "wan", "seed"]);
  });

  it("offers the keys of a topology", () => {
    assert.deepEqual(labels("topology:\n  kind: k-regular\n  |"), ["degree", "links"]);
    const { text, at } = cursor("topology: { kind: small-world, deg|ree: 4 }\n");
    assert.match(hover(text, at) ?? "", /2 to 16/);
  });

  it("tells of zones, and offers no key where they have names of their own", () => {
    const { text, at } = cursor("zo|nes: [eu, us]\n");
    assert.match(hover(text, at) ?? "", /places that may fail as a whole/i);
    assert.deepEqual(labels("zones:\n  e|u: [a1]\n"), []);
  });

  it("offers the file's zones where a fault takes agents, also while the file is no mesh file yet", () => {
    const head = "agents: 4\nzones: [eu, us]\nfaults:\n";
    const zones = ["zone:eu", "zone:us"];
    for (const line of [
      "- at: 1s\n    crash: |",
      "- { at: 1s, isolate: |",
      "- { at: 1s, link: { a: |",
      "- { at: 1s, partition: [[|",
    ])
      assert.deepEqual(labels(`${head}  ${line}`).slice(-2), zones, line);
    assert.ok(!labels(`${head}  - on: |`).includes("zone:eu"));
    assert.deepEqual(labels("zones: { eu: [a1], us: [a2] }\nfaults:\n  - { at: 1s, crash: zone:e|"), ["eu", "us"]);
    assert.ok(!labels("agents: 4\nfaults:\n  - crash: |").some((label) => label.startsWith("zone:")));
  });

  it("offers the keys of a task and of a fault", () => {
    assert.deepEqual(labels("tasks:\n  - id: x\n    |"), ["run", "cwd", "timeout", "attempts", "agent"]);
    assert.ok(labels("faults:\n  - |").includes("partition"));
    assert.deepEqual(labels("faults:\n  - at: 3s\n    slow:\n      a: a1\n      |"), ["b", "delay", "jitter"]);
  });

  it("offers what a fault waits for, whom it hits, and each part of it", () => {
    assert.ok(labels("faults:\n  - on: |").includes("becameLeader"));
    assert.ok(!labels("faults:\n  - on: |").includes("send"));
    assert.ok(labels("faults:\n  - at: 1s\n    crash: |").includes("minority"));
    assert.ok(labels("faults:\n  - at: 1s\n    partition: |").includes("bridge"));
    assert.ok(labels("faults:\n  - at: 1s\n    preset: |").includes("swizzleClog"));
    assert.deepEqual(labels("faults:\n  - at: 1s\n    link:\n      a: a1\n      |"), ["b", "direction", "toxics"]);
    assert.ok(labels("faults:\n  - at: 1s\n    link:\n      toxics:\n        - |").includes("bandwidth"));
    assert.deepEqual(
      labels("faults:\n  - at: 1s\n    link:\n      toxics:\n        - latency:\n            ms: 5\n            |"),
      ["shape", "spread"],
    );
    assert.ok(labels("faults:\n  - at: 1s\n    message:\n      types: |").includes("append"));
    assert.ok(labels("faults:\n  - at: 1s\n    message:\n      types: append\n      |").includes("drop"));
    assert.ok(labels("faults:\n  - at: 1s\n    byzantine:\n      behaviour: |").includes("equivocate"));
    assert.ok(labels("faults:\n  - at: 1s\n    disk:\n      trouble: |").includes("tornTail"));
  });

  it("offers what there is to say of proposals, and of an agent's policy whatever the agent is called", () => {
    assert.deepEqual(labels("proposals:\n  timeout: 3s\n  |"), ["threshold", "schema", "policy", "policies"]);
    assert.deepEqual(labels("proposals: { |"), ["threshold", "timeout", "schema", "policy", "policies"]);
    assert.deepEqual(labels("proposals:\n  policy: |"), ["approve", "reject"]);
    const policy = ["reject", "schema", "command", "args", "timeout"];
    for (const place of [
      "policy: { |",
      "policies:\n    a2: { |",
      "policies:\n    ada-2:\n      |",
      "policies:\n    ada: { |",
    ])
      assert.deepEqual(labels(`proposals:\n  ${place}`), policy, place);
    for (const place of ["policies:\n    |", "schema:\n    |", "schema: { |", "policies:\n    a2: { schema: { |"])
      assert.deepEqual(labels(`proposals:\n  ${place}`), [], place);
    const told = cursor("proposals:\n  policies:\n    a2: { comm|and: x }");
    assert.match(hover(told.text, told.at) ?? "", /Exit code 0 approves/);
    const inside = cursor("proposals:\n  schema:\n    time|out: x");
    assert.equal(hover(inside.text, inside.at), undefined);
  });

  it("reads the schemas beside a file that has a place, and says where it has none", () => {
    const text = "agents: 3\nproposals: { schema: none.json }\n";
    const said = (file: string): string | undefined => editorDiagnostics(text, file)[0]?.message;
    assert.match(said("/no/such/folder/x.mesh.yaml") ?? "", /none\.json cannot be read: there is no none\.json in/);
    assert.match(said("untitled:Untitled-1") ?? "", /files beside this text cannot be read here/);
  });

  it("offers the kinds of consensus, and the events and messages of the file's own", () => {
    assert.deepEqual(labels("consensus: |"), ["raft", "pbft", "gossip"]);
    const events = (head: string): string[] => labels(`${head}faults:\n  - on: |`);
    const types = (head: string): string[] => labels(`${head}faults:\n  - at: 1s\n    message:\n      types: |`);
    assert.ok(events("consensus: pbft\n").includes("viewEntered") && !events("").includes("viewEntered"));
    assert.ok(!events("consensus: pbft\n").includes("becameLeader") && events("").includes("becameLeader"));
    assert.ok(events("consensus: pbft\n").includes("committed") && events("").includes("committed"));
    assert.ok(types("consensus: pbft\n").includes("prepare") && !types("").includes("prepare"));
    assert.ok(!types("consensus: pbft\n").includes("append") && types("").includes("append"));
    assert.ok(types("consensus: gossip\n").includes("rumour") && !types("").includes("rumour"));
  });

  it("says what consensus: means, and where it does not go with the rest", () => {
    const { text, at } = cursor("agents: 3\ncons|ensus: pbft\n");
    assert.match(
      hover(text, at) ?? "",
      /pbft: survives \(n - 1\) \/ 3 agents that lie.*\n\nValues: `raft`, `pbft`, `gossip`/s,
    );
    assert.match(editorDiagnostics(text, "x.mesh.yaml")[0]?.message ?? "", /needs at least 4 agents, not 3/);
  });

  it("offers the same within braces", () => {
    assert.ok(labels("faults:\n  - { |").includes("crash"));
    assert.ok(!labels("faults:\n  - { at: 1s, |").includes("at"));
    assert.ok(labels("faults:\n  - { at: 1s, crash: |").includes("leader"));
    assert.deepEqual(labels("faults:\n  - { at: 1s, slow: { a: a1, |"), ["b", "delay", "jitter"]);
    assert.deepEqual(labels("faults:\n  - { at: 1s, slow: { a: a1 }, for: 1s, disk: { agent: a1, tro|"), [
      "trouble",
      "delay",
    ]);
    assert.ok(labels("faults:\n  - { at: 1s, link: { a: a1, toxics: [{ |").includes("slowClose"));
    assert.ok(labels("faults:\n  - { at: 1s, message: { types: [append, |").includes("vote"));
    assert.deepEqual(labels("chaos: { every: 1s, |"), ["for", "until", "kinds"]);
    assert.ok(labels("chaos: { kinds: { |").includes("byzantine"));
    assert.ok(labels("chaos: { kinds: [|").includes("byzantine"));
    assert.deepEqual(labels("tasks:\n  - { id: x, run: [a], |"), ["cwd", "timeout", "attempts", "agent"]);
    assert.deepEqual(labels("topology: { links: [[|"), []);
    assert.deepEqual(labels("name: x # {|"), []);
    const key = cursor("faults:\n  - { at: 1s, link: { a: a1, tox|ics: [{ loss: 1 }] } }\n");
    assert.match(hover(key.text, key.at) ?? "", /What befalls the frames/);
    const inner = cursor("faults:\n  - { at: 1s, link: { a: a1, toxics: [{ lo|ss: 1 }] } }\n");
    assert.match(hover(inner.text, inner.at) ?? "", /share of frames is dropped/);
  });

  it("offers the keys of chaos", () => {
    assert.deepEqual(labels("chaos:\n  every: 2s\n  |"), ["for", "until", "kinds"]);
    assert.ok(labels("chaos:\n  kinds:\n    crash: 2\n    |").includes("partition"));
    const key = cursor("faults:\n  - at: 1s\n    cl|ock:\n      agent: a1\n");
    assert.match(hover(key.text, key.at) ?? "", /too fast or slow/);
  });

  it("offers the keys of what is expected", () => {
    assert.ok(labels("expect:\n  |").includes("leaderWithin"));
    assert.deepEqual(labels("expect:\n  invariants: |"), ["all", "none"]);
    assert.deepEqual(labels("expect:\n  availability:\n    share: 0.9\n    |"), ["window", "answerWithin"]);
  });

  it("explains the key under the cursor and nothing else", () => {
    const key = cursor("tasks:\n  - r|un: [node]\n");
    assert.match(hover(key.text, key.at) ?? "", /no shell/);
    const value = cursor("tasks:\n  - run: [no|de]\n");
    assert.equal(hover(value.text, value.at), undefined);
  });
});
