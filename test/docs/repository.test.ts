import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, it } from "mocha";
import { helpOf } from "../../server/faces/cli/help.ts";
import { Document, declaration } from "./document.ts";
import { refusedBlocks } from "./mesh-blocks.ts";

const paths = [
  "README.md",
  "CHANGELOG.md",
  ...readdirSync("docs").map((name) => `docs/${name}`),
  ...readdirSync("server").flatMap((area) => {
    const path = `server/${area}/README.md`;
    return existsSync(path) ? [path] : [];
  }),
].filter((path) => path.endsWith(".md"));
const documents = paths.map((path) => ({ path, document: Document.read(path) }));
const of = (path: string): Document => documents.find((one) => one.path === path)?.document as Document;

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly contributes: {
    readonly commands: readonly { readonly category: string; readonly title: string }[];
  };
}
const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Manifest;

/** Commands and options that help tells of. */
function toldByHelp(help: string): { readonly commands: readonly string[]; readonly options: readonly string[] } {
  const commands = [...help.matchAll(/^ {2}agent-mesh ([a-z-]+)/gm)].map(([, name]) => name as string);
  const options = [...help.matchAll(/(?<![\w-])--[a-z][a-z-]*/g)].map(([option]) => option);
  return { commands: [...new Set(commands)], options: [...new Set(options)] };
}

function lackedByCommandLine(document: Document, help: string): string[] {
  const { commands, options } = toldByHelp(help);
  return [
    ...commands.filter((name) => !new RegExp(`\`agent-mesh ${name}[ \`]`).test(document.text)),
    ...document.lacks(options),
  ];
}

