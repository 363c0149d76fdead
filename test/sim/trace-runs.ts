import { readdirSync, readFileSync } from "node:fs";
import type { Mesh } from "../../server/contract/mesh.ts";
import { parseMesh } from "../../server/meshfile/mesh-file.ts";
import { type SimulateOptions, simulate } from "../../server/sim/simulate.ts";

/** A run whose trace is written down: what it is called in the table, and what is simulated. */
export interface TraceRun {
  readonly name: string;
  readonly mesh: Mesh;
  readonly seed: number;
  readonly options: SimulateOptions;
}

/** One for every kind of fault, toxic and preset that there is, and shapes of what they take. */
const FAULTS: readonly string[] = [
  "crash: leader",
  "pause: one",
  "isolate: leader",
  ...["halves", "majority", "bridge", "ring", "oneWay", "random"].map((shape) => `partition: ${shape}`),
  "slow: { a: one, delay: 20ms, jitter: 10ms }",
  "lossy: { a: one, loss: 0.3 }",
  ...[
    "loss: 0.2",
    "latency: { ms: 20, shape: uniform, spread: 10 }",
    "latency: { ms: 20, shape: normal, spread: 10 }",
    "latency: { ms: 5, shape: logNormal, spread: 1 }",
    "latency: { ms: 5, shape: pareto, spread: 1.5 }",
    "bandwidth: 20000",
    "duplicate: 0.3",
    "reorder: { share: 0.3, by: 20ms }",
    "corrupt: 0.1",
    "slicing: { bytes: 50, every: 5ms }",
    "timeout: 100ms",
    "reset: 100ms",
    "slowClose: 50ms",
    "dataLimit: 1500",
    "flap: { up: 100ms, down: 100ms }",
  ].map((toxic) => `link: { a: leader, direction: out, toxics: [{ ${toxic} }] }`),
  "message: { types: [append], drop: true, count: 5 }",
  "message: { types: [vote, appendReply], delay: 50ms, jitter: 20ms }",
  "message: { from: leader, duplicate: 2, probability: 0.5 }",
  "message: { corrupt: true, probability: 0.05 }",
  ...["slow, delay: 20ms", "failing", "full", "bitRot", "tornTail", "lostSyncs"].map(
    (trouble) => `disk: { agent: everyone, trouble: ${trouble} }`,
  ),
  "clock: { agent: one, skew: -200ms, drift: 20000 }",
  "cpu: { agent: leader, slowdown: 20 }",
  ...["equivocate", "silent", "delay", "replay", "forge", "doubleVote", "lieAboutLog"].map(
    (behaviour) => `byzantine: { agent: minority, behaviour: ${behaviour} }`,
  ),
  ...["rollingRestart", "leaderHunt", "swizzleClog", "flappingLink", "greyFailure", "rollingPartition"].map(
    (preset) => `preset: ${preset}`,
  ),
];

const SHAPES: readonly string[] = [
  ...["local", "lan", "wan", "seed"].flatMap((timing) => [
    `agents: 3\ntiming: ${timing}\nsimulate: { chaos: false }`,
    `agents: 5\ntiming: ${timing}\nsimulate: { chaos: true, members: false }`,
  ]),
  ...["ring", "star", "grid", "hierarchical", "k-regular", "small-world", "hyparview"].map(
    (topology) => `agents: 6\ntopology: ${topology}`,
  ),
  "agents: 4\nsimulate: { members: true }",
  "agents: 4\nconsensus: gossip\nsimulate: { members: true }",
  "agents: 5\nreads: lease",
  "agents: 1",
  "agents: 5\nchaos: { every: 500ms, for: 300ms }",
];

const SEEDS_OF_A_SHAPE = [1, 2] as const;
/** In parts of a run that is usually 30 of the longest election timeouts long. */
const SHAPE_TIMEOUTS = 4;
/** What some faults only show when an agent crashes: the leader does, in each of these runs. */
const CRASH = "{ at: 500ms, crash: leader, for: 200ms }";
const FAULT_RUN_MS = 1200;
/** Its name in the table is that of no fault: what it is compared with. */
export const NO_FAULT = "no fault";

/** All that the table holds, in its order. */
export function traceRuns(): readonly TraceRun[] {
  const shapes = SHAPES.flatMap((text) => {
    const mesh = meshFrom(text);
    const durationMs = mesh.timing.electionTimeoutMaxMs * SHAPE_TIMEOUTS;
    return SEEDS_OF_A_SHAPE.map((seed) => ({ name: text.replaceAll("\n", ", "), mesh, seed, options: { durationMs } }));
  });
  const faults = [NO_FAULT, ...FAULTS].map((fault) => {
    const length = fault.startsWith("preset") ? "" : ", for: 800ms";
    const own = fault === NO_FAULT ? "" : `, { at: 200ms, ${fault}${length} }`;
    const mesh = meshFrom(`agents: 5\nfaults: [${CRASH}${own}]`);
    return { name: fault, mesh, seed: 1, options: { durationMs: FAULT_RUN_MS } };
  });
  const examples = exampleFiles().map((file) => {
    const mesh = meshFrom(readFileSync(file, "utf8"));
    return { name: file, mesh, seed: 1, options: {} };
  });
  return [...shapes, ...faults, ...examples];
}

/** The trace hash of each run, by its name and seed. */
export function traceTable(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    traceRuns().map(({ name, mesh, seed, options }) => [
      `${name} | seed ${seed}`,
      simulate(mesh, seed, options).traceHash,
    ]),
  );
}

function exampleFiles(): readonly string[] {
  return ["examples", "examples/paper"].flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => file.endsWith(".mesh.yaml"))
      .sort()
      .map((file) => `${folder}/${file}`),
  );
}

/** @throws Error with the file's problems */
function meshFrom(text: string): Mesh {
  const { mesh, diagnostics } = parseMesh(text, "trace.mesh.yaml");
  if (mesh === undefined) throw new Error(`${text}\n${diagnostics.map(({ message }) => message).join("\n")}`);
  return mesh;
}
