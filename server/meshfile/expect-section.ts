import { isScalar } from "yaml";
import { CONSENSUS, type ConsensusKind } from "../contract/consensus.ts";
import {
  type AvailabilityBound,
  BOUND_NAMES,
  type ExpectationName,
  type Expectations,
  INVARIANTS,
  INVARIANTS_OF,
  type InvariantName,
  invariantsOf,
} from "../contract/expect.ts";
import { type Mesh, remembersBeside } from "../contract/mesh.ts";
import { expectedByDefault } from "./expect-defaults.ts";
import { AVAILABILITY_KEYS, EXPECT_KEYS } from "./keys.ts";
import type { MapReading, Reading } from "./reading.ts";

const MAX_ELECTIONS = 1_000_000;

/** What is expected in vain of a swarm by gossip, and why. */
const NOT_WITH_GOSSIP: Readonly<Record<string, string>> = {
  leaderWithin: "nobody leads a swarm by gossip",
  maxElections: "nobody is elected in a swarm by gossip",
  tasksDoneBy: "a swarm by gossip runs no tasks",
};

/** Each kind's problems have a code of their own. */
const NOT_WITH: Readonly<Record<ConsensusKind, string>> = {
  raft: "notWithRaft",
  pbft: "notWithPbft",
  gossip: "notWithGossip",
};

/** The `expect:` section, with defaults for what it leaves out. @param hasTasks whether the file submits any */
export function readExpectations(
  reading: Reading,
  node: unknown,
  hasTasks: boolean,
  of: Pick<Mesh, "consensus" | "memory">,
): Expectations | undefined {
  const { consensus } = of;
  const map = reading.map(node, "expect", EXPECT_KEYS);
  if (!map) return undefined;
  const otherwise = expectedByDefault(of);
  const read = <T>(key: string, how: (node: unknown) => T | undefined, without: T): T =>
    map.has(key) ? (how(map.get(key)) ?? without) : without;
  const within = (key: "liveness" | "recovery"): Expectations["liveness"] => {
    const value = read<{ withinMs: number | null } | "off" | null>(
      key,
      (at) => readLiveness(reading, at, key),
      otherwise[key],
    );
    return value === "off" ? null : value;
  };
  const invariants = read("invariants", (value) => readInvariants(reading, value, of), otherwise.invariants);
  for (const [key, why] of consensus === "gossip" ? Object.entries(NOT_WITH_GOSSIP) : [])
    if (map.has(key)) reading.problem(map.keyNode(key), NOT_WITH.gossip, `expect.${key}: ${why}. Take this out.`);
  if (map.has("tasksDoneBy") && !hasTasks && consensus !== "gossip")
    reading.problem(
      map.keyNode("tasksDoneBy"),
      "noTasks",
      "expect.tasksDoneBy is about the tasks of this file, and it has none. Add `tasks:`, or take this out.",
    );
  return {
    invariants,
    liveness: within("liveness"),
    recovery: within("recovery"),
    leaderWithinMs: read("leaderWithin", (value) => reading.durationMs(value, "expect.leaderWithin", 1), null),
    tasksDoneByMs: read("tasksDoneBy", (value) => reading.durationMs(value, "expect.tasksDoneBy", 1), null),
    availability: read("availability", (value) => readAvailability(reading, value), null),
    maxElections: read(
      "maxElections",
      (value) => reading.integer(value, "expect.maxElections", 0, MAX_ELECTIONS),
      null,
    ),
    stated: stated(map, invariants),
  };
}

function stated(map: MapReading, invariants: readonly InvariantName[]): ExpectationName[] {
  return [...(map.has("invariants") ? invariants : []), ...BOUND_NAMES.filter((name) => map.has(name))];
}

function readInvariants(
  reading: Reading,
  node: unknown,
  of: Pick<Mesh, "consensus" | "memory">,
): readonly InvariantName[] | undefined {
  const { consensus } = of;
  const all = invariantsOf(of);
  if (isScalar(reading.resolve(node))) {
    const which = reading.oneOf(node, "expect.invariants", ["all", "none"]);
    return which && (which === "all" ? all : []);
  }
  const names = new Set<InvariantName>();
  for (const item of reading.list(node, "expect.invariants (besides `all` and `none`)") ?? []) {
    const name = reading.oneOf(item, "An invariant", INVARIANTS);
    if (name === undefined) continue;
    names.add(name);
    if (!all.includes(name))
      reading.problem(
        reading.resolve(item),
        NOT_WITH[consensus],
        `${name} is about ${aboutOf(name)}; a swarm that decides by ${CONSENSUS[consensus].title}${remembersBeside(of) ? " with memory: eventual" : ""} has ${all.join(", ")}.`,
      );
  }
  return INVARIANTS.filter((name) => names.has(name));
}

/** What only some kinds of consensus have. */
function aboutOf(name: InvariantName): string {
  if (INVARIANTS_OF.pbft.includes(name)) return "what all do in one order";
  return name === "convergence" ? "agents that have no order in common" : "Raft's elections and logs";
}

/** @returns "off" for nothing is expected */
function readLiveness(reading: Reading, node: unknown, key: string): { withinMs: number } | "off" | undefined {
  const value = reading.resolve(node);
  if (isScalar(value) && (value.value === "off" || value.value === false)) return "off";
  const withinMs = reading.durationMs(node, `expect.${key} (besides \`off\`)`, 1);
  return withinMs === undefined ? undefined : { withinMs };
}

function readAvailability(reading: Reading, node: unknown): AvailabilityBound | undefined {
  if (isScalar(reading.resolve(node))) {
    const share = readShare(reading, node, "expect.availability");
    return share === undefined ? undefined : { share, windowMs: null, answerWithinMs: null };
  }
  const map = reading.map(node, "expect.availability", AVAILABILITY_KEYS);
  if (!map) return undefined;
  if (!map.has("share")) {
    reading.problem(map.node, "missingKey", "expect.availability needs `share:`, above 0 and up to 1, such as 0.99.");
    return undefined;
  }
  const share = readShare(reading, map.get("share"), "expect.availability.share");
  const time = (key: string): number | null =>
    map.has(key) ? (reading.durationMs(map.get(key), `expect.availability.${key}`, 10) ?? null) : null;
  const windowMs = time("window");
  const answerWithinMs = time("answerWithin");
  return share === undefined ? undefined : { share, windowMs, answerWithinMs };
}

/** 0.99 or 99%. */
function readShare(reading: Reading, node: unknown, what: string): number | undefined {
  const text = reading.text(node, what);
  if (text === undefined) return undefined;
  const match = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(text.trim());
  const share = match ? Number(match[1]) / (match[2] === "%" ? 100 : 1) : Number.NaN;
  if (share > 0 && share <= 1) return share;
  reading.problem(
    reading.resolve(node),
    match ? "outOfRange" : "wrongType",
    `${what} must be a share above 0 and up to 1, such as 0.99 or 99%, not "${text}".`,
  );
  return undefined;
}
