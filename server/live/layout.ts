import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { asFields, integer, text } from "./checked-json.ts";
import { PRIVATE_FOLDER_MODE, PRIVATE_MODE, PUBLIC_MODE, replaceFile, syncFolder } from "./durable-file.ts";
import { makeToken } from "./identity.ts";
import type { SwarmFile } from "./swarm-file.ts";
import { checkedSwarm, isId } from "./swarm-file.ts";

/** Where a swarm keeps what it knows; README.md draws the tree. Everyone else goes through these functions. */
const HOME = ".agent-mesh";
/** What an agent recorded of itself, segment by segment. */
export const RECORDING_SUFFIX = ".meshrec";
const KEPT_RECORDINGS = "recordings";
/** Agents of this folder that joined a swarm of another one. */
const JOINED = "joined";
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** A file of a swarm that cannot be read, written or believed. The message is for people, whole. */
export class LayoutProblem extends Error {
  override readonly name = "LayoutProblem";
}

export interface SwarmPaths {
  readonly root: string;
  readonly swarm: string;
  readonly secret: string;
  readonly join: string;
  /** The coordinator's own: which faults are active. */
  readonly faults: string;
  readonly agents: string;
}

export interface AgentPaths {
  readonly root: string;
  readonly key: string;
  readonly life: string;
  readonly log: string;
  /** Of a memory beside the consensus; missing where there is none. */
  readonly memoryLog: string;
  /** What the process wrote to stdout and stderr, and the output of the life before it. */
  readonly output: string;
  readonly olderOutput: string;
  /** A folder; missing when nothing was ever recorded. */
  readonly recording: string;
  /** Of one that joined: what its coordinator commands it with. */
  readonly peer: string;
}

/** One life of an agent's process. */
export interface Life {
  readonly pid: number;
  readonly startTime: string;
  readonly incarnation: number;
  readonly port: number;
  readonly startedAtMs: number;
}

export function swarmPaths(folder: string, swarm: string): SwarmPaths {
  if (!isId(swarm)) throw new LayoutProblem(`${JSON.stringify(swarm)} is not the id of a swarm.`);
  const root = join(folder, HOME, swarm);
  return {
    root,
    swarm: join(root, "swarm.json"),
    secret: join(root, "secret.json"),
    join: join(root, "join.json"),
    faults: join(root, "faults.json"),
    agents: join(root, "agents"),
  };
}

export function agentPaths(folder: string, swarm: string, agent: string): AgentPaths {
  if (!isId(agent)) throw new LayoutProblem(`${JSON.stringify(agent)} is not the id of an agent.`);
  return pathsIn(join(swarmPaths(folder, swarm).agents, agent));
}

/** Of an agent that joined a swarm from here: the swarm itself is laid out elsewhere. */
export function joinedPaths(folder: string, swarm: string, agent: string): AgentPaths {
  for (const id of [swarm, agent])
    if (!isId(id)) throw new LayoutProblem(`${JSON.stringify(id)} is not the id of a swarm or an agent.`);
  return pathsIn(join(folder, HOME, JOINED, swarm, agent));
}

function pathsIn(root: string): AgentPaths {
  return {
    root,
    key: join(root, "key.json"),
    life: join(root, "life.json"),
    log: join(root, "log"),
    memoryLog: join(root, "memory"),
    output: join(root, "output.txt"),
    olderOutput: join(root, "output.older.txt"),
    recording: join(root, "recording"),
    peer: join(root, "peer.json"),
  };
}

/** The ids of the swarms that a folder holds, running or not, in alphabetical order. */
export function swarmsIn(folder: string): string[] {
  const home = join(folder, HOME);
  if (!existsSync(home)) return [];
  return readdirSync(home)
    .filter((name) => isId(name) && existsSync(swarmPaths(folder, name).swarm))
    .sort();
}

/**
 * Lays a new swarm out on disk: its file, its control token, every agent's private key. `swarm.json` comes last, so that a swarm that is
 * found is complete.
 * @throws LayoutProblem when the folder cannot be written
 */
export function createSwarm(swarm: SwarmFile, token: string, privateKeys: ReadonlyMap<string, string>): void {
  checkedSwarm(swarm);
  const paths = swarmPaths(swarm.folder, swarm.id);
  writing(paths.root, () => {
    mkdirSync(join(swarm.folder, HOME), { recursive: true });
    // Logs hold what clients store, and outputs what tasks print: nobody else may look into the folder.
    mkdirSync(paths.agents, { recursive: true, mode: PRIVATE_FOLDER_MODE });
    ignoreHome(swarm.folder);
    for (const { id } of swarm.agents) {
      const privateKey = privateKeys.get(id);
      if (privateKey === undefined) throw new LayoutProblem(`Agent ${id} has no private key.`);
      makeAgent(swarm.folder, swarm.id, id, privateKey);
    }
    replaceFile(paths.secret, JSON.stringify({ token }), PRIVATE_MODE);
    // In a file of its own: whoever is given this one can join, and command nobody.
    replaceFile(paths.join, JSON.stringify({ secret: makeToken() }), PRIVATE_MODE);
    writeSwarmFile(swarm);
    syncFolder(paths.agents);
    syncFolder(join(swarm.folder, HOME));
  });
}

