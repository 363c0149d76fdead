import { parseArgs } from "node:util";
import type { SeedRange } from "../../contract/simulation.ts";
import { parseDurationMs } from "../../meshfile/duration.ts";

/** What was typed makes no sense: said in one sentence, exit code 2, nothing done. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface Arguments {
  readonly command: string;
  readonly words: readonly string[];
  /** Behind `--`, untouched. */
  readonly rest: readonly string[];
  readonly flags: Flags;
}

export interface Flags {
  readonly json: boolean;
  readonly help: boolean;
  readonly version: boolean;
  readonly detached: boolean;
  readonly wait: boolean;
  readonly chaos: boolean;
  readonly learner: boolean;
  readonly each: boolean;
  readonly apply: boolean;
  readonly "no-shrink": boolean;
  readonly local: boolean;
  readonly simulated: boolean;
  readonly judged: boolean;
  readonly dir?: string;
  readonly swarm?: string;
  readonly for?: string;
  readonly seeds?: string;
  readonly jobs?: string;
  readonly agent?: string;
  readonly cwd?: string;
  readonly timeout?: string;
  readonly attempts?: string;
  readonly id?: string;
  readonly delay?: string;
  readonly jitter?: string;
  readonly loss?: string;
  readonly last?: string;
  readonly ttl?: string;
  readonly expect?: string;
  readonly limit?: string;
  readonly history?: string;
  readonly simulate?: string;
  readonly seed?: string;
  readonly speed?: string;
  readonly out?: string;
  readonly record?: string;
  readonly at?: string;
  readonly format?: string;
  readonly key?: string;
  readonly voters?: string;
  readonly threshold?: string;
  readonly certificate?: string;
  readonly secret?: string;
  readonly links?: string;
  readonly listen?: string;
}

type FlagName = Exclude<keyof Flags, "json" | "help" | "version">;
const SWARM = ["dir", "swarm"] as const;

/** The options of each command, besides --json, --help and --version, which all have. */
const FLAGS_OF: Readonly<Record<string, readonly FlagName[]>> = {
  up: ["for", "detached", "history", "simulated", "seed", "speed", "judged", "chaos"],
  check: [],
  "check-history": [],
  history: [...SWARM, "simulate", "seed", "out"],
  simulate: ["seeds", "jobs", "chaos", "each", "no-shrink", "record"],
  replay: ["agent", "at"],
  export: ["format", "out"],
  verify: ["swarm", "key"],
  evidence: SWARM,
  status: SWARM,
  submit: [...SWARM, "agent", "cwd", "timeout", "attempts", "id", "wait"],
  tasks: SWARM,
  propose: [...SWARM, "voters", "threshold", "timeout", "id", "wait", "certificate"],
  proposals: SWARM,
  certificate: [...SWARM, "out"],
  fault: [...SWARM, "for", "delay", "jitter", "loss"],
  heal: SWARM,
  members: [...SWARM, "learner"],
  secret: SWARM,
  join: ["secret", "id", "learner", "dir", "listen"],
  optimise: [...SWARM, "apply", "links"],
  metrics: [...SWARM, "last"],
  aggregate: SWARM,
  memory: [...SWARM, "ttl", "expect", "limit", "agent", "local"],
  pace: SWARM,
  stop: SWARM,
};
const WORDLESS = ["status", "secret", "submit", "tasks", "metrics", "evidence", "stop"];

const BOOLEAN = { type: "boolean", default: false } as const;
const TEXT = { type: "string" } as const;

