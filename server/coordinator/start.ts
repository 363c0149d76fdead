/** From a mesh file, or a quick pick, to a swarm that decides. Can be cancelled at every stage; then, as after a failure, nothing is left. */
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { overlayProblem, ownLinks } from "../agent/overlay-problem.ts";
import { CONSENSUS } from "../contract/consensus.ts";
import type { InitSwarm } from "../contract/coordinator.ts";
import { type Mesh, remembersBeside } from "../contract/mesh.ts";
import { overlayOf } from "../core/overlay/types.ts";
import { filesBeside } from "../live/beside-mesh.ts";
import { makeKeys, makeSwarmId, makeToken } from "../live/identity.ts";
import {
  createSwarm,
  diskSentence,
  LayoutProblem,
  readLife,
  readSwarm,
  removeSwarm,
  swarmPaths,
  swarmsIn,
} from "../live/layout.ts";
import { freePorts } from "../live/ports.ts";
import { isRunning } from "../live/process.ts";
import { lastWords } from "../live/spawn.ts";
import type { SwarmFile } from "../live/swarm-file.ts";
import { MAX_RUNNING_AGENTS, MESH_FILE_LIMIT_BYTES, parseMesh, quickMesh } from "../meshfile/mesh-file.ts";
import { linksOf } from "../meshfile/topology-section.ts";
import { impossibleFault } from "./fault-rules.ts";
import { coordinatorFiles } from "./files.ts";
import { acquireLock, lockHolder } from "./lock.ts";
import { messageOf, Refusal } from "./refusal.ts";
import type { SwarmHost } from "./swarm.ts";
import { Swarm } from "./swarm.ts";

export type Progress = (stage: string, done: number, total: number) => void;

export const STAGES = {
  checking: "Checking the mesh",
  laidOut: "Choosing ports and making keys",
  starting: "Starting agents",
  linking: "Linking",
  electing: "Electing a leader",
} as const;

/** Processes that start take all there is of a small machine, and who has started is to be observed, and a person answered, meanwhile. */
const STARTING_AT_ONCE = 8;
const LOOK_EVERY_MS = 25;
/** Besides what elections may take. */
const READY_TIMEOUT_MS = 20_000;

interface Order {
  readonly mesh: Mesh;
  readonly file: string;
  readonly folder: string;
}

/**
 * @param began is called as soon as there is a swarm to show
 * @throws Refusal
 */
export async function startSwarm(
  init: InitSwarm,
  host: SwarmHost,
  progress: Progress,
  signal: AbortSignal,
  began: (swarm: Swarm) => void,
): Promise<Swarm> {
  progress(STAGES.checking, 0, 1);
  const order = readOrder(init);
  refuseIfImpossible(order);
  refuseIfRunning(order);
  progress(STAGES.checking, 1, 1);
  const swarm = await layOut(order, host, progress, signal);
  try {
    began(swarm);
    await startAgents(swarm, progress, signal);
    await waitUntilReady(swarm, order.mesh, progress, signal);
    refuseIfCancelled(signal);
    swarm.expect(order.mesh, "workload" in init && init.workload === true);
    swarm.run(order.mesh);
    return swarm;
  } catch (error) {
    swarm.problem = messageOf(error);
    swarm.phase = "failed";
    await swarm.processes.killAll(swarm.agents);
    await swarm.close();
    removeSwarm(order.folder, swarm.id);
    throw error instanceof Refusal ? error : new Refusal("failed", messageOf(error));
  }
}

