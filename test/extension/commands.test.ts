import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "mocha";

interface Manifest {
  readonly contributes: {
    readonly commands: readonly { readonly command: string }[];
    readonly menus: Readonly<Record<string, readonly { readonly command: string }[]>>;
  };
}

const { contributes } = JSON.parse(readFileSync("package.json", "utf8")) as Manifest;

/** Commands that one side has and the other has not. */
function unmatched(offered: readonly string[], source: string): string[] {
  const registered = [...source.matchAll(/^ +"(agentMesh\.\w+)": /gm)].map(([, id]) => id as string);
  return [
    ...offered.filter((id) => !registered.includes(id)).map((id) => `${id} does nothing`),
    ...registered.filter((id) => !offered.includes(id)).map((id) => `${id} is offered nowhere`),
  ];
}

describe("the extension's commands", () => {
  const offered = contributes.commands.map(({ command }) => command);
  const source = readFileSync("extension/commands/register.ts", "utf8");

  it("that package.json offers are those that it registers", () => {
    assert.ok(offered.length > 30);
    assert.deepEqual(unmatched(offered, source), []);
  });

  it("are found wanting where one is offered or registered alone", () => {
    assert.deepEqual(
      unmatched(["agentMesh.a", "agentMesh.b"], '    "agentMesh.b": () => b(),\n    "agentMesh.c": c,\n'),
      ["agentMesh.a does nothing", "agentMesh.c is offered nowhere"],
    );
  });

  it("that menus show are offered", () => {
    const shown = Object.values(contributes.menus).flatMap((entries) => entries.map(({ command }) => command));
    assert.deepEqual(
      shown.filter((command) => !offered.includes(command)),
      [],
    );
  });
});
