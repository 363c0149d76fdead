/** From a Mesh to the text of a *.mesh.yaml that is read as the same Mesh. What is as usual is left out. */
import { Document, isMap, isSeq, type Pair, type Scalar } from "yaml";
import { BOUND_NAMES, type Expectations, INVARIANTS, invariantsOf } from "../contract/expect.ts";
import {
  type Mesh,
  type MeshTask,
  type RecordingLimits,
  remembersBeside,
  type SimulatedRun,
  type Timing,
} from "../contract/mesh.ts";
import { RECORDED_BY_DEFAULT } from "./recording-section.ts";
import { TIMING } from "./timing.ts";
import { degreesOf } from "./topology-section.ts";
import { optional, type Plain, time, writeChaos, writePlanned } from "./write-faults.ts";
import { writeProposals } from "./write-proposals.ts";
import { zoneNames, zonesOf } from "./zones-section.ts";

type PlainMap = { readonly [key: string]: Plain };

/** @param comment lines above it, without the # */
export function meshText(mesh: Mesh, comment: readonly string[] = []): string {
  const document = new Document(topLevel(mesh));
  document.commentBefore = comment.map((line) => ` ${line}`).join("\n") || null;
  if (isMap(document.contents))
    for (const { key, value } of document.contents.items as Pair<Scalar<string>>[]) {
      // A fault, a task or a link in a line of its own.
      const list = key.value === "topology" && isMap(value) ? (value.get("links", true) ?? value) : value;
      if ((key.value === "faults" || key.value === "tasks" || list !== value) && isSeq(list)) {
        for (const item of list.items) if (isMap(item) || isSeq(item)) item.flow = true;
      } else if (isMap(value) || isSeq(value)) value.flow = true;
    }
  return document.toString({ lineWidth: 0 });
}

function topLevel(mesh: Mesh): PlainMap {
  const { topology, expect, recording } = mesh;
  const expected = writeExpectations(expect, mesh);
  const proposals = writeProposals(mesh.proposals);
  return {
    name: mesh.name,
    agents: writeAgents(mesh),
    ...writeZones(mesh),
    ...writeTopology(topology),
    ...(mesh.consensus === "raft" ? {} : { consensus: mesh.consensus }),
    ...(mesh.reads === "readIndex" ? {} : { reads: mesh.reads }),
    ...(remembersBeside(mesh) ? { memory: mesh.memory } : {}),
    ...(mesh.detector === "swim" ? {} : { detector: mesh.detector }),
    ...writeTiming(mesh.timing),
    ...(mesh.detached ? { detached: true } : {}),
    ...(mesh.graceMs === 10_000 ? {} : { grace: time(mesh.graceMs) }),
    ...(mesh.basePort === 0 ? {} : { basePort: mesh.basePort }),
    ...(mesh.listen === null ? {} : { listen: mesh.listen }),
    ...(mesh.slots === 2 ? {} : { slots: mesh.slots }),
    ...(mesh.taskLeaseMs === 5000 ? {} : { taskLease: time(mesh.taskLeaseMs) }),
    ...(mesh.tasks.length === 0 ? {} : { tasks: mesh.tasks.map(writeTask) }),
    ...(Object.keys(proposals).length === 0 ? {} : { proposals }),
    ...(mesh.faults.length === 0 ? {} : { faults: mesh.faults.map(writePlanned) }),
    ...(mesh.chaos === null ? {} : { chaos: writeChaos(mesh.chaos) }),
    ...(Object.keys(expected).length === 0 ? {} : { expect: expected }),
    ...(recording === null ? { recording: false } : writeRecording(recording)),
    ...(mesh.simulate === null ? {} : { simulate: writeSimulatedRun(mesh.simulate) }),
  };
}

function writeTopology({ kind, degree, links }: Mesh["topology"]): PlainMap {
  if (kind === "links") return { topology: { links } };
  if (degree !== undefined && degree !== degreesOf(kind)?.usual) return { topology: { kind, degree } };
  return kind === "mesh" ? {} : { topology: kind };
}