/**
 * Lays another agent of a running swarm out, then writes the swarm's file that names it: an agent that is found there is complete.
 * @throws LayoutProblem when the folder cannot be written
 */
export function addAgent(swarm: SwarmFile, agent: string, privateKey: string): void {
  const { agents } = swarmPaths(swarm.folder, swarm.id);
  writing(agents, () => {
    makeAgent(swarm.folder, swarm.id, agent, privateKey);
    syncFolder(agents);
  });
  rewriteSwarm(swarm);
}

/**
 * The same of an agent that comes from elsewhere: it has its key itself.
 * @param token by which it knows its coordinator
 * @throws LayoutProblem when the folder cannot be written
 */
export function addPeer(swarm: SwarmFile, agent: string, token: string): void {
  const { agents } = swarmPaths(swarm.folder, swarm.id);
  const paths = agentPaths(swarm.folder, swarm.id, agent);
  writing(agents, () => {
    mkdirSync(paths.root, { recursive: true });
    replaceFile(paths.peer, JSON.stringify({ token }), PRIVATE_MODE);
    syncFolder(agents);
  });
  rewriteSwarm(swarm);
}

/** The folder of an agent that joins a swarm from here, and its key: the one that it has, or a new one. @throws LayoutProblem */
export function makeJoined(folder: string, paths: AgentPaths, makeKey: () => string): string {
  if (!existsSync(paths.key))
    writing(paths.root, () => {
      mkdirSync(join(folder, HOME), { recursive: true });
      mkdirSync(paths.log, { recursive: true, mode: PRIVATE_FOLDER_MODE });
      ignoreHome(folder);
      replaceFile(paths.key, JSON.stringify({ privateKey: makeKey() }), PRIVATE_MODE);
    });
  return keyAt(paths.key);
}

/** Nothing is left of an agent that was removed from the swarm that it had joined. @throws LayoutProblem */
export function removeJoined(folder: string, paths: AgentPaths): void {
  writing(paths.root, () => {
    rmSync(paths.root, { recursive: true, force: true });
    for (const above of [dirname(paths.root), join(folder, HOME, JOINED), join(folder, HOME)]) {
      if (!existsSync(above) || readdirSync(above).some((name) => name !== ".gitignore")) return;
      rmSync(above, { recursive: true });
    }
  });
}

/** What is in there is nobody's to commit. */
export function ignoreHome(folder: string): void {
  const ignore = join(folder, HOME, ".gitignore");
  if (!existsSync(ignore)) writeFileSync(ignore, "*\n");
}

/** The swarm's file, anew. @throws LayoutProblem when it cannot be written: then it is as it was */
export function rewriteSwarm(swarm: SwarmFile): void {
  checkedSwarm(swarm);
  writing(swarmPaths(swarm.folder, swarm.id).swarm, () => writeSwarmFile(swarm));
}

function makeAgent(folder: string, swarm: string, id: string, privateKey: string): void {
  const agent = agentPaths(folder, swarm, id);
  mkdirSync(agent.log, { recursive: true });
  replaceFile(agent.key, JSON.stringify({ privateKey }), PRIVATE_MODE);
}

function writeSwarmFile(swarm: SwarmFile): void {
  replaceFile(swarmPaths(swarm.folder, swarm.id).swarm, `${JSON.stringify(swarm, undefined, 2)}\n`, PUBLIC_MODE);
}

/** Removes all that a swarm left on disk, its logs too, but for recordings that are to be kept. To be called when none of its processes is left. */
export function removeSwarm(folder: string, swarm: string): void {
  const paths = swarmPaths(folder, swarm);
  writing(paths.root, () => {
    keepRecordings(folder, swarm);
    // First what makes it a swarm: half a removal is not found as one.
    rmSync(paths.swarm, { force: true });
    rmSync(paths.root, { recursive: true, force: true });
    const home = join(folder, HOME);
    if (readdirSync(home).every((name) => name === ".gitignore")) rmSync(home, { recursive: true });
  });
}

/** Where the recordings of a stopped swarm are kept, when its mesh file asks for it. */
export function keptRecordings(folder: string, swarm: string): string {
  return join(folder, HOME, KEPT_RECORDINGS, swarm);
}

