import { spawn } from "node:child_process";
import { join } from "node:path";
import { alone, type BenchOptions, type BenchReport, type Figure, machine } from "./report.ts";
import type { Kind, Measured } from "./scale/measured.ts";

export const PARTS = ["agents", "members"] as const satisfies readonly Kind[];

const SIZES = [10, 100, 1_000, 10_000];
const QUICK_SIZES = [10, 100];
const WHAT: Readonly<Record<Kind, string>> = { agents: "whole agents", members: "SWIM cores alone" };
/** Of V8's heap. Of whole agents typed arrays are counted against it, too (room.ts). */
const HEAP_MIB = 8192;
const DEADLINE_MS = 30 * 60_000;

/** What grows with the number of agents, and is to grow no faster than its logarithm. */
const COSTS = [
  ["broadcast to all", "virtual ms", ({ broadcastMs }) => broadcastMs],
  ["broadcast to all but one in a hundred", "virtual ms", ({ mostMs }) => mostMs],
  ["messages of each, idle", "/s", ({ messages }) => messages],
  ["bytes of each, idle", "/s", ({ bytes }) => bytes],
  ["memory of each", "KiB", ({ memoryKiB }) => memoryKiB],
  ["processor of each, a virtual second", "ms", ({ cpuMs }) => cpuMs],
] as const satisfies readonly (readonly [string, string, (measured: Measured) => number])[];

/**
 * What agents cost as there are more of them: whole agents in the simulated world; and, because fewer of those fit, the SWIM cores alone, which is said with each figure. Each size in a
 * process of its own with a limit of memory and a deadline; one that keeps neither says so.
 */
export async function run({ say, quick, parts }: BenchOptions): Promise<BenchReport> {
  const figures: Figure[] = [];
  for (const kind of PARTS) {
    if (!parts.has(kind)) continue;
    let least: { readonly size: number; readonly measured: Measured } | undefined;
    for (const size of quick ? QUICK_SIZES : SIZES) {
      const name = `${size.toLocaleString("en")} ${WHAT[kind]}`;
      say(`scale: ${name}`);
      const outcome = await trial(kind, size, quick);
      if (typeof outcome === "string") {
        say(`scale: ${name}: ${outcome}`);
        figures.push({ ...alone(`${name}: measured`, "", 0), goal: `within the limits; ${outcome}`, met: false });
        continue;
      }
      least ??= { size, measured: outcome };
      figures.push(...costFigures(name, size, outcome, least));
      figures.push(alone(`${name}: virtual to processor time`, "x", outcome.speed));
    }
  }
  return { bench: "scale", machine: machine(), figures };
}

/** Beside what the smallest size's cost would be, grown as the logarithm. */
export function costFigures(
  name: string,
  size: number,
  measured: Measured,
  least: { readonly size: number; readonly measured: Measured },
): Figure[] {
  const growth = Math.log(size) / Math.log(least.size);
  return COSTS.map(([what, unit, of]) => {
    const value = of(measured);
    if (size === least.size) return alone(`${name}: ${what}`, unit, value);
    const peerValue = of(least.measured) * growth;
    const goal = `at most as log n, from ${least.size}`;
    const ratio = value / peerValue;
    return { name: `${name}: ${what}`, unit, value, peer: "log n", peerValue, ratio, goal, met: ratio <= 1 };
  });
}

/** @returns why there is no measurement, without a full stop */
function trial(kind: Kind, size: number, quick: boolean): Promise<Measured | string> {
  const script = join(import.meta.dirname, "scale", "trial.ts");
  const words = ["--expose-gc", `--max-old-space-size=${HEAP_MIB}`, script, kind, String(size)];
  const child = spawn(process.execPath, quick ? [...words, "quick"] : words, { stdio: ["ignore", "pipe", "pipe"] });
  const told = { out: "", error: "" };
  child.stdout.on("data", (part: Buffer) => {
    told.out += part.toString();
  });
  child.stderr.on("data", (part: Buffer) => {
    told.error += part.toString();
  });
  return new Promise((done) => {
    let late = false;
    const deadline = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, DEADLINE_MS);
    child.on("close", (code) => {
      clearTimeout(deadline);
      if (code === 0) done(JSON.parse(told.out) as Measured);
      else if (late) done(`stopped after ${DEADLINE_MS / 60_000} min`);
      else if (/heap out of memory|Reached heap limit/.test(told.error))
        done(`more than ${HEAP_MIB / 1024} GiB of heap`);
      else done(/^\w*Error: (.*)$/m.exec(told.error)?.[1] ?? `ended with code ${code}`);
    });
  });
}
