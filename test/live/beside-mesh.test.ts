import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { filesBeside } from "../../server/live/beside-mesh.ts";
import { parseMesh } from "../../server/meshfile/mesh-file.ts";

describe("the files that a mesh file names", () => {
  let home: string;
  let mesh: string;

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "beside-"));
    mkdirSync(join(home, "swarm", "schemas"), { recursive: true });
    mesh = join(home, "swarm", "x.mesh.yaml");
    writeFileSync(join(home, "swarm", "schemas", "a.json"), '{ "type": "string" }');
    writeFileSync(join(home, "secret.json"), "{}");
  });

  afterEach(() => rmSync(home, { recursive: true }));

  it("are read from its folder", () => {
    assert.equal(filesBeside(mesh)("schemas/a.json", 100), '{ "type": "string" }');
    const text = "agents: 3\nproposals: { schema: schemas/a.json }\n";
    assert.equal(parseMesh(text, mesh, filesBeside(mesh)).mesh?.proposals.schema, '{"type":"string"}');
  });

  it("are refused with the reason: not there, too large, no file, outside", () => {
    const read = filesBeside(mesh);
    assert.throws(() => read("schemas/b.json", 100), /there is no b\.json in .*schemas\.$/);
    assert.throws(() => read("schemas/a.json", 19), /it has 20 bytes, and at most 19 are read/);
    assert.throws(() => read("schemas", 100), /it is not a file/);
    assert.throws(() => read("../secret.json", 100), /it lies outside/);
    // Windows lets a junction be made without privileges, a symbolic link not.
    symlinkSync(home, join(home, "swarm", "way-out"), "junction");
    assert.throws(() => read("way-out/secret.json", 100), /it lies outside/);
  });
});
