// Runs everything that is checked: npm test, or a part of it: npm test -- [--deadline SECONDS] PART...
// A part is a suite (fast, live, …), a check (lint, typecheck, build), or a path or glob of test files.
//
// Works on a machine with only git, Node and npm: installs what is missing first. The last line it prints is
// "N passed, N failed", over all suites; a check (lint, typecheck, build) counts as one.

import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureChromium } from "./chromium.mjs";
import { ensureCodeServer } from "./code-server.mjs";
import { endTogether, ownNode, root, run, toolEnvironment } from "./command.mjs";
import { ensureInstalled } from "./install.mjs";
import { ensurePackage } from "./package.mjs";
import { patienceVariable } from "./patience.mjs";
import { Refusal, runMain, say, seconds } from "./say.mjs";
import { suites } from "./suites.mjs";

const budgetMs = 15 * 60_000;
const checkDeadlineMs = 3 * 60_000;

const checks = [
  { name: "lint", check: () => tool("@biomejs/biome/bin/biome", "check", "--error-on-warnings") },
  { name: "typecheck", check: () => tool("typescript/bin/tsc", "-b") },
  { name: "build", check: packageAll },
];

async function main(args) {
  endTogether();
  const parts = chooseParts(parseArguments(args));
  await ensureInstalled();
  const startedAt = performance.now();
  const outcomes = [];
  for (const group of sideBySide(parts)) outcomes.push(...(await runGroup(group)));
  const elapsedMs = performance.now() - startedAt;
  printTable(outcomes, elapsedMs);
  if (elapsedMs > budgetMs) say(`This took longer than the ${budgetMs / 60_000} minutes it should.`);
  return printClosingLine(outcomes);
}

/** In their order; parts that have a lane, one after the other, are one group. */
function sideBySide(parts) {
  const groups = [];
  for (const part of parts) {
    if (part.lane !== undefined && groups.at(-1)?.[0].lane !== undefined) groups.at(-1).push(part);
    else groups.push([part]);
  }
  return groups;
}

/** Lanes at the same time, the parts of one lane in turn. */
async function runGroup(group) {
  const lanes = [...new Set(group.map(({ lane }) => lane))];
  const outcomes = new Map();
  const runLane = async (lane) => {
    for (const part of group.filter((one) => one.lane === lane)) outcomes.set(part, await runPart(part));
  };
  await Promise.all(lanes.map(runLane));
  return group.map((part) => outcomes.get(part));
}

async function runPart(part) {
  const heading = `\n=== ${part.name} ===\n`;
  // Of lanes that run at the same time each part is told as a whole, when it is over.
  let told = part.lane === undefined ? undefined : heading;
  if (told === undefined) process.stdout.write(heading);
  else say(`${part.name} …`);
  const onOutput = told === undefined ? undefined : (text) => (told += text);
  const outcome = await (part.check === undefined ? runSuite(part, onOutput) : runCheck(part));
  if (told !== undefined) process.stdout.write(told);
  for (const problem of outcome.problems) say(`${part.name}: ${problem}`);
  return { name: part.name, ...outcome };
}

function parseArguments(args) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { deadline: { type: "string" } },
    });
    const deadlineMs = values.deadline === undefined ? undefined : Number(values.deadline) * 1000;
    if (deadlineMs !== undefined && !(deadlineMs > 0))
      throw new Error(`--deadline is a number of seconds, not ${values.deadline}.`);
    return { names: positionals, deadlineMs };
  } catch (error) {
    throw new Refusal(`${error.message}\nUsage: npm test -- [--deadline SECONDS] [PART...]`);
  }
}