function keepRecordings(folder: string, swarm: string): void {
  const paths = swarmPaths(folder, swarm);
  if (!existsSync(paths.swarm) || !existsSync(paths.agents)) return;
  if (!keepsRecordings(folder, swarm)) return;
  const kept = keptRecordings(folder, swarm);
  for (const agent of readdirSync(paths.agents)) {
    const { recording } = agentPaths(folder, swarm, agent);
    if (!existsSync(recording)) continue;
    mkdirSync(kept, { recursive: true, mode: PRIVATE_FOLDER_MODE });
    renameSync(recording, join(kept, agent));
  }
}

function keepsRecordings(folder: string, swarm: string): boolean {
  try {
    return readSwarm(folder, swarm).recording?.keep === true;
  } catch (error) {
    // A damaged file asks for nothing; the swarm is to be removed all the same.
    if (error instanceof LayoutProblem) return false;
    throw error;
  }
}

/** @throws LayoutProblem when it is missing or damaged */
export function readSwarm(folder: string, swarm: string): SwarmFile {
  return { ...readJson(swarmPaths(folder, swarm).swarm, checkedSwarm), folder };
}

/** The control token. @throws LayoutProblem */
export function readToken(folder: string, swarm: string): string {
  return readJson(swarmPaths(folder, swarm).secret, (value) => text(asFields(value, "secret"), "token", "secret", 200));
}

/** What one must know to join; undefined: the swarm was made before there was such a thing. @throws LayoutProblem */
export function readJoinSecret(folder: string, swarm: string): string | undefined {
  const path = swarmPaths(folder, swarm).join;
  if (!existsSync(path)) return undefined;
  return readJson(path, (value) => text(asFields(value, "join"), "secret", "join", 200));
}

/** By what the coordinator commands an agent that joined. @throws LayoutProblem */
export function readPeerToken(folder: string, swarm: string, agent: string): string {
  const path = agentPaths(folder, swarm, agent).peer;
  return readJson(path, (value) => text(asFields(value, "peer"), "token", "peer", 200));
}

/** An agent's private key, as identity.ts writes it. @throws LayoutProblem */
export function readPrivateKey(folder: string, swarm: string, agent: string): string {
  return keyAt(agentPaths(folder, swarm, agent).key);
}

function keyAt(path: string): string {
  return readJson(path, (value) => text(asFields(value, "key"), "privateKey", "key", 400));
}

/** The present or last life of an agent; null when it never lived. @throws LayoutProblem when the file is damaged */
export function readLife(folder: string, swarm: string, agent: string): Life | null {
  return readLifeOf(agentPaths(folder, swarm, agent));
}

/** The same of an agent by its paths. @throws LayoutProblem */
export function readLifeOf({ life }: AgentPaths): Life | null {
  return existsSync(life) ? readJson(life, checkedLife) : null;
}

/** @throws LayoutProblem when the folder cannot be written */
export function writeLife({ life: path }: AgentPaths, life: Life): void {
  writing(path, () => replaceFile(path, JSON.stringify(life), PUBLIC_MODE));
}

/** Reads a JSON file and checks its shape. @throws LayoutProblem naming the file */
export function readJson<T>(path: string, check: (value: unknown) => T): T {
  try {
    const contents = readFileSync(path, "utf8");
    if (contents.length > MAX_FILE_BYTES) throw new Error(`it is larger than ${MAX_FILE_BYTES} bytes`);
    return check(JSON.parse(contents));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw new LayoutProblem(`${path} does not exist.`);
    throw new LayoutProblem(`${path} cannot be used: ${(error as Error).message}.`);
  }
}

function checkedLife(value: unknown): Life {
  const where = "life";
  const fields = asFields(value, where);
  return {
    pid: integer(fields, "pid", where, 1, Number.MAX_SAFE_INTEGER),
    startTime: text(fields, "startTime", where, 100),
    incarnation: integer(fields, "incarnation", where, 1, Number.MAX_SAFE_INTEGER),
    port: integer(fields, "port", where, 1, 65_535),
    startedAtMs: integer(fields, "startedAtMs", where, 0, Number.MAX_SAFE_INTEGER),
  };
}

function writing(path: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    if (error instanceof LayoutProblem) throw error;
    throw new LayoutProblem(diskSentence(path, error as NodeJS.ErrnoException));
  }
}

/** What a failed write means to a person. */
export function diskSentence(path: string, error: NodeJS.ErrnoException): string {
  if (error.code === "ENOSPC" || error.code === "EDQUOT")
    return `The disk is full: ${path} cannot be written. Free some space and start again.`;
  if (error.code === "EACCES" || error.code === "EPERM" || error.code === "EROFS")
    return `${path} is not writable by this user. Change its permissions, or choose another folder.`;
  if (error.code === "EIO") return `The disk failed while ${path} was written (EIO). Check the disk.`;
  return `${path} cannot be written: ${error.message}`;
}
