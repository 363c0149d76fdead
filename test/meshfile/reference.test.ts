import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "mocha";
import {
  BYZANTINE_BEHAVIOURS,
  FAULT_KINDS,
  FAULT_PRESETS,
  GROUP_TARGETS,
  PARTITION_SHAPES,
} from "../../server/contract/faults.ts";
import { MESSAGE_TYPES } from "../../server/contract/timeline.ts";
import * as keys from "../../server/meshfile/fault-syntax/keys.ts";
import { MESH_KEYS } from "../../server/meshfile/keys.ts";
import { parseMesh } from "../../server/meshfile/mesh-file.ts";

const reference = readFileSync("docs/mesh-file.md", "utf8");

describe("the reference of mesh files", () => {
  const words: Readonly<Record<string, readonly string[]>> = {
    "top keys": MESH_KEYS.map(({ key }) => key),
    "kinds of fault": FAULT_KINDS,
    "groups of agents": GROUP_TARGETS,
    "shapes of partition": PARTITION_SHAPES,
    events: keys.TRIGGER_EVENTS,
    "types of message": MESSAGE_TYPES,
    presets: FAULT_PRESETS,
    lies: BYZANTINE_BEHAVIOURS,
    "troubles of disks": keys.DISK_TROUBLES,
    "shapes of latency": keys.DELAY_SHAPES,
    toxics: keys.TOXIC_KEYS.map(({ key }) => key),
    "keys of faults": [...keys.FAULT_KEYS, ...keys.LINK_KEYS, ...keys.MESSAGE_KEYS, ...keys.DISK_KEYS].map(
      (k) => k.key,
    ),
    "keys of clocks, processors and chaos": [...keys.CLOCK_KEYS, ...keys.CPU_KEYS, ...keys.CHAOS_KEYS].map(
      (k) => k.key,
    ),
  };
  const block = /```yaml\n([\s\S]*?)```/g;
  const blocks = [...reference.matchAll(block)].map(([, text]) => text as string);
  const inline = [...reference.replaceAll(block, "").matchAll(/`([^`\n]+)`/g)].map(([, text]) => text as string);
  const said = new Set([...blocks, ...inline].flatMap((text) => text.split(/[^A-Za-z]+/)));

  for (const [what, all] of Object.entries(words))
    it(`names all ${what}`, () =>
      assert.deepEqual(
        all.filter((word) => !said.has(word)),
        [],
      ));

  it("shows nothing that would be refused", () => {
    assert.ok(blocks.length >= 8);
    for (const text of blocks) {
      const mesh = text.includes("tasks:") ? text : `${text}\ntasks: [{ id: x, run: [x] }]\n`;
      assert.deepEqual(parseMesh(mesh, "x.mesh.yaml").diagnostics, [], text);
    }
  });
});
