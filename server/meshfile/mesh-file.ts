/**
 * *.mesh.yaml: from text to a Mesh with every default filled in, or to diagnostics with line and column. Nothing is ever started from a file with an error.
 * docs/mesh-file.md is the reference for people; keys.ts is its source.
 */
import { isScalar, LineCounter, parseDocument } from "yaml";
import { whyNotReachable } from "../contract/address.ts";
import type { QuickMesh } from "../contract/coordinator.ts";
import { GROUP_TARGETS } from "../contract/faults.ts";
import type { Mesh, MeshAgent, MeshDiagnostic, MeshTask, Timing } from "../contract/mesh.ts";
import { DETECTOR_KINDS, READ_MODES, TIMING_PROFILES } from "../contract/mesh.ts";
import { PROPOSALS_BY_DEFAULT } from "../contract/proposals.ts";
import { connected } from "../core/overlay/topology.ts";
import type { Zones } from "../core/overlay/zones.ts";
import { MIN_REPLICAS } from "../core/pbft/replicas.ts";
import { checkGossip, checkPbft, readConsensus, readMemory, tooFewAgents } from "./consensus-section.ts";
import { expectedByDefault } from "./expect-defaults.ts";
import { readExpectations } from "./expect-section.ts";
import { readFaults } from "./fault-section.ts";
import { readChaos } from "./fault-syntax/chaos.ts";
import type { FaultScope } from "./fault-syntax/scope.ts";
import { isGroupTarget } from "./faults/targets.ts";
import { type KeyMeaning, MESH_KEYS, TASK_KEYS, TIMING_KEYS } from "./keys.ts";
import { readProposals } from "./proposals-section.ts";
import { Reading } from "./reading.ts";
import { RECORDED_BY_DEFAULT, readRecording } from "./recording-section.ts";
import type { ReadBeside } from "./schema-source.ts";
import { readSimulatedRun } from "./simulate-section.ts";
import { TIMING } from "./timing.ts";
import { linksOf, readTopology, topologyNamed } from "./topology-section.ts";
import { readZones } from "./zones-section.ts";

export const MESH_FILE_LIMIT_BYTES = 256 * 1024;
export const MAX_AGENTS = 1000;
/** So many may run as processes of one machine; a simulated swarm may have more. */
export const MAX_RUNNING_AGENTS = 100;
const DEFAULT_AGENTS = 12;
const AGENT_KEYS: readonly KeyMeaning[] = [
  { key: "id", meaning: "Letters, digits, - and _, at most 40; not the name of a group." },
];

export interface ParsedMesh {
  /** Absent when any diagnostic is an error. */
  readonly mesh?: Mesh;
  /** In the order of the file. */
  readonly diagnostics: readonly MeshDiagnostic[];
}

/**
 * @param file its name or path, for the default name of the swarm
 * @param readBeside for JSON schemas that it names by a path; absent: such a path is an error
 */
export function parseMesh(text: string, file: string, readBeside?: ReadBeside): ParsedMesh {
  const lines = new LineCounter();
  if (text.length > MESH_FILE_LIMIT_BYTES) {
    return {
      diagnostics: [
        diagnosticAt1(
          `A mesh file has at most ${MESH_FILE_LIMIT_BYTES / 1024} KiB; this one has ${Math.ceil(text.length / 1024)}.`,
          "tooLarge",
        ),
      ],
    };
  }
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, version: "1.2" });
  const reading = new Reading(document, lines, text.length);
  for (const error of document.errors) {
    const duplicate = error.code === "DUPLICATE_KEY";
    reading.problemAt(
      error.pos[0],
      error.pos[1],
      duplicate ? "duplicateKey" : "notYaml",
      duplicate ? "This key stands here twice; keep one." : `Not YAML: ${error.message}`,
    );
  }
  if (reading.diagnostics.length > 0) return { diagnostics: reading.diagnostics };
  const mesh = readMesh(reading, document.contents, file, readBeside);
  const diagnostics = reading.diagnostics.sort((a, b) => a.line - b.line || a.column - b.column);
  return mesh && !diagnostics.some((d) => d.severity === "error") ? { mesh, diagnostics } : { diagnostics };
}