function writeAgents({ agents }: Mesh): Plain {
  const numbered = agents.every(({ id }, at) => id === `a${at + 1}`);
  return numbered ? agents.length : agents.map(({ id }) => id);
}

function writeZones({ agents }: Mesh): PlainMap {
  const zones = zonesOf(agents);
  if (zones.size === 0) return {};
  const inZone = (zone: string): Plain => agents.flatMap((agent) => (agent.zone === zone ? [agent.id] : []));
  return { zones: Object.fromEntries(zoneNames(zones).map((zone) => [zone, inZone(zone)])) };
}

function writeTiming(timing: Timing): PlainMap {
  const base = TIMING[timing.profile];
  const own = ([key]: readonly [string, unknown]): boolean =>
    key !== "profile" && timing[key as keyof Timing] !== base[key as keyof Timing];
  const replaced = Object.entries(timing).filter(own);
  if (replaced.length > 0)
    return {
      timing: {
        profile: timing.profile,
        ...Object.fromEntries(
          replaced.map(([key, value]) =>
            key.endsWith("Ms") ? [key.slice(0, -2), time(value as number)] : [key, value as number],
          ),
        ),
      },
    };
  return timing.profile === "local" ? {} : { timing: timing.profile };
}

function writeTask({ id, command, args, cwd, timeoutMs, maxAttempts, agent }: MeshTask): PlainMap {
  return {
    id,
    run: [command, ...args],
    ...(cwd === "" ? {} : { cwd }),
    ...(timeoutMs === 0 ? {} : { timeout: time(timeoutMs) }),
    ...(maxAttempts === 1 ? {} : { attempts: maxAttempts }),
    ...(agent === "" ? {} : { agent }),
  };
}

function writeExpectations(expect: Expectations, of: Pick<Mesh, "consensus" | "memory">): PlainMap {
  const { invariants, stated, availability } = expect;
  const all = invariants.length === invariantsOf(of).length;
  const named = stated.some((name) => (INVARIANTS as readonly string[]).includes(name));
  const within = (bound: Expectations["liveness"]): Plain => (bound?.withinMs == null ? "off" : time(bound.withinMs));
  const values: Readonly<Record<(typeof BOUND_NAMES)[number], () => Plain>> = {
    liveness: () => within(expect.liveness),
    recovery: () => within(expect.recovery),
    leaderWithin: () => time(expect.leaderWithinMs ?? 0),
    tasksDoneBy: () => time(expect.tasksDoneByMs ?? 0),
    availability: () => ({
      share: availability?.share ?? 1,
      ...optional("window", availability?.windowMs ?? undefined, time),
      ...optional("answerWithin", availability?.answerWithinMs ?? undefined, time),
    }),
    maxElections: () => expect.maxElections ?? 0,
  };
  return {
    ...(all && !named ? {} : { invariants: all ? "all" : invariants.length === 0 ? "none" : invariants }),
    ...Object.fromEntries(
      BOUND_NAMES.filter((name) => stated.includes(name)).map((name) => [name, values[name]()] as const),
    ),
  };
}

function writeRecording({ sizeBytes, ageMs, keep }: RecordingLimits): PlainMap {
  const usual = RECORDED_BY_DEFAULT;
  const own: PlainMap = {
    ...(sizeBytes === usual.sizeBytes ? {} : { size: `${sizeBytes / 1024}KB` }),
    ...(ageMs === usual.ageMs ? {} : { age: time(ageMs) }),
    ...(keep === usual.keep ? {} : { keep }),
  };
  return Object.keys(own).length === 0 ? {} : { recording: own };
}

function writeSimulatedRun({ seed, forMs, clients, operations, chaos, members, counters }: SimulatedRun): PlainMap {
  return {
    ...optional("seed", seed ?? undefined),
    ...optional("for", forMs ?? undefined, time),
    ...optional("clients", clients ?? undefined),
    ...optional("operations", operations ?? undefined),
    ...optional("chaos", chaos ?? undefined),
    ...optional("members", members ?? undefined),
    ...optional("counters", counters ?? undefined),
  };
}
