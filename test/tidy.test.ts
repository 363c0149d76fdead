// What the repository promises of its own files. Each rule is a function from a file to what is wrong with it, and is
// shown to fail on a broken sample before it is believed about the repository.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, it } from "mocha";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** A file: its path from the repository's root, with forward slashes, and its text. */
interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** What is wrong with a file, each as "PATH:LINE: sentence"; none when nothing is. */
type Rule = (file: SourceFile) => string[];

const longestFile = 500;
/** Characters in the comment that a folder's first file opens with. */
const shortestOpening = 80;
const textFile = /\.(ts|mts|mjs|cjs|json|md|yaml|yml|css|html|svg|txt)$|(^|\/)\.ci\/run$/;
/** Build output, what is installed, and what a swarm or an editor leaves behind. */
const notOurs = new Set(["node_modules", "dist", "out", ".git", ".cache", ".agent-mesh", ".vscode-test"]);

describe("the repository's files", () => {
  const files = readRepository();

  /** Adds a test that a rule finds what is wrong in `broken`, nothing in `fine`, and nothing in the repository. */
  const promise = (title: string, rule: Rule, broken: SourceFile[], fine: SourceFile[]) => {
    it(title, () => {
      for (const sample of broken) assert.notDeepEqual(rule(sample), [], `accepted: ${sample.text}`);
      for (const sample of fine) assert.deepEqual(rule(sample), []);
      assert.deepEqual(files.flatMap(rule), []);
    });
  };

  it("are found", () => {
    for (const path of ["package.json", ".ci/run", "test/tidy.test.ts"]) {
      assert.ok(
        files.some((file) => file.path === path),
        path,
      );
    }
    assert.ok(!files.some((file) => file.path.includes("node_modules/")));
  });

  promise(
    `are at most ${longestFile} lines long`,
    shortEnough,
    [ts("// line\n".repeat(longestFile + 1))],
    [ts("// line\n".repeat(longestFile)), { path: "package-lock.json", text: "\n".repeat(10_000) }],
  );

  promise(
    "have no any for a type",
    noAny,
    [ts("let a: any;"), ts("f(a as any)"), ts("type A = Map<string, any>;"), ts("const a = (b: any[]) => b;")],
    [
      ts('// any\nconst a = "any"; Promise.any([]); const b = { any: 1 }; this.#any = true;'),
      ts(`const c = \`any \${a} any\`;`),
      ts("/[/'\"]any/.test(a)"),
    ],
  );

  promise(
    "have nothing left to do in them",
    noLeftovers,
    [ts("// TO" + "DO later"), { path: "docs/a.md", text: "FIX" + "ME" }],
    [ts("// Todo lists are one use of tasks.")],
  );

  promise(
    "live with what they are about, not in a drawer",
    noDrawers,
    [
      { path: "server/utils/a.ts", text: "" },
      { path: "server/live/helpers.ts", text: "" },
      { path: "common/a.ts", text: "" },
    ],
    [{ path: "server/live/common-mode.ts", text: "" }],
  );

  promise(
    "export by name",
    noDefaultExport,
    [ts("export default class A {}"), ts("const a = 1;\nexport { a as default };")],
    [ts('// export default\nexport const a = "export default";')],
  );

  promise(
    "run every test",
    noSkippedTests,
    [test("it.only('a', b)"), test("describe.skip('a', b)"), test("xit('a', b)"), test("this.skip();")],
    [test("it('has it.only in its title', b)"), ts("stream.skip(3)")],
  );

  promise(
    "name no machine's paths and no registry's host",
    noMachines,
    [
      ts('"/home/someone/a"'),
      { path: "package-lock.json", text: '{ "resolved": "https://example.org/a" }' },
      ts('open("/root/a")'),
      ts('"C:\\\\Users\\\\a"'),
      { path: ".npmrc.md", text: "https://registry.example.org/a" },
    ],
    [
      ts('"server/root/a"'),
      ts('join(home, "a")'),
      { path: "package-lock.json", text: '{ "funding": { "url": "https://example.org/a" } }' },
    ],
  );

  promise(
    "import in core/ only from core/",
    coreStandsAlone,
    [
      core('import { a } from "node:fs";'),
      core('import type { A } from "../../contract/mesh.ts";'),
      core('await import("ws")'),
    ],
    [core('import { a } from "../random.ts";'), ts('import { a } from "node:fs";')],
  );

  promise(
    "read no clock and no randomness in core/ and agent/",
    noAmbientInputs,
    [
      core("const now = Date.now();"),
      core("Math.random()"),
      core("setTimeout(a, 1)"),
      core("new Date()"),
      core("performance.now()"),
    ],
    [core("// Date.now() would not do\nconst time = now;"), ts("Date.now()")],
  );

  promise(
    "link, in Markdown, to what exists",
    linksResolve,
    [
      md("[a](missing.md)"),
      md("[a](../README.md#no-such-heading)"),
      md("![a](../media/missing.png)"),
      md("[a](#nowhere)"),
    ],
    [
      md("# Some `code` here\n[a](../package.json) [b](https://example.org/x) [c](#some-code-here)"),
      md("`[a](missing.md)`"),
    ],
  );

  it("open each folder of core/ with a file that a reader can start from", () => {
    const folderWith = (text: string) => [{ path: "server/core/raft/log.ts", text }];
    const opening = `// ${"What the log promises. ".repeat(4)}\n`;
    assert.deepEqual(unopenedFolders(folderWith("export const a = 1;")), ["server/core/raft"]);
    assert.deepEqual(unopenedFolders(folderWith("// The log.\nexport const a = 1;")), ["server/core/raft"]);
    assert.deepEqual(unopenedFolders(folderWith(`${opening}export const a = 1;`)), []);
    assert.deepEqual(unopenedFolders(folderWith(`import { b } from "./b.ts";\n\n${opening}export const a = 1;`)), []);
    assert.deepEqual(unopenedFolders(files), []);
  });
});