/** The mesh that the quick pick describes. @throws RangeError when the count is impossible. */
export function quickMesh(quick: QuickMesh): Mesh {
  if (!Number.isInteger(quick.agents) || quick.agents < 1 || quick.agents > MAX_RUNNING_AGENTS) {
    throw new RangeError(`A swarm has 1 to ${MAX_RUNNING_AGENTS} agents, not ${quick.agents}.`);
  }
  if (quick.consensus === "pbft" && quick.agents < MIN_REPLICAS) throw new RangeError(tooFewAgents(quick.agents));
  return {
    name: quick.name,
    agents: numbered(quick.agents),
    topology: topologyNamed(quick.topology),
    consensus: quick.consensus,
    reads: "readIndex",
    memory: quick.consensus === "gossip" ? "eventual" : "consensus",
    detector: "swim",
    timing: TIMING.local,
    detached: false,
    graceMs: 10_000,
    basePort: 0,
    listen: null,
    slots: 2,
    taskLeaseMs: 5000,
    tasks: [],
    proposals: PROPOSALS_BY_DEFAULT,
    faults: [],
    chaos: null,
    expect: expectedByDefault({ consensus: quick.consensus, memory: "consensus" }),
    recording: RECORDED_BY_DEFAULT,
    simulate: null,
  };
}

function readMesh(reading: Reading, root: unknown, file: string, readBeside: ReadBeside | undefined): Mesh | undefined {
  if (root === null || root === undefined) {
    reading.problemAt(0, 1, "empty", "The file is empty. `agents: 5` is the shortest mesh file.");
    return undefined;
  }
  const map = reading.map(root, "A mesh file", MESH_KEYS);
  if (!map) return undefined;
  const value = <T>(key: string, read: (node: unknown) => T | undefined, otherwise: T): T =>
    map.has(key) ? (read(map.get(key)) ?? otherwise) : otherwise;

  const named = value("agents", (node) => readAgents(reading, node), numbered(DEFAULT_AGENTS));
  const ids = new Set(named.map((agent) => agent.id));
  const roster = [...ids];
  const zones = value<Zones>("zones", (node) => readZones(reading, node, roster), new Map());
  const agents = named.map((agent) => ({ ...agent, ...optionalZone(zones.get(agent.id)) }));
  const topology = value("topology", (node) => readTopology(reading, node, ids), topologyNamed("mesh"));
  const links = linksOf({ topology, agents });
  if (topology.kind === "links" && !connected(roster, links))
    reading.problem(
      reading.resolve(map.get("topology")),
      "notConnected",
      "The links leave some agents without a path to the others: a swarm must hang together.",
    );
  const basePort = value("basePort", (node) => reading.integer(node, "basePort", 0, 65_535), 0);
  if (basePort !== 0 && (basePort < 1024 || basePort + agents.length > 65_536)) {
    reading.problem(
      reading.resolve(map.get("basePort")),
      "outOfRange",
      `basePort must be 0 or from 1024 to ${65_536 - agents.length}, so that ${agents.length} ports follow.`,
    );
  }
  const timing = value("timing", (node) => readTiming(reading, node), TIMING.local);
  const consensus = value("consensus", (node) => readConsensus(reading, node), "raft");
  const reads = value("reads", (node) => reading.oneOf(node, "reads", READ_MODES), "readIndex");
  if (consensus === "pbft") checkPbft(reading, map, { agents, reads });
  if (consensus === "gossip") checkGossip(reading, map);
  const detector = value("detector", (node) => reading.oneOf(node, "detector", DETECTOR_KINDS), "swim");
  const memory = readMemory(reading, map, consensus);
  const replicated = { consensus, memory };
  const scope: FaultScope = { reading, mesh: { agents: roster, links, zones, ...replicated } };
  return {
    name: value("name", (node) => readName(reading, node), nameOf(file)),
    agents,
    topology,
    consensus,
    reads,
    memory,
    detector,
    timing,
    detached: value("detached", (node) => reading.boolean(node, "detached"), false),
    graceMs: value("grace", (node) => reading.durationMs(node, "grace", 500), 10_000),
    basePort,
    listen: value("listen", (node) => readListen(reading, node), null),
    slots: value("slots", (node) => reading.integer(node, "slots", 1, 64), 2),
    taskLeaseMs: value("taskLease", (node) => reading.durationMs(node, "taskLease", 500), 5000),
    tasks: value("tasks", (node) => readTasks(reading, node, ids), []),
    proposals: value(
      "proposals",
      (node) => readProposals({ reading, agents: ids, readBeside }, node),
      PROPOSALS_BY_DEFAULT,
    ),
    faults: value("faults", (node) => readFaults(scope, node), []),
    chaos: map.has("chaos") ? (readChaos(reading, map.get("chaos"), timing) ?? null) : null,
    expect: value(
      "expect",
      (node) => readExpectations(reading, node, map.has("tasks"), replicated),
      expectedByDefault(replicated),
    ),
    recording: map.has("recording") ? readRecording(reading, map.get("recording")) : RECORDED_BY_DEFAULT,
    simulate: map.has("simulate") ? readSimulatedRun(reading, map.get("simulate"), replicated) : null,
  };
}

