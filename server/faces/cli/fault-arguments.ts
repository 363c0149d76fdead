/** What `agent-mesh fault` was asked for: a line as a mesh file says it, or words and options for the simple ones. */
import type { FaultSpec, PresetSpec } from "../../contract/faults.ts";
import type { MeshDiagnostic } from "../../contract/mesh.ts";
import { parseFault } from "../../meshfile/fault-syntax/fault-line.ts";
import { durationFlag, type Flags, UsageError } from "./arguments.ts";

export type FaultWish =
  | { readonly fault: FaultSpec; readonly preset?: never }
  | { readonly preset: PresetSpec; readonly fault?: never };

type Mesh = Exclude<Parameters<typeof parseFault>[1], undefined>;

const SIMPLE = ["crash", "pause", "isolate", "partition", "slow", "lossy"] as const;
const OPTIONS_OF: Readonly<Record<"delay" | "jitter" | "loss", (typeof SIMPLE)[number]>> = {
  delay: "slow",
  jitter: "slow",
  loss: "lossy",
};
/** What is shown of a long line, around the place that is meant. */
const SHOWN_BEFORE = 60;
const SHOWN_CHARACTERS = 120;

/**
 * `crash leader`, `partition a1,a2 a3,a4`, `slow a1 a2 --delay 200ms`, or `message: { types: [vote], delay: 200ms }`, with or without quotes around it.
 * @param mesh of the swarm; null while it is not known
 * @throws UsageError
 */
export function faultWish(words: readonly string[], flags: Flags, mesh: Mesh = null): FaultWish {
  const [first = ""] = words;
  const written = first.includes(":") || first.startsWith("{");
  return written ? writtenWish(words.join(" "), flags, mesh) : { fault: simpleFault(words, flags) };
}

function writtenWish(line: string, flags: Flags, mesh: Mesh): FaultWish {
  for (const option of ["delay", "jitter", "loss"] as const)
    if (flags[option] !== undefined)
      throw new UsageError(`--${option} belongs to \`fault ${OPTIONS_OF[option]}\`; in a line it is written as a key.`);
  const { fault, preset, diagnostics } = parseFault(line, mesh);
  const forMs = durationFlag(flags.for, "for");
  const wish = fault ?? preset;
  if (wish === undefined) throw new UsageError(pointedAt(line, diagnostics));
  if (forMs !== undefined && wish.forMs !== undefined)
    throw new UsageError("How long is said twice: with `for:` and with --for. Keep one.");
  const lasting = forMs === undefined ? {} : { forMs };
  return fault ? { fault: { ...fault, ...lasting } } : { preset: { ...(preset as PresetSpec), ...lasting } };
}

/** The line, and below it where what is wrong stands, and what to do. */
export function pointedAt(line: string, diagnostics: readonly MeshDiagnostic[]): string {
  const places = diagnostics.map(({ line: row, column, endLine, endColumn, message }) => {
    const whole = (line.split("\n")[row - 1] ?? "").replace(/\p{Cc}/gu, " ");
    const from = Math.max(0, column - 1 - SHOWN_BEFORE);
    const shown = whole.slice(from, from + SHOWN_CHARACTERS);
    const at = column - 1 - from;
    const end = endLine === row ? endColumn - 1 - from : shown.length;
    const carets = "^".repeat(Math.max(1, Math.min(end, shown.length) - at));
    return `  ${shown}\n  ${" ".repeat(at)}${carets}\n  ${message}`;
  });
  return `this fault cannot be read:\n${places.join("\n")}`;
}

function simpleFault(words: readonly string[], flags: Flags): FaultSpec {
  const [kind, ...targets] = words;
  for (const option of ["delay", "jitter", "loss"] as const)
    if (flags[option] !== undefined && kind !== OPTIONS_OF[option])
      throw new UsageError(`--${option} belongs to \`fault ${OPTIONS_OF[option]}\`.`);
  const duration = flags.for === undefined ? {} : { forMs: durationFlag(flags.for, "for") as number };
  const [first, second] = targets;
  switch (kind) {
    case "crash":
    case "pause":
    case "isolate":
      if (first === undefined || targets.length > 1)
        throw new UsageError(`fault ${kind} takes one agent, or \`leader\`.`);
      return { kind, agent: first, ...duration };
    case "partition": {
      if (targets.length === 0)
        throw new UsageError("fault partition takes its sides, such as: fault partition a1,a2 a3,a4,a5");
      return { kind, sides: targets.map((side) => side.split(",").filter((agent) => agent !== "")), ...duration };
    }
    case "slow": {
      const delayMs = durationFlag(flags.delay, "delay");
      if (first === undefined || targets.length > 2 || delayMs === undefined)
        throw new UsageError(
          "fault slow takes an agent or a link, and --delay: fault slow a1 a2 --delay 200ms [--jitter 50ms]",
        );
      const jitterMs = durationFlag(flags.jitter, "jitter") ?? 0;
      return { kind, a: first, ...(second === undefined ? {} : { b: second }), delayMs, jitterMs, ...duration };
    }
    case "lossy": {
      const loss = Number(flags.loss);
      if (first === undefined || targets.length > 2 || !(loss > 0 && loss <= 1))
        throw new UsageError(
          "fault lossy takes an agent or a link, and --loss above 0 and up to 1: fault lossy a1 a2 --loss 0.3",
        );
      return { kind, a: first, ...(second === undefined ? {} : { b: second }), loss, ...duration };
    }
    default:
      throw new UsageError(
        `fault takes ${SIMPLE.join(", ")}, or a line such as "message: { types: [append], to: a3, drop: true, count: 2 }"${
          kind === undefined ? "" : `, not "${kind}"`
        }. \`agent-mesh fault --help\` has more of them.`,
      );
  }
}