/** Options that a document shows and help does not know. */
function unknownOptions(document: Document, help: string): string[] {
  const { options } = toldByHelp(help);
  const shown = document.code
    .flatMap((text) => text.split("\n"))
    .filter((line) => /agent-mesh|cli\.cjs/.test(line))
    .flatMap((line) => line.split(/ -- |#/)[0]?.match(/(?<![\w-])--[a-z][a-z-]*/g) ?? []);
  return [...new Set(shown)].filter((option) => !options.includes(option) && !["--json", "--help"].includes(option));
}

/** `npm run NAME` and `npm run bench -- NAME` for what there is not. */
function unknownScripts(document: Document, scripts: readonly string[], benches: readonly string[]): string[] {
  const run = [...document.text.matchAll(/npm run ([a-z:-]+)/g)].map(([, name]) => name as string);
  const bench = [...document.text.matchAll(/npm run bench -- ([a-z][a-z-]*)/g)].map(([, name]) => name as string);
  return [...run.filter((name) => !scripts.includes(name)), ...bench.filter((name) => !benches.includes(name))];
}

/** Paths of this repository, set as code, that are not there. */
function missingPaths(document: Document): string[] {
  const place = /(?<![\w./-])(?:server|extension|webview|test|bench|examples|docs|media|\.ci)\/[\w./-]*\w\/?/g;
  const shown = document.code.flatMap((text) => text.match(place) ?? []);
  return [...new Set(shown)].filter((path) => !existsSync(path));
}

/** **Agent Mesh: Title** of commands that VS Code is not given. */
function unknownTitles(document: Document, titles: readonly string[]): string[] {
  const shown = [...document.text.matchAll(/\*\*Agent Mesh: ([^*]+)\*\*/g)].map(([, title]) => title as string);
  return shown.filter((title) => !titles.includes(title));
}

/** Packages without a reason, and reasons without a package. */
function unreasoned(document: Document, packages: readonly string[]): string[] {
  const named = document.text
    .split("## Installed on demand")[0]
    ?.split("\n")
    .flatMap((line) => (line.startsWith("| `") ? (line.split("|")[1] ?? "").split(",") : []))
    .map((name) => name.trim().replaceAll("`", "")) as string[];
  const covers = (name: string, one: string) =>
    name === one || (name.endsWith("/*") && one.startsWith(name.slice(0, -1)));
  return [
    ...packages.filter((one) => !named.some((name) => covers(name, one))),
    ...named.filter((name) => !packages.some((one) => covers(name, one))),
  ];
}

/** Areas whose row of the table of imports is not what their TypeScript project references. */
function wrongImports(document: Document, projectOf: (area: string) => string): string[] {
  const areas = [...document.text.matchAll(/^\| `([\w/]+)` \| (nothing|`[^|]*`) \|$/gm)];
  assert.ok(areas.length > 0);
  return areas.flatMap(([, area = "", told = ""]) => {
    const { references } = JSON.parse(projectOf(area)) as { readonly references: readonly { readonly path: string }[] };
    const may = references.map(({ path }) => path.split("/").at(-1)).sort();
    const said = [...told.matchAll(/`(\w+)`/g)].map(([, name]) => name).sort();
    return may.join() === said.join() ? [] : [`${area} may import ${may.join(", ")}`];
  });
}

const benches = [...readFileSync("bench/main.ts", "utf8").matchAll(/^ {2}"?([a-z-]+)"?: async/gm)].map(
  ([, name]) => name as string,
);
const scripts = Object.keys(manifest.scripts);
const titles = manifest.contributes.commands.map(({ title }) => title.replace(/…$/, ""));
const help = helpOf("") + helpOf("fault");

describe("the documents", () => {
  it("tell of every command and option that help tells of", () =>
    assert.deepEqual(lackedByCommandLine(of("docs/command-line.md"), help), []));

  it("are found wanting where a command or an option is not in them", () => {
    const text = "`agent-mesh up FILE` `--for 3s`";
    const short = "  agent-mesh up FILE [--for 3s]\n  agent-mesh down [--now]\n";
    assert.deepEqual(lackedByCommandLine(new Document(text), short), ["down", "--now"]);
  });

  it("name no benchmark, script, editor command or dependency that there is not, and every dependency", () => {
    assert.ok(benches.length >= 7);
    assert.deepEqual(
      documents.flatMap(({ document }) => unknownScripts(document, scripts, benches)),
      [],
    );
    assert.deepEqual(
      documents.flatMap(({ document }) => unknownTitles(document, titles)),
      [],
    );
    const packages = Object.keys({ ...manifest.devDependencies, ...manifest.dependencies });
    assert.deepEqual(unreasoned(of("docs/dependencies.md"), packages), []);
  });

  it("are found wanting where they do", () => {
    const text = "`npm run fly`, `npm run bench -- sail`, **Agent Mesh: Fly Away**";
    assert.deepEqual(unknownScripts(new Document(text), ["bench"], ["raft"]), ["fly", "sail"]);
    assert.deepEqual(unknownTitles(new Document(text), ["Init Swarm"]), ["Fly Away"]);
    assert.deepEqual(unreasoned(new Document("| `a` | x |\n| `@t/*` | y |\n| `old` | z |"), ["a", "@t/n", "new"]), [
      "new",
      "old",
    ]);
  });

  for (const { path, document } of documents) {
    it(`of ${path} shows no option that help does not know`, () =>
      assert.deepEqual(unknownOptions(document, help), []));
    it(`of ${path} shows no mesh file that would be refused`, () => assert.deepEqual(refusedBlocks(document), []));
    it(`of ${path} names only files that are there`, () => assert.deepEqual(missingPaths(document), []));
  }

  it("tell what each area may import", () =>
    assert.deepEqual(
      wrongImports(of("docs/architecture.md"), (area) => readFileSync(`${area}/tsconfig.json`, "utf8")),
      [],
    ));

  it("tell every field of a history's lines", () => {
    const line = declaration(readFileSync("server/contract/history.ts", "utf8"), "export interface HistoryLine");
    const fields = [...line.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name]) => name as string);
    assert.ok(fields.length >= 8);
    assert.deepEqual(of("docs/history.md").lacks(fields), []);
    assert.deepEqual(new Document("`index`").lacks(fields).length, fields.length - 1);
  });

  it("are found wanting where an area may import something else", () => {
    const told = new Document("| `a` | nothing |\n| `b` | `core`, `sim` |");
    const project = JSON.stringify({ references: [{ path: "../core" }, { path: "../sim" }] });
    assert.deepEqual(
      wrongImports(told, () => project),
      ["a may import core, sim"],
    );
  });

  it("are found wanting where an option or a file is not there", () => {
    const text = "`agent-mesh up FILE --forever --json`, `server/nowhere/a.ts`, `server/core`";
    assert.deepEqual(unknownOptions(new Document(text), help), ["--forever"]);
    assert.deepEqual(missingPaths(new Document(text)), ["server/nowhere/a.ts"]);
  });
});