/** @throws UsageError for unknown options and missing values. */
export function readArguments(argv: readonly string[]): Arguments {
  const cut = argv.indexOf("--");
  const own = cut < 0 ? argv : argv.slice(0, cut);
  try {
    const { values, positionals } = parseArgs({
      args: [...own],
      allowPositionals: true,
      strict: true,
      options: {
        json: BOOLEAN,
        help: { ...BOOLEAN, short: "h" },
        version: { ...BOOLEAN, short: "v" },
        detached: BOOLEAN,
        wait: BOOLEAN,
        chaos: BOOLEAN,
        learner: BOOLEAN,
        each: BOOLEAN,
        apply: BOOLEAN,
        "no-shrink": BOOLEAN,
        local: BOOLEAN,
        simulated: BOOLEAN,
        judged: BOOLEAN,
        dir: TEXT,
        swarm: TEXT,
        for: TEXT,
        seeds: TEXT,
        jobs: TEXT,
        agent: TEXT,
        cwd: TEXT,
        timeout: TEXT,
        attempts: TEXT,
        id: TEXT,
        delay: TEXT,
        jitter: TEXT,
        loss: TEXT,
        last: TEXT,
        ttl: TEXT,
        expect: TEXT,
        limit: TEXT,
        history: TEXT,
        simulate: TEXT,
        seed: TEXT,
        speed: TEXT,
        out: TEXT,
        record: TEXT,
        at: TEXT,
        format: TEXT,
        key: TEXT,
        voters: TEXT,
        threshold: TEXT,
        certificate: TEXT,
        secret: TEXT,
        listen: TEXT,
        links: TEXT,
      },
    });
    const [command = "", ...words] = positionals;
    return { command, words, rest: cut < 0 ? [] : argv.slice(cut + 1), flags: values as Flags };
  } catch (error) {
    // Node's own sentences, one a line.
    throw new UsageError((error instanceof Error ? error.message : String(error)).replaceAll("\n", " "));
  }
}

/** What is typed and means nothing to the command is refused, not passed over. @throws UsageError */
export function refuseIdle({ command, words, rest, flags }: Arguments): void {
  const own = FLAGS_OF[command];
  if (own === undefined) return;
  const given = (Object.keys(flags) as (keyof Flags)[]).filter((name) => flags[name] !== false);
  const idle = given.find((name) => name !== "json" && name !== "help" && name !== "version" && !own.includes(name));
  if (idle !== undefined)
    throw new UsageError(
      `${command} takes no --${idle}${own.length === 0 ? "" : `; it takes ${own.map((name) => `--${name}`).join(", ")}`}.`,
    );
  if (WORDLESS.includes(command) && words[0] !== undefined)
    throw new UsageError(
      command === "submit"
        ? `submit takes the program behind --: agent-mesh submit -- ${words.join(" ")}`
        : `${command} takes no "${words[0]}".`,
    );
  if (command !== "submit" && rest.length > 0) throw new UsageError(`${command} takes nothing behind --.`);
}

/** @throws UsageError */
export function durationFlag(value: string | undefined, name: string): number | undefined {
  if (value === undefined) return undefined;
  const ms = parseDurationMs(value);
  if (ms === undefined || ms <= 0)
    throw new UsageError(`--${name} takes a time such as 500ms, 3s or 2m, not "${value}".`);
  return ms;
}

/** @throws UsageError */
export function integerFlag(value: string | undefined, name: string, min: number, max: number): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < min || number > max)
    throw new UsageError(`--${name} takes a whole number from ${min} to ${max}, not "${value}".`);
  return number;
}

/** "100" = seeds 1 to 100; "5..20" = those. @throws UsageError */
export function seedsFlag(value = "20"): SeedRange {
  const match = /^(?:(\d+)\.\.)?(\d+)$/.exec(value);
  const from = Number(match?.[1] ?? 1);
  const to = Number(match?.[2]);
  if (!match || to < from || to - from >= 1_000_000 || !Number.isSafeInteger(to))
    throw new UsageError(`--seeds takes a count (100) or a range (5..20) of at most a million seeds, not "${value}".`);
  return { from, to };
}

/** @throws UsageError */
export function jobsFlag(value: string): number {
  const jobs = Number(value);
  if (!/^\d+$/.test(value) || jobs < 1 || jobs > 64)
    throw new UsageError(`--jobs takes a number of threads from 1 to 64, not "${value}".`);
  return jobs;
}