/** The checks and suites that the arguments name; all without arguments. What is no name is a path or a glob. */
function chooseParts({ names, deadlineMs }) {
  const all = [...checks, ...suites.map((suite) => ({ ...suite, deadlineMs: deadlineMs ?? suite.deadlineMs }))];
  if (names.length === 0) return all;
  const files = names.filter((name) => !all.some((part) => part.name === name));
  const unknown = files.find((name) => !/[/*.]/.test(name));
  if (unknown !== undefined) {
    throw new Refusal(
      `There is no suite called ${unknown}. There are: ${all.map((part) => part.name).join(", ")}; or give a path or a glob.`,
    );
  }
  const named = all.filter((part) => names.includes(part.name));
  if (files.length === 0) return named;
  const needs = suites
    .filter((suite) => files.some((name) => name.includes(`/${suite.name}/`)))
    .flatMap((suite) => suite.needs ?? []);
  return [...named, { name: "files", files, deadlineMs: deadlineMs ?? budgetMs, needs }];
}

async function runCheck({ check }) {
  const startedAt = performance.now();
  const problems = await check().then(
    (code) => (code === 0 ? [] : [`failed with exit code ${code}.`]),
    (error) => {
      if (error instanceof Refusal) return [error.message];
      throw error;
    },
  );
  const failed = problems.length > 0;
  return {
    passed: failed ? 0 : 1,
    failed: failed ? 1 : 0,
    skipped: 0,
    problems,
    elapsedMs: performance.now() - startedAt,
  };
}

async function tool(script, ...args) {
  const { code, overdue } = await run([ownNode(), join(root, "node_modules", script), ...args], {
    deadlineMs: checkDeadlineMs,
  });
  if (overdue) throw new Refusal(`was ended after ${checkDeadlineMs / 1000} s.`);
  return code;
}

async function packageAll() {
  await ensurePackage();
  return 0;
}

/** Runs a suite's tests, file by file in so many processes at a time. A problem beyond failed tests counts as one more failure. */
async function runSuite({ name, files, deadlineMs, jobs = 1, needs = [], yields }, onOutput) {
  const counts = join(root, "out", "logs", `${name}-counts.json`);
  mkdirSync(join(root, "out", "logs"), { recursive: true });
  rmSync(counts, { force: true });
  const extra = { AGENT_MESH_COUNTS: counts };
  extra[patienceVariable] = yields ? "10" : "3";
  if (needs.includes("browser")) extra.CHROME_PATH = await ensureChromium();
  if (needs.includes("code-server")) await ensureCodeServer();
  const mocha = join(root, "node_modules", "mocha", "bin", "mocha.js");
  const parallel = jobs > 1 ? ["--parallel", "--jobs", String(jobs)] : [];
  const { code, overdue, elapsedMs } = await run(
    [ownNode(), mocha, ...parallel, "--reporter", join(root, ".ci", "reporter.cjs"), ...files],
    { env: toolEnvironment(extra), deadlineMs, onOutput, yields },
  );
  const counted = existsSync(counts) ? JSON.parse(readFileSync(counts, "utf8")) : undefined;
  const problems = [];
  if (overdue) {
    const how = counted === undefined ? "was not done" : "had run its tests but kept something open";
    problems.push(`${how} after ${deadlineMs / 1000} s; its process group was ended.`);
  } else if (counted === undefined) {
    problems.push(`mocha ended with exit code ${code} before it ran the tests.`);
  } else if (counted.passes + counted.failures === 0) {
    problems.push(`ran no test: nothing matches ${files.join(" ")}.`);
  } else if (code !== 0 && counted.failures === 0) {
    problems.push(`no test failed, but mocha ended with exit code ${code}.`);
  }
  return {
    passed: counted?.passes ?? 0,
    failed: (counted?.failures ?? 0) + problems.length,
    skipped: counted?.pending ?? 0,
    problems,
    failures: counted?.failed ?? [],
    elapsedMs,
  };
}

function printTable(outcomes, elapsedMs) {
  const row = (name, passed, failed, skipped, time) =>
    `${name.padEnd(14)}${String(passed).padStart(8)}${String(failed).padStart(8)}${String(skipped).padStart(9)}${time.padStart(10)}\n`;
  process.stdout.write(`\n${row("suite", "passed", "failed", "skipped", "time")}`);
  for (const { name, passed, failed, skipped, elapsedMs: took } of outcomes) {
    process.stdout.write(row(name, passed, failed, skipped, seconds(took)));
  }
  process.stdout.write(`${row("all", "", "", "", seconds(elapsedMs))}\n`);
  // Once more at the end, which is what is looked at, and kept.
  for (const { name, failures = [] } of outcomes)
    for (const failure of failures) process.stdout.write(`failed in ${name}: ${failure}\n`);
  for (const { name, problems } of outcomes) for (const problem of problems) say(`${name}: ${problem}`);
}

/** Prints the closing line and returns the exit code it stands for. */
function printClosingLine(outcomes) {
  const total = (key) => outcomes.reduce((sum, outcome) => sum + outcome[key], 0);
  const [passed, failed, skipped] = ["passed", "failed", "skipped"].map(total);
  process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
  return failed > 0 || passed === 0 ? 1 : 0;
}

await runMain(main);