function readOrder(init: InitSwarm): Order {
  if ("quick" in init) {
    const folder = resolve(init.folder);
    if (!existsSync(folder) || !statSync(folder).isDirectory())
      throw new Refusal("invalidMesh", `${folder} is not a folder. Tasks of the swarm would run there.`);
    try {
      return { mesh: quickMesh(init.quick), file: "", folder };
    } catch (error) {
      throw new Refusal("invalidMesh", messageOf(error));
    }
  }
  const file = resolve(init.file);
  const { mesh, diagnostics } = parseMesh(readMeshFile(file), file, filesBeside(file));
  if (mesh === undefined) {
    const errors = diagnostics.filter(({ severity }) => severity === "error");
    const shown = errors.slice(0, 5).map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`);
    const more = errors.length > 5 ? `\n... and ${errors.length - 5} more` : "";
    throw new Refusal("invalidMesh", `${shown.join("\n")}${more}`);
  }
  return { mesh, file, folder: dirname(file) };
}

/** @throws Refusal when it cannot be read */
export function readMeshFile(file: string): string {
  try {
    if (statSync(file).size > MESH_FILE_LIMIT_BYTES)
      throw new Error(`it is larger than ${MESH_FILE_LIMIT_BYTES} bytes, the most a mesh file may have`);
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Refusal("invalidMesh", `${file} cannot be read: ${messageOf(error)}.`);
  }
}

/** More agents than fit as processes, or a plan whose faults a running swarm cannot carry out, is refused before anything starts. */
function refuseIfImpossible({ mesh, file }: Order): void {
  if (mesh.agents.length > MAX_RUNNING_AGENTS)
    throw new Refusal(
      "invalidMesh",
      `${file}: at most ${MAX_RUNNING_AGENTS} agents run as processes of one machine, not ${mesh.agents.length}. Watch them simulated: Agent Mesh: Watch Simulation, or agent-mesh up FILE --simulated.`,
    );
  for (const { fault } of mesh.faults) {
    const why = "kind" in fault ? impossibleFault(fault) : undefined;
    if (why !== undefined) throw new Refusal("invalidMesh", `${file}: its plan cannot run live. ${why}`);
  }
}

/** One swarm of a mesh file, or of a quick pick's name, in a folder at a time. */
function refuseIfRunning({ mesh, file, folder }: Order): void {
  for (const id of idsIn(folder)) {
    const other = readable(folder, id);
    if (other === undefined) continue;
    if (file === "" ? other.file !== "" || other.name !== mesh.name : other.file !== file) continue;
    const runs = other.agents.some((agent) => {
      const life = readLife(folder, id, agent.id);
      return life !== null && isRunning(life);
    });
    const holder = lockHolder(coordinatorFiles(folder, id).lock);
    if (!runs && holder === undefined) continue;
    const by = holder === undefined ? "without a coordinator" : `coordinated by process ${holder.pid}`;
    throw new Refusal(
      "alreadyRunning",
      `Swarm ${other.name} (${id}) of ${file || folder} runs already, ${by}. Stop it first.`,
    );
  }
}

function idsIn(folder: string): string[] {
  try {
    return swarmsIn(folder);
  } catch (error) {
    throw new Refusal("failed", `The swarms of ${folder} cannot be listed: ${messageOf(error)}.`);
  }
}

/** undefined: damaged. Its file name is unknown, so it stands in nobody's way. */
function readable(folder: string, id: string): SwarmFile | undefined {
  try {
    return readSwarm(folder, id);
  } catch (error) {
    if (error instanceof LayoutProblem) return undefined;
    throw error;
  }
}

async function layOut(
  { mesh, file, folder }: Order,
  host: SwarmHost,
  progress: Progress,
  signal: AbortSignal,
): Promise<Swarm> {
  progress(STAGES.laidOut, 0, 1);
  const ids = mesh.agents.map(({ id }) => id);
  const id = makeSwarmId();
  // The lock first: a swarm without one looks like one that has ended.
  const lock = lockNew(folder, id, mesh.name);
  try {
    const ports = await freePorts(ids.length, mesh.basePort);
    refuseIfCancelled(signal);
    const keys = ids.map(() => makeKeys());
    const listening = mesh.listen === null ? {} : { listen: mesh.listen };
    const swarm: SwarmFile = {
      version: 1,
      id,
      name: mesh.name,
      file,
      folder,
      createdAtMs: Date.now(),
      topology: mesh.topology.kind,
      ...(mesh.topology.degree !== undefined && { degree: mesh.topology.degree }),
      consensus: mesh.consensus,
      ...listening,
      agents: mesh.agents.map((agent, at) => ({
        ...agent,
        port: ports[at]!,
        ...(mesh.listen !== null && { host: mesh.listen }),
        publicKey: keys[at]!.publicKey,
      })),
      links: linksOf(mesh),
      timing: mesh.timing,
      slots: mesh.slots,
      reads: mesh.reads,
      ...(remembersBeside(mesh) && { memory: "eventual" }),
      detector: mesh.detector,
      taskLeaseMs: mesh.taskLeaseMs,
      graceMs: mesh.graceMs,
      detached: mesh.detached,
      proposals: mesh.proposals,
      recording: mesh.recording,
    };
    const token = makeToken();
    createSwarm(swarm, token, new Map(ids.map((agent, at) => [agent, keys[at]!.privateKey])));
    progress(STAGES.laidOut, 1, 1);
    return new Swarm({ file: swarm, token, lock, foundAgain: false }, host);
  } catch (error) {
    removeSwarm(folder, id);
    throw error instanceof Refusal ? error : new Refusal("failed", messageOf(error));
  }
}

export function lockNew(folder: string, id: string, name: string): ReturnType<typeof acquireLock> {
  const { root } = swarmPaths(folder, id);
  const home = dirname(root);
  try {
    // By itself: a recursive mkdir says of a read-only file system that the folder does not exist.
    if (!existsSync(home)) mkdirSync(home);
    return acquireLock(coordinatorFiles(folder, id).lock, `Swarm ${name}`);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    // On a full disk the folder can be made and the lock in it not.
    if (existsSync(home)) removeSwarm(folder, id);
    const why = diskSentence(root, error as NodeJS.ErrnoException);
    throw new Refusal("failed", `The swarm's folder cannot be made in ${folder}. ${why}`);
  }
}

