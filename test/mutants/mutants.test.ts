import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, it } from "mocha";
import { hunt } from "./hunt.ts";
import { coreOf, type Mutant, patched, variantOf } from "./mutant.ts";
import { MUTANTS } from "./mutants.ts";

const root = new URL("../../", import.meta.url);

describe("the mutants", () => {
  it("are at least 25 of Raft, 15 of PBFT and 15 of gossip, each with a name of its own", () => {
    const of = (core: string): number => MUTANTS.filter((mutant) => coreOf(mutant) === core).length;
    assert.ok(
      of("raft") >= 25 && of("pbft") >= 15 && of("gossip") >= 15,
      `${of("raft")}, ${of("pbft")} and ${of("gossip")}`,
    );
    assert.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length);
  });

  for (const { name, patches, variant = [] } of MUTANTS)
    it(`still fits the source: ${name}`, async () => {
      for (const patch of [...variant, ...patches]) {
        const source = await readFile(fileURLToPath(new URL(patch.file, root)), "utf8");
        assert.notEqual(patched(source, patch), source);
      }
    });

  it("refuses a patch whose text is gone, or is there twice", () => {
    const patch = { file: "x.ts", find: "a", replace: "b" };
    assert.equal(patched("cat", patch), "cbt");
    assert.throws(() => patched("dog", patch), /x\.ts: the text to patch occurs nowhere: a/);
    assert.throws(() => patched("banana", patch), /more than once/);
  });
});

describe("a hunt", function () {
  this.timeout(60_000);

  it("finds nothing where nothing is broken", async () => {
    const found = await hunt({ name: "none", bug: "", patches: [] }, 3);
    assert.equal(found.caughtBy, null);
    assert.equal(found.seeds, 3);
  });

  it("finds nothing among PBFT's liars where nothing is broken", async () => {
    const found = await hunt({ name: "none", bug: "", core: "pbft", patches: [] }, 20);
    assert.equal(found.caughtBy, null, found.detail);
    assert.equal(found.seeds, 20);
  });

  it("finds nothing in gossip where nothing is broken", async () => {
    const found = await hunt({ name: "none", bug: "", core: "gossip", patches: [] }, 20);
    assert.equal(found.caughtBy, null, found.detail);
    assert.equal(found.seeds, 20);
  });

  it("catches a mutant of gossip, and names the seed", async () => {
    const found = await hunt(MUTANTS.find(({ name }) => name === "sent counts as had") as Mutant, 200);
    assert.equal(found.caughtBy, "the core's own invariants", found.detail);
    assert.equal(found.seeds, found.seed);
  });

  it("catches a mutant of PBFT, and names the seed", async () => {
    const found = await hunt(MUTANTS.find(({ name }) => name === "request of anybody") as Mutant, 200);
    assert.equal(found.caughtBy, "validity", found.detail);
    assert.equal(found.seeds, found.seed);
  });

  it("catches a mutant, and names the seed", async () => {
    const mutant = MUTANTS.find(({ name }) => name === "majority of half") as Mutant;
    const found = await hunt(mutant, 200);
    assert.notEqual(found.caughtBy, null);
    assert.equal(found.seeds, found.seed);
  });

  it("finds nothing in what a bug is put into, while the bug is not in it", async () => {
    for (const mutant of MUTANTS) {
      const innocent = variantOf(mutant);
      if (innocent === undefined) continue;
      assert.deepEqual(innocent.patches, []);
      assert.equal((await hunt(innocent, 20)).caughtBy, null, mutant.name);
    }
  });

  it("catches what a bug is put into, where that is a bug itself", async () => {
    const { patches } = MUTANTS.find(({ name }) => name === "majority of half") as Mutant;
    const innocent = variantOf({ name: "framed", bug: "", patches: [], variant: patches }) as Mutant;
    assert.notEqual((await hunt(innocent, 200)).caughtBy, null);
  });

  it("refuses a mutant whose file is never loaded", async () => {
    const patches = [{ file: "server/core/nothing.ts", find: "a", replace: "b" }];
    await assert.rejects(hunt({ name: "lost", bug: "", patches }, 1), /lost: not loaded, so not patched/);
  });
});