function shortEnough({ path, text }: SourceFile): string[] {
  if (!/\.(ts|mts|mjs|cjs)$/.test(path)) return [];
  const lines = text.replace(/\n$/, "").split("\n").length;
  return lines > longestFile ? [`${path}:${longestFile}: ${lines} lines; split it by ideas.`] : [];
}

function noAny(file: SourceFile): string[] {
  if (!isTypeScript(file)) return [];
  return findAll(
    { ...file, text: codeOf(file.text) },
    /(?<![.#\w$])any\b(?!\s*(\?\s*:|:|\())/g,
    "say the type, or unknown.",
  );
}

function noLeftovers(file: SourceFile): string[] {
  return findAll(file, /\b(?:TO[D]O|FIX[M]E|XX[X])\b/g, "do it, or file it as an issue.");
}

function noDrawers({ path }: SourceFile): string[] {
  const drawer = path.split("/").find((part) => /^(utils?|helpers?|common|misc)(\.\w+)*$/i.test(part));
  return drawer === undefined ? [] : [`${path}:1: "${drawer}" says nothing; name it after what it is about.`];
}

function noDefaultExport(file: SourceFile): string[] {
  if (!isTypeScript(file)) return [];
  return findAll({ ...file, text: codeOf(file.text) }, /\bexport\s+default\b|\bas\s+default\b/g, "export it by name.");
}

function noSkippedTests(file: SourceFile): string[] {
  if (!file.path.startsWith("test/")) return [];
  const skipped = /\b(?:describe|it|context|specify)\.(?:only|skip)\b|\bx(?:it|describe)\(|\bthis\.skip\(/g;
  return findAll({ ...file, text: codeOf(file.text) }, skipped, "run every test, or delete it.");
}

function noMachines(file: SourceFile): string[] {
  if (file.path === "test/tidy.test.ts") return [];
  if (file.path === "package-lock.json") return findAll(file, /"resolved":/g, "every registry has these packages.");
  const places =
    /(?<![\w.\])}/-])\/(?:work|root|home\/\w+|Users\/\w+)\b(?!\.)|\b[A-Z]:\\+Users\b|\b(?:registry|deb)\.[a-z.]+\.(?:org|com)\b/g;
  return findAll(file, places, "is true of one machine only.");
}

function coreStandsAlone(file: SourceFile): string[] {
  if (!file.path.startsWith("server/core/")) return [];
  const imports = /(?:\bfrom\s*|\bimport\s*\(?\s*)["']([^"']+)["']/g;
  return [...file.text.matchAll(imports)].flatMap((found) => {
    const target = found[1] ?? "";
    const resolved = posix.join(posix.dirname(file.path), target);
    if (target.startsWith(".") && resolved.startsWith("server/core/")) return [];
    return [problem(file, found.index, `imports "${target}", which is outside core/.`)];
  });
}

function noAmbientInputs(file: SourceFile): string[] {
  if (!/^server\/(core|agent)\//.test(file.path)) return [];
  const ambient =
    /\bDate\.now\b|\bnew Date\(\s*\)|\bMath\.random\b|\bperformance\.|\bset(?:Timeout|Interval|Immediate)\b|(?<!\.)\bcrypto\.(?:subtle|getRandomValues|randomUUID)\b|\bprocess\./g;
  return findAll({ ...file, text: codeOf(file.text) }, ambient, "time and randomness are inputs here.");
}

function linksResolve(file: SourceFile): string[] {
  if (!/^(docs\/.*|examples\/.*|README|CHANGELOG)(\.md)?$/.test(file.path) || !file.path.endsWith(".md")) return [];
  const prose = file.text.replace(/```[\s\S]*?```|`[^`\n]*`/g, (code) => code.replace(/[^\n]/g, " "));
  return [...prose.matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)].flatMap((found) => {
    const [target = "", anchor] = (found[1] ?? "").split("#");
    if (/^[a-z]+:/.test(target)) return [];
    const path = target === "" ? file.path : posix.join(posix.dirname(file.path), decodeURI(target));
    if (target !== "" && !existsSync(join(root, path))) return [problem(file, found.index, `${path} does not exist.`)];
    const text = target === "" ? file.text : readFileIfMarkdown(path);
    if (anchor === undefined || text === undefined || headingsOf(text).includes(anchor)) return [];
    return [problem(file, found.index, `${path} has no heading for #${anchor}.`)];
  });
}

/** The folders under server/core/ in which no file begins, but for its imports, with a comment of a line or more. */
function unopenedFolders(files: readonly SourceFile[]): string[] {
  const sources = files.filter((file) => file.path.startsWith("server/core/") && isTypeScript(file));
  const folders = new Set(sources.map((file) => posix.dirname(file.path)));
  const opens = ({ text }: SourceFile) => {
    const start = text.replace(/^(?:\s*import\b[^;]*;)+/, "").trimStart();
    const comment = /^(?:\/\/[^\n]*\n?)+|^\/\*\*[\s\S]*?\*\//.exec(start)?.[0] ?? "";
    return comment.length >= shortestOpening;
  };
  return [...folders].filter((folder) => !sources.some((file) => posix.dirname(file.path) === folder && opens(file)));
}

/** The anchors that a Markdown text's headings get. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+\s+(.+?)\s*$/gm)].map((found) =>
    (found[1] ?? "")
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-"),
  );
}

function readFileIfMarkdown(path: string): string | undefined {
  return path.endsWith(".md") ? readFileSync(join(root, path), "utf8") : undefined;
}

/** A source text with its comments, strings and regular expressions blanked; what is inside ${} stays. */
function codeOf(text: string): string {
  const tokens =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|(?<=(?:^|[=(,:;!&|?{}[\n+]|\breturn|=>)\s*)\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g;
  const blank = (part: string) => part.replace(/[^\n]/g, " ");
  return text.replace(tokens, (token) => {
    if (!token.startsWith("`")) return blank(token);
    return token.replace(/\$\{[^}]*\}|[^$]+|\$/g, (part) => (part.startsWith("${") ? part : blank(part)));
  });
}

function findAll(file: SourceFile, pattern: RegExp, advice: string): string[] {
  return [...file.text.matchAll(pattern)].map((found) => problem(file, found.index, `"${found[0]}": ${advice}`));
}

function problem(file: SourceFile, index: number, sentence: string): string {
  return `${file.path}:${file.text.slice(0, index).split("\n").length}: ${sentence}`;
}

function isTypeScript({ path }: SourceFile): boolean {
  return /\.(ts|mts)$/.test(path);
}

function readRepository(): SourceFile[] {
  const paths = readdirSync(root, { withFileTypes: true })
    .filter((entry) => !notOurs.has(entry.name))
    .flatMap((entry) => (entry.isDirectory() ? pathsIn(entry.name) : [entry.name]));
  return paths
    .filter((path) => textFile.test(path))
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

function pathsIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => !notOurs.has(entry.name))
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      return entry.isDirectory() ? pathsIn(path) : [path];
    });
}

function ts(text: string): SourceFile {
  return { path: "server/live/sample.ts", text };
}

function test(text: string): SourceFile {
  return { path: "test/live/sample.test.ts", text };
}

function core(text: string): SourceFile {
  return { path: "server/core/raft/sample.ts", text };
}

function md(text: string): SourceFile {
  return { path: "docs/sample.md", text };
}