async function startAgents(swarm: Swarm, progress: Progress, signal: AbortSignal): Promise<void> {
  const { agents, processes } = swarm;
  const waiting = [...agents];
  let done = 0;
  progress(STAGES.starting, 0, agents.length);
  const startInTurn = async (): Promise<void> => {
    try {
      for (let agent = waiting.shift(); agent !== undefined && !signal.aborted; agent = waiting.shift()) {
        await processes.start(agent);
        progress(STAGES.starting, ++done, agents.length);
      }
    } catch (error) {
      waiting.length = 0;
      throw error;
    }
  };
  const starts = await Promise.allSettled(Array.from({ length: STARTING_AT_ONCE }, startInTurn));
  refuseIfCancelled(signal);
  const failed = starts.find((start) => start.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/** Ready: all links are up, and all know the same leader where there is one. */
async function waitUntilReady(swarm: Swarm, mesh: Mesh, progress: Progress, signal: AbortSignal): Promise<void> {
  const { agents, file } = swarm;
  const deadline = performance.now() + READY_TIMEOUT_MS + 4 * mesh.timing.electionTimeoutMaxMs;
  const led = CONSENSUS[file.consensus].leader !== "";
  let linksShown = -1;
  for (;;) {
    refuseIfCancelled(signal);
    for (const agent of agents) if (swarm.processes.ended(agent)) throw endedEarly(swarm, agent.id);
    await Promise.all(
      agents.map(async (agent) => {
        const report = await swarm.observer(agent)?.report();
        if (report === undefined) return;
        agent.heard(report);
        swarm.metrics.report(report);
      }),
    );
    const links = linksComingUp(swarm);
    if (links.up !== linksShown) progress(STAGES.linking, links.up, links.total);
    linksShown = links.up;
    const linked = links.up === links.total;
    if (linked && !led && agents.every(({ report }) => report !== null)) return;
    if (linked && led) progress(STAGES.electing, 0, 1);
    const leader = agents[0]?.state?.leader ?? "";
    if (linked && leader !== "" && agents.every(({ state }) => state?.leader === leader)) {
      progress(STAGES.electing, 1, 1);
      return;
    }
    if (performance.now() > deadline)
      throw new Refusal(
        "failed",
        linked
          ? `The agents are up and linked, but ${led ? "elected no leader" : "not all of them answered"} in time.`
          : links.problem,
      );
    await new Promise((wake) => setTimeout(wake, LOOK_EVERY_MS));
  }
}

/** Of links that are configured, each; of those that agents look for themselves, whether they have come to an overlay that is whole. */
function linksComingUp(swarm: Swarm): { readonly up: number; readonly total: number; readonly problem: string } {
  const { agents, file } = swarm;
  const overlay = overlayOf(file.topology, file.degree);
  if (overlay !== undefined) {
    const own = agents.map(({ id, report }) => ownLinks(id, report));
    const lacks = overlayProblem(own, overlay.degree);
    const linked = own.filter(({ peers }) => peers.length > 0).length;
    const total = agents.length + 1;
    return {
      up: lacks === undefined ? total : linked,
      total,
      problem: `The agents did not find their links in time: ${lacks}.`,
    };
  }
  const { length: total } = file.links;
  const { length: up } = file.links.filter(
    ({ a, b }) => swarm.agent(a).link(b)?.up === true && swarm.agent(b).link(a)?.up === true,
  );
  return { up, total, problem: `Only ${up} of ${total} links came up in time.` };
}

function endedEarly({ file }: Swarm, agent: string): Refusal {
  const words = lastWords({ folder: file.folder, swarm: file.id, agent });
  return new Refusal("failed", `Agent ${agent} ended while the swarm came up. It last wrote: ${words || "nothing"}`);
}

function refuseIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw new Refusal("cancelled", "Starting the swarm was cancelled; nothing of it is left.");
}
