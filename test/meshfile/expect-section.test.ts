import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { INVARIANTS_OF } from "../../server/contract/expect.ts";
import { EXPECTED_BY_DEFAULT, livenessBoundMs } from "../../server/meshfile/expect-defaults.ts";
import { parseMesh } from "../../server/meshfile/mesh-file.ts";

const read = (section: string, more = "") => parseMesh(`agents: 3\n${more}${section}`, "x.mesh.yaml");
const expected = (section: string, more = "") => {
  const { mesh, diagnostics } = read(section, more);
  assert.deepEqual(diagnostics, []);
  return mesh?.expect;
};
const found = (section: string): string[] =>
  read(section).diagnostics.map((d) => `${d.code} ${d.line}:${d.column} ${d.message}`);

describe("the expect section of a mesh file", () => {
  it("expects every invariant, liveness and recovery when it is absent", () => {
    assert.deepEqual(expected(""), EXPECTED_BY_DEFAULT);
    assert.deepEqual(EXPECTED_BY_DEFAULT.invariants, INVARIANTS_OF.raft);
    assert.deepEqual(EXPECTED_BY_DEFAULT.stated, []);
  });

  it("reads every expectation, and keeps which the file states", () => {
    assert.deepEqual(
      expected(
        `expect:
  invariants: [leaseHeldOnce, electionSafety]
  liveness: 20s
  recovery: off
  leaderWithin: 2s
  tasksDoneBy: 1m
  availability: {share: 90%, window: 5s, answerWithin: 250ms}
  maxElections: 4
`,
        "tasks: [{id: t, run: [node]}]\n",
      ),
      {
        invariants: ["electionSafety", "leaseHeldOnce"],
        liveness: { withinMs: 20_000 },
        recovery: null,
        leaderWithinMs: 2000,
        tasksDoneByMs: 60_000,
        availability: { share: 0.9, windowMs: 5000, answerWithinMs: 250 },
        maxElections: 4,
        stated: [
          "electionSafety",
          "leaseHeldOnce",
          "liveness",
          "recovery",
          "leaderWithin",
          "tasksDoneBy",
          "availability",
          "maxElections",
        ],
      },
    );
  });

  it("reads short forms", () => {
    assert.deepEqual(expected("expect: {availability: 0.5, invariants: none, liveness: off}\n"), {
      ...EXPECTED_BY_DEFAULT,
      invariants: [],
      liveness: null,
      availability: { share: 0.5, windowMs: null, answerWithinMs: null },
      stated: ["liveness", "availability"],
    });
  });

  it("says what is wrong, and where", () => {
    assert.match(found("expect:\n  invariant: all\n")[0] ?? "", /^unknownKey 3:3 .*"invariants"/);
    assert.match(found("expect:\n  invariants: [electionSafty]\n")[0] ?? "", /^unknownValue 3:16 .*electionSafety/);
    assert.match(found("expect:\n  invariants: some\n")[0] ?? "", /^unknownValue 3:15 /);
    assert.match(found("expect:\n  liveness: soon\n")[0] ?? "", /^wrongType 3:13 .*besides `off`/);
    assert.match(found("expect:\n  availability: 2\n")[0] ?? "", /^outOfRange 3:17 .*0\.99/);
    assert.match(found("expect:\n  availability: {window: 1s}\n")[0] ?? "", /^missingKey 3:17 .*share/);
    assert.match(found("expect:\n  maxElections: -1\n")[0] ?? "", /^outOfRange 3:17 /);
    assert.match(found("expect:\n  tasksDoneBy: 3s\n")[0] ?? "", /^noTasks 3:3 .*has none/);
    assert.match(found("expect: 3\n")[0] ?? "", /^wrongType 2:9 /);
  });

  it("gives liveness a bound that follows from the timing", () => {
    const { mesh } = parseMesh("timing: seed\ntaskLease: 10s\n", "x.mesh.yaml");
    assert.equal(mesh && livenessBoundMs(mesh), 40 * 20_000 + 4 * 10_000);
  });
});
