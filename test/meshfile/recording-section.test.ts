import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { parseMesh } from "../../server/meshfile/mesh-file.ts";
import { RECORDED_BY_DEFAULT } from "../../server/meshfile/recording-section.ts";

describe("recording: in a mesh file", () => {
  const MIB = 1024 * 1024;

  function recording(text: string): unknown {
    const { mesh, diagnostics } = parseMesh(`agents: 3\n${text}`, "x.mesh.yaml");
    return mesh === undefined ? diagnostics.map(({ line, code }) => `${line} ${code}`) : mesh.recording;
  }

  it("is on when nothing or true is said, and off at false", () => {
    assert.deepEqual(recording(""), RECORDED_BY_DEFAULT);
    assert.deepEqual(recording("recording: true\n"), RECORDED_BY_DEFAULT);
    assert.equal(recording("recording: false\n"), null);
  });

  it("takes its bounds, with defaults for what is left out", () => {
    assert.deepEqual(recording("recording: { size: 1.5GB, age: 30s, keep: true }\n"), {
      sizeBytes: 1536 * MIB,
      ageMs: 30_000,
      keep: true,
    });
    assert.deepEqual(recording("recording: { size: 2048KB }\n"), { ...RECORDED_BY_DEFAULT, sizeBytes: 2 * MIB });
    assert.deepEqual(recording("recording: {}\n"), RECORDED_BY_DEFAULT);
  });

  for (const [what, text, expected] of [
    ["neither yes nor no", "recording: maybe\n", ["2 wrongType"]],
    ["a size without unit", "recording: { size: 64 }\n", ["2 wrongType"]],
    ["a size that holds nothing", "recording: { size: 2KB }\n", ["2 outOfRange"]],
    ["an age that is none", "recording: { age: old }\n", ["2 wrongType"]],
    ["an unknown key", "recording: { sizes: 1GB }\n", ["2 unknownKey"]],
  ] as const)
    it(`says where: ${what}`, () => assert.deepEqual(recording(text), expected));
});