function readListen(reading: Reading, node: unknown): string | null {
  const host = reading.text(node, "listen");
  if (host === undefined) return null;
  const why = whyNotReachable(host);
  if (why === undefined) return host;
  reading.problem(reading.resolve(node), "badAddress", `listen: ${host} ${why}.`);
  return null;
}

function readName(reading: Reading, node: unknown): string | undefined {
  const name = reading.text(node, "name");
  if (name === undefined || /^[A-Za-z0-9_-]{1,40}$/.test(name)) return name;
  reading.problem(reading.resolve(node), "badName", "name has letters, digits, - and _, at most 40 of them.");
  return undefined;
}

function readAgents(reading: Reading, node: unknown): MeshAgent[] | undefined {
  const value = reading.resolve(node);
  if (isScalar(value)) {
    const count = reading.integer(node, "agents", 1, MAX_AGENTS);
    return count === undefined ? undefined : numbered(count);
  }
  const items = reading.list(node, "agents");
  if (!items) return undefined;
  if (items.length < 1 || items.length > MAX_AGENTS)
    reading.problem(value, "outOfRange", `A swarm has 1 to ${MAX_AGENTS} agents, not ${items.length}.`);
  const seen = new Set<string>();
  const agents: MeshAgent[] = [];
  for (const item of items) {
    const where = reading.resolve(item);
    const map = isScalar(where) ? undefined : reading.map(item, "An agent", AGENT_KEYS);
    if (!isScalar(where) && !map) continue;
    const id = reading.text(map ? map.get("id") : item, "An agent's id");
    if (id === undefined) continue;
    if (!/^[A-Za-z0-9_-]{1,40}$/.test(id) || isGroupTarget(id)) {
      reading.problem(
        where,
        "badName",
        `"${id}" cannot be an agent's id: letters, digits, - and _, at most 40 of them, and none of ${GROUP_TARGETS.join(", ")}.`,
      );
    } else if (seen.has(id)) {
      reading.problem(where, "duplicateId", `There is an agent "${id}" already; ids must differ.`);
    } else {
      seen.add(id);
      agents.push({ id });
    }
  }
  return agents.length > 0 ? agents : undefined;
}

function readTiming(reading: Reading, node: unknown): Timing | undefined {
  if (isScalar(reading.resolve(node))) {
    const profile = reading.oneOf(node, "timing", TIMING_PROFILES);
    return profile && TIMING[profile];
  }
  const map = reading.map(node, "timing", TIMING_KEYS);
  if (!map) return undefined;
  const profile = map.has("profile") ? reading.oneOf(map.get("profile"), "timing.profile", TIMING_PROFILES) : "local";
  const base = TIMING[profile ?? "local"];
  const time = (key: string, otherwise: number): number =>
    map.has(key) ? (reading.durationMs(map.get(key), `timing.${key}`, 5) ?? otherwise) : otherwise;
  const timing: Timing = {
    profile: base.profile,
    heartbeatMs: time("heartbeat", base.heartbeatMs),
    electionTimeoutMinMs: time("electionTimeoutMin", base.electionTimeoutMinMs),
    electionTimeoutMaxMs: time("electionTimeoutMax", base.electionTimeoutMaxMs),
    probeIntervalMs: time("probeInterval", base.probeIntervalMs),
    probeTimeoutMs: time("probeTimeout", base.probeTimeoutMs),
    suspicionMultiplier: map.has("suspicionMultiplier")
      ? (reading.number(map.get("suspicionMultiplier"), "timing.suspicionMultiplier", 0.5, 20) ??
        base.suspicionMultiplier)
      : base.suspicionMultiplier,
    memberHeartbeatMs: time("memberHeartbeat", base.memberHeartbeatMs),
    suspectAfterMs: time("suspectAfter", base.suspectAfterMs),
    failAfterMs: time("failAfter", base.failAfterMs),
    failAfterClosedMs: time("failAfterClosed", base.failAfterClosedMs),
  };
  if (timing.electionTimeoutMinMs < 2 * timing.heartbeatMs) {
    reading.problem(
      map.node,
      "timing",
      `electionTimeoutMin (${timing.electionTimeoutMinMs} ms) must be at least twice heartbeat (${timing.heartbeatMs} ms), or followers campaign against a living leader.`,
    );
  }
  if (timing.electionTimeoutMaxMs <= timing.electionTimeoutMinMs) {
    reading.problem(
      map.node,
      "timing",
      `electionTimeoutMax (${timing.electionTimeoutMaxMs} ms) must be above electionTimeoutMin (${timing.electionTimeoutMinMs} ms), or candidates collide for ever.`,
    );
  }
  if (timing.suspectAfterMs < 2 * timing.memberHeartbeatMs) {
    reading.problem(
      map.node,
      "timing",
      `suspectAfter (${timing.suspectAfterMs} ms) must be at least twice memberHeartbeat (${timing.memberHeartbeatMs} ms).`,
    );
  }
  if (timing.probeTimeoutMs > timing.probeIntervalMs / 2) {
    reading.problem(
      map.node,
      "timing",
      `probeTimeout (${timing.probeTimeoutMs} ms) must be at most half of probeInterval (${timing.probeIntervalMs} ms): others are asked to probe in what is left.`,
    );
  }
  return timing;
}

