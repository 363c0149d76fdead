import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { BOUND_NAMES, INVARIANTS } from "../../server/contract/expect.ts";
import {
  BYZANTINE_BEHAVIOURS,
  FAULT_KINDS,
  FAULT_PRESETS,
  GROUP_TARGETS,
  PARTITION_SHAPES,
} from "../../server/contract/faults.ts";
import { READ_MODES, TIMING_PROFILES, type Timing } from "../../server/contract/mesh.ts";
import { MESSAGE_TYPES } from "../../server/contract/timeline.ts";
import { impossibleFault } from "../../server/coordinator/fault-rules.ts";
import * as faultKeys from "../../server/meshfile/fault-syntax/keys.ts";
import * as keys from "../../server/meshfile/keys.ts";
import { TIMING } from "../../server/meshfile/timing.ts";
import { Document } from "./document.ts";
import { refusedBlocks } from "./mesh-blocks.ts";

const reference = Document.read("docs/mesh-file.md");

/** Every table of keys or of words that the parser has, by the name it is exported under. */
function tables(modules: readonly Readonly<Record<string, unknown>>[]): [name: string, words: string[]][] {
  return modules.flatMap((module) =>
    Object.entries(module).map(([name, table]): [string, string[]] => {
      assert.ok(Array.isArray(table), `${name} is a table`);
      return [name, table.map((one: string | keys.KeyMeaning) => (typeof one === "string" ? one : one.key))];
    }),
  );
}

const words: readonly (readonly [string, readonly string[]])[] = [
  ...tables([keys, faultKeys]),
  ["kinds of fault", FAULT_KINDS],
  ["groups of agents", GROUP_TARGETS],
  ["shapes of partition", PARTITION_SHAPES],
  ["types of message", MESSAGE_TYPES],
  ["presets", FAULT_PRESETS],
  ["lies", BYZANTINE_BEHAVIOURS],
  ["invariants", INVARIANTS],
  ["bounds", BOUND_NAMES],
  ["ways to read", READ_MODES],
  ["timing profiles", TIMING_PROFILES],
];

/** Times of a profile that the table of profiles does not have where they belong. */
function wrongTimes(document: Document, timing: Timing): string[] {
  const column = document.row("`lan`")?.indexOf(`\`${timing.profile}\``) ?? -1;
  assert.ok(column > 0, `a column for ${timing.profile}`);
  return Object.entries(timing).flatMap(([name, ms]) => {
    if (name === "profile") return [];
    const key = name.replace(/Ms$/, "");
    const text = key === name ? String(ms) : ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
    return document.row(`\`${key}\``)?.[column] === text ? [] : [`${key} of ${timing.profile} is ${text}`];
  });
}

describe("the reference of mesh files", () => {
  for (const [what, all] of words) it(`names all ${what}`, () => assert.deepEqual(reference.lacks(all), []));

  it("is found wanting where a key is not in it", () => {
    const without = new Document(reference.text.replaceAll("leaderWithin", "leader within"));
    assert.deepEqual(without.lacks(keys.EXPECT_KEYS.map(({ key }) => key)), ["leaderWithin"]);
    assert.deepEqual(new Document("swizzleClog, not as code").lacks(["swizzleClog"]), ["swizzleClog"]);
  });

  it("shows nothing that would be refused", () => {
    assert.ok(reference.blocks("yaml").length >= 8);
    assert.deepEqual(refusedBlocks(reference), []);
  });

  it("is found wanting where it shows what would be refused", () => {
    assert.equal(refusedBlocks(new Document("```yaml\nfaults: [{ at: 1s, crush: a1 }]\n```\n")).length, 1);
  });

  it("has the times of all profiles", () =>
    assert.deepEqual(
      TIMING_PROFILES.flatMap((profile) => wrongTimes(reference, TIMING[profile])),
      [],
    ));

  it("is found wanting where a time is another", () =>
    assert.deepEqual(wrongTimes(reference, { ...TIMING.lan, heartbeatMs: 90 }), ["heartbeat of lan is 90ms"]));

  it("says of each trouble of disks whether a running swarm refuses it", () => {
    for (const trouble of faultKeys.DISK_TROUBLES) {
      const disk = trouble === "slow" ? { trouble, delayMs: 10 } : { trouble };
      const refused = impossibleFault({ kind: "disk", agent: "a1", disk }) !== undefined;
      const live = reference.row(`\`disk\`: \`${trouble}\``)?.[2];
      assert.ok(live !== undefined, `a row for ${trouble}`);
      assert.equal(live.startsWith("refused"), refused, trouble);
    }
  });

  it("says of each kind and each toxic what it is in both worlds", () => {
    const toxics = faultKeys.TOXIC_KEYS.map(({ key }) => key);
    const told = reference.text.split("### In both worlds")[1]?.split("\n## ")[0] ?? "";
    assert.deepEqual(new Document(told).lacks([...FAULT_KINDS, ...toxics]), []);
  });
});
