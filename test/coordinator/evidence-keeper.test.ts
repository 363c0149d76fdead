import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { EvidenceKeeper, MAX_EVIDENCE_EACH, MAX_UNPROVED_CLAIMS } from "../../server/coordinator/evidence-keeper.ts";
import { verifyProofs } from "../../server/live/proofs/verify.ts";
import { Liars } from "../live/proofs/lies.ts";

const STATEMENT = "a7 signed two prepares for view 3, sequence 41";

describe("the evidence that a coordinator keeps", () => {
  const liars = new Liars("a1", "a2", "a7");
  let folder: string;
  let path: string;
  let notices: string[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "evidence-"));
    path = join(folder, "evidence.jsonl");
    notices = [];
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const keeper = (): EvidenceKeeper =>
    new EvidenceKeeper({
      path,
      swarm: () => liars.swarm,
      notice: (level, message) => void notices.push(`${level}: ${message}`),
    });
  const kept = (): string[] => readFileSync(path, "utf8").split("\n").slice(0, -1);

  it("is verified, kept for the owner's eyes, and verifies without the swarm", () => {
    const keeping = keeper();
    assert.equal(keeping.told("a1", liars.digits("a7")), true);
    assert.deepEqual([...keeping.liars], [["a7", ["a1"]]]);
    assert.deepEqual(keeping.statementsOf("a7"), [STATEMENT]);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const [verdict] = verifyProofs(readFileSync(path, "utf8"), () => undefined);
    assert.deepEqual([verdict?.problem, verdict?.key, verdict?.statement], [undefined, "itself", STATEMENT]);
    assert.deepEqual(notices, []);
  });

  it("is kept once, with all who found it", () => {
    const keeping = keeper();
    const { first, second } = liars.evidence("a7");
    const turned = { first: second, second: first };
    assert.deepEqual(
      [
        keeping.told("a2", liars.digits("a7")),
        keeping.told("a2", liars.digits("a7")),
        keeping.told("a1", liars.digits("a7", turned)),
        keeping.told("a1", liars.digits("a7")),
      ],
      [true, false, true, false],
    );
    assert.deepEqual([...keeping.liars], [["a7", ["a1", "a2"]]]);
    assert.equal(kept().length, 1);
  });

  it("brands nobody on a lie: what proves nothing is not believed, and who says it is named once", () => {
    const keeping = keeper();
    const stolen = new Liars("a1", "a2", "a7");
    const once = liars.evidence("a7");
    for (const digits of [
      undefined,
      7,
      "",
      "no digits",
      "0".repeat(100_000),
      stolen.digits("a7"),
      liars.digits("a7", { second: once.first }),
      liars.digits("a7", { ...once, culprit: "a1" }),
      new Liars("a9").digits("a9"),
    ])
      assert.equal(keeping.told("a2", digits), false, String(digits).slice(0, 20));
    assert.deepEqual([keeping.held, [...keeping.liars]], [[], []]);
    assert.deepEqual(notices, ["warning: a2 calls another agent a liar, and is not believed: it shows no evidence."]);
    assert.throws(() => statSync(path), /ENOENT/);
  });

  it("looks no more at what one says who proved nothing so often; others are heard", () => {
    const keeping = keeper();
    for (let at = 0; at < MAX_UNPROVED_CLAIMS; at++) keeping.told("a2", "00");
    assert.equal(keeping.told("a2", liars.digits("a7")), false);
    assert.equal(keeping.told("a1", liars.digits("a7")), true);
  });

  it("survives a restart: what still proves something is believed again, and told apart from what is new", () => {
    keeper().told("a1", liars.digits("a7"));
    const again = keeper();
    assert.deepEqual([...again.liars], [["a7", ["a1"]]]);
    assert.equal(again.held[0]?.statement, STATEMENT);
    assert.equal(again.told("a1", liars.digits("a7")), false);
    assert.equal(again.told("a1", liars.digits("a7", { seq: 42 })), true);
    assert.equal(kept().length, 2);
    assert.deepEqual(notices, []);
  });

  it("believes no line of its file that proves nothing, and says so", () => {
    keeper().told("a1", liars.digits("a7"));
    const forged = new Liars("a1", "a2", "a7");
    appendFileSync(path, `${JSON.stringify(forged.line("a2"))}\n{"type":"evidence"\n`);
    const again = keeper();
    assert.deepEqual([...again.liars.keys()], ["a7"]);
    assert.equal(notices.length, 1);
    assert.match(
      notices[0] as string,
      /^warning: 2 lines of .* prove nothing and are not believed: agent-mesh verify /,
    );
  });

  it("writes behind a line that a crash cut off", () => {
    keeper().told("a1", liars.digits("a7"));
    appendFileSync(path, '{"type":"evid');
    assert.equal(keeper().told("a1", liars.digits("a7", { seq: 42 })), true);
    const last = keeper();
    assert.deepEqual(last.statementsOf("a7"), [STATEMENT, STATEMENT.replace("41", "42")]);
  });

  it("is bounded, for each liar and in what is read", () => {
    const keeping = keeper();
    for (let seq = 1; seq <= MAX_EVIDENCE_EACH + 5; seq++) keeping.told("a1", liars.digits("a7", { seq }));
    assert.equal(keeping.held.length, MAX_EVIDENCE_EACH);
    assert.equal(kept().length, MAX_EVIDENCE_EACH);
    assert.equal(keeping.told("a1", liars.digits("a2")), true, "another liar has its own place");
    writeFileSync(path, "x".repeat(3 * 1024 * 1024));
    assert.deepEqual([...keeper().liars], []);
    assert.match(notices.at(-1) ?? "", /^error: The evidence in .* cannot be read: it has 3145728 bytes/);
  });

  it("is held all the same when the disk does not take it, which is said once", () => {
    path = join(folder, "missing", "evidence.jsonl");
    const keeping = keeper();
    assert.equal(keeping.told("a1", liars.digits("a7")), true);
    assert.equal(keeping.told("a1", liars.digits("a7", { seq: 42 })), true);
    assert.equal(keeping.held.length, 2);
    assert.equal(notices.length, 1);
    assert.match(notices[0] as string, /^error: Evidence is not kept\. /);
  });
});