function readTasks(reading: Reading, node: unknown, ids: ReadonlySet<string>): MeshTask[] {
  const tasks: MeshTask[] = [];
  const seen = new Set<string>();
  const items = reading.list(node, "tasks") ?? [];
  if (items.length > 1000)
    reading.problem(
      reading.resolve(node),
      "outOfRange",
      `A mesh file submits at most 1000 tasks, not ${items.length}.`,
    );
  for (const item of items.slice(0, 1000)) {
    const map = reading.map(item, "A task", TASK_KEYS);
    if (!map) continue;
    const id = map.has("id") ? reading.text(map.get("id"), "A task's id") : undefined;
    if (id === undefined || !/^[A-Za-z0-9._-]{1,100}$/.test(id)) {
      reading.problem(
        map.has("id") ? reading.resolve(map.get("id")) : map.node,
        map.has("id") ? "badName" : "missingKey",
        "A task needs an `id:` of letters, digits, . - and _, at most 100.",
      );
      continue;
    }
    if (seen.has(id))
      reading.problem(
        reading.resolve(map.get("id")),
        "duplicateId",
        `There is a task "${id}" already; ids must differ.`,
      );
    seen.add(id);
    if (!map.has("run")) {
      reading.problem(
        map.node,
        "missingKey",
        `Task "${id}" needs \`run:\`, a list of the program and its arguments, such as [node, --version].`,
      );
      continue;
    }
    const run = (reading.list(map.get("run"), "run") ?? []).map((part) => reading.text(part, "A part of run"));
    const [command, ...args] = run;
    if (command === undefined || command === "" || run.includes(undefined)) {
      reading.problem(
        reading.resolve(map.get("run")),
        "wrongType",
        "run is a list of the program and its arguments, such as [node, --version].",
      );
      continue;
    }
    const agent = map.has("agent") ? (reading.text(map.get("agent"), "agent") ?? "") : "";
    if (agent !== "" && !ids.has(agent))
      reading.problem(reading.resolve(map.get("agent")), "unknownAgent", `There is no agent "${agent}".`);
    tasks.push({
      id,
      command,
      args: args as string[],
      cwd: map.has("cwd") ? readCwd(reading, map.get("cwd")) : "",
      timeoutMs: map.has("timeout") ? (reading.durationMs(map.get("timeout"), "timeout", 1) ?? 0) : 0,
      maxAttempts: map.has("attempts") ? (reading.integer(map.get("attempts"), "attempts", 1, 100) ?? 1) : 1,
      agent,
    });
  }
  return tasks;
}

function readCwd(reading: Reading, node: unknown): string {
  const cwd = reading.text(node, "cwd") ?? "";
  if (/^([/\\]|[A-Za-z]:)/.test(cwd) || cwd.split(/[/\\]/).includes("..")) {
    reading.problem(reading.resolve(node), "outsideFolder", "cwd must be a relative path inside the swarm's folder.");
  }
  return cwd;
}

function optionalZone(zone: string | undefined): Pick<MeshAgent, "zone"> {
  return zone === undefined ? {} : { zone };
}

function numbered(count: number): MeshAgent[] {
  return Array.from({ length: count }, (_, at) => ({ id: `a${at + 1}` }));
}

function nameOf(file: string): string {
  const base = (file.split(/[/\\]/).pop() ?? "").replace(/(\.mesh)?\.ya?ml$/, "");
  const cleaned = base.replace(/[^A-Za-z0-9_-]+/g, "-").slice(0, 40);
  return cleaned === "" ? "mesh" : cleaned;
}

function diagnosticAt1(message: string, code: string): MeshDiagnostic {
  return { line: 1, column: 1, endLine: 1, endColumn: 2, severity: "error", message, code };
}
