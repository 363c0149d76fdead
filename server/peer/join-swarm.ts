/**
 * An agent of a swarm within this program: joins through any agent of it, with the swarm's join secret, and is a peer like all others from then on. It has
 * links, a vote (unless it is to be a learner), a log and snapshots on disk; it holds replicated memory, runs tasks, and takes part in decisions.
 *
 *     const agent = await joinSwarm({ address: "127.0.0.1:4001", secret, id: "helper" });
 *     await agent.mesh.put("settings", "colour", "green");
 *     await agent.leave();
 */

import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { connect, type MeshClient } from "../client/client.ts";
import { whyNotReachable } from "../contract/address.ts";
import type { AgentReport } from "../contract/swarm.ts";
import type { TimelineEvent } from "../contract/timeline.ts";
import { secretBytes } from "../live/agent/join-handshake.ts";
import { Listener } from "../live/agent/listener.ts";
import { type RunningAgent, runAgent } from "../live/agent/run-agent.ts";
import { keyFromText } from "../live/agent/startup.ts";
import { deferred } from "../live/deferred.ts";
import { makeKeys, publicTextOf } from "../live/identity.ts";
import { type AgentPaths, joinedPaths, makeJoined, readLifeOf, removeJoined } from "../live/layout.ts";
import { freePorts } from "../live/ports.ts";
import { isId } from "../live/swarm-file.ts";
import { FunctionExecutor, type TaskFunction } from "./function-executor.ts";
import { JoinRefused, knock, type Seed, seedAt, type Welcome } from "./knock.ts";

export type { ItemInfo, MeshClient, MeshErrorCode, TaskRequest } from "../client/client.ts";
export { MeshError } from "../client/client.ts";
export type { AgentReport } from "../contract/swarm.ts";
export type { TimelineEvent } from "../contract/timeline.ts";
export type { PeerTask, TaskFunction } from "./function-executor.ts";
export { JoinRefused } from "./knock.ts";

export interface JoinOptions {
  /** Of any agent of the swarm: 127.0.0.1:PORT; of another host HOST:PORT, which is spoken to over wss. */
  readonly address: string;
  /** An IP address of this machine, at which the swarm's agents reach this one over wss. Needed where agents of other hosts take part. */
  readonly listen?: string;
  /** As `agent-mesh secret` prints it. */
  readonly secret: string;
  /** Letters, digits, - and _, at most 64. Absent: "peer-" and six digits. One that ended without leaving comes back by its id, in its folder. */
  readonly id?: string;
  /** Where it keeps its key and its log (in .agent-mesh/joined), and where tasks run. Absent: the current folder. */
  readonly dir?: string;
  /** It has no vote. Default false. A swarm by gossip has no such agents, and refuses. */
  readonly learner?: boolean;
  /** Does the tasks that the swarm gives it. Absent: they are programs, run in `dir`: whoever may submit tasks to the swarm may run programs here. */
  readonly executor?: TaskFunction;
  /** What it notes of itself, a line each: links, the roster, what went wrong. */
  readonly note?: (line: string) => void;
  /** For it to become a member once the swarm has taken it in, ms. Default 120,000. */
  readonly timeoutMs?: number;
}

/** How it ended. */
export interface PeerEnd {
  readonly why: string;
  /** coordinator: it was removed, or the swarm was stopped. itself: this program stopped it, or nobody coordinated the swarm for long. failure: it could not go on. */
  readonly by: "coordinator" | "itself" | "failure";
}

export interface JoinedAgent {
  readonly id: string;
  readonly port: number;
  readonly swarm: { readonly id: string; readonly name: string };
  /** Memory, tasks and proposals, as served by this agent itself. */
  readonly mesh: MeshClient;
  /** Resolves, once and always, when it has ended. */
  readonly ended: Promise<PeerEnd>;
  /** What it sees and does from now on. @returns what ends the listening */
  onEvent(listener: (event: TimelineEvent) => void): () => void;
  report(): AgentReport;
  /**
   * Has it removed from the swarm, and ends it: nothing is left of it.
   * @throws JoinRefused when the swarm cannot do without it, or nobody can be asked; it goes on then
   */
  leave(): Promise<void>;
  /** Ends it in good order and leaves it a member, which others see fail; it can come back by its id, in its folder. */
  stop(): Promise<PeerEnd>;
}

const DEFAULT_TIMEOUT_MS = 120_000;
/** For the others to agree that it is a member no more. */
const LEAVE_TIMEOUT_MS = 30_000;

/**
 * It runs on this program's event loop: what blocks that for long makes others miss the agent. An invariant of its that breaks is thrown in this program.
 * Resolves when the swarm has taken it in, and it has caught up and has its vote, or is a learner if it is to be one.
 * @throws JoinRefused with a sentence for people; then nothing of it is left but what was there before
 */
export async function joinSwarm(options: JoinOptions): Promise<JoinedAgent> {
  const { id = `peer-${randomBytes(3).toString("hex")}`, learner = false, note = () => {} } = options;
  if (!isId(id))
    throw new JoinRefused(`An agent's id is letters, digits, - and _, at most 64, not ${JSON.stringify(id)}.`);
  const seed = seedAt(options.address);
  const host = checkedListen(options.listen, seed);
  const secret = checkedSecret(options.secret);
  const folder = resolve(options.dir ?? ".");
  const listener = new Listener();
  let place: { readonly paths: AgentPaths; readonly fresh: boolean } | undefined;
  try {
    const welcome = await knock(seed, secret, async ({ swarm }) => {
      const paths = joinedPaths(folder, swarm, id);
      const before = readLifeOf(paths);
      place = { paths, fresh: before === null };
      const key = keyFromText(makeJoined(folder, paths, () => makeKeys().privateKey));
      const port = before?.port ?? ((await freePorts(1, 0))[0] as number);
      await listener.listen(port, host === undefined ? undefined : { host, privateKey: key, clients: true });
      return { ask: { id, port, host: host ?? "", learner, publicKey: publicTextOf(key) }, key };
    });
    const { paths } = place as { readonly paths: AgentPaths };
    const peer = await Peer.start({ ...options, folder, paths, listener, welcome, note });
    await peer.member(learner, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    return peer;
  } catch (error) {
    listener.close();
    if (place?.fresh === true) removeJoined(folder, place.paths);
    throw error instanceof JoinRefused ? error : new JoinRefused((error as Error).message);
  }
}

/** @throws JoinRefused */
function checkedListen(listen: string | undefined, { host }: Seed): string | undefined {
  if (listen === undefined && host !== undefined)
    throw new JoinRefused(
      `${host} is another host: say with --listen ADDRESS at which address of this machine its agents reach this one.`,
    );
  const why = listen === undefined ? undefined : whyNotReachable(listen);
  if (why !== undefined) throw new JoinRefused(`--listen: ${listen} ${why}.`);
  return listen;
}

function checkedSecret(secret: string): Buffer {
  try {
    return secretBytes(secret.trim());
  } catch (error) {
    throw new JoinRefused(`That is no join secret: ${(error as Error).message}.`);
  }
}

interface PeerParts {
  readonly welcome: Welcome;
  readonly secret: string;
  readonly folder: string;
  readonly paths: AgentPaths;
  readonly listener: Listener;
  readonly executor?: TaskFunction;
  readonly note: (line: string) => void;
}

class Peer implements JoinedAgent {
  readonly id: string;
  readonly port: number;
  readonly swarm: { readonly id: string; readonly name: string };
  readonly mesh: MeshClient;
  readonly ended: Promise<PeerEnd>;
  readonly #listeners = new Set<(event: TimelineEvent) => void>();
  #agent: RunningAgent | undefined;

  private constructor({ welcome, folder, paths }: PeerParts, ended: Promise<PeerEnd>) {
    const { swarm, own, token } = welcome;
    this.id = own.id;
    this.port = own.port;
    this.swarm = { id: swarm.id, name: swarm.name };
    this.mesh = connect({ agents: [{ id: own.id, port: own.port }], token, swarm: swarm.id, attemptTimeoutMs: 10_000 });
    this.ended = ended.then((end) => {
      this.mesh.close();
      // It is no member any more, or there is no swarm.
      if (end.by === "coordinator") removeJoined(folder, paths);
      return end;
    });
  }

  static async start(parts: PeerParts): Promise<Peer> {
    const { welcome, folder, paths, listener, executor, note } = parts;
    const { promise, resolve: end } = deferred<PeerEnd>();
    const peer = new Peer(parts, promise);
    peer.#agent = await runAgent({
      swarm: { ...welcome.swarm, folder, recording: null },
      own: welcome.own,
      privateKey: keyFromText(makeJoined(folder, paths, () => makeKeys().privateKey)),
      token: welcome.token,
      joinSecret: parts.secret.trim(),
      paths,
      folder,
      listener,
      ...(executor && { executor: (options) => new FunctionExecutor(options, executor) }),
      observed: (event) => {
        for (const listener of [...peer.#listeners]) listener(event);
      },
      note,
      ended: end,
    });
    return peer;
  }

  onEvent(listener: (event: TimelineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  report(): AgentReport {
    return this.#running.report();
  }

  async leave(): Promise<void> {
    const refused = deferred<never>();
    const problem = this.#running.leave((why) => refused.reject(new JoinRefused(`It cannot leave: ${why}`)));
    if (problem !== undefined) throw new JoinRefused(`It cannot leave: ${problem}.`);
    await inTime(Promise.race([this.ended, refused.promise]), LEAVE_TIMEOUT_MS, "It was not removed in time.");
  }

  stop(): Promise<PeerEnd> {
    this.#running.stop("its program asked it to");
    return this.ended;
  }

  /** @throws JoinRefused, when it has ended */
  async member(learner: boolean, timeoutMs: number): Promise<void> {
    const { promise, resolve: settle, reject } = deferred<void>();
    const look = (): void => {
      const { voters, learners } = this.report();
      if (voters.includes(this.id) || (learner && learners.includes(this.id))) settle();
    };
    const deafen = this.onEvent(({ kind }) => {
      // The agent is in the middle of its turn.
      if (kind === "configurationChanged" || kind === "snapshotInstalled") setImmediate(look);
    });
    void this.ended.then(({ why }) => reject(new JoinRefused(`It was taken in, and ended again: ${why}.`)));
    look();
    try {
      await inTime(promise, timeoutMs, `It was taken in, but was no ${learner ? "learner" : "voter"} in time.`);
    } catch (error) {
      await this.leave().catch(() => this.stop());
      throw error;
    } finally {
      deafen();
    }
  }

  get #running(): RunningAgent {
    return this.#agent as RunningAgent;
  }
}

async function inTime<T>(promise: Promise<T>, ms: number, sentence: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new JoinRefused(sentence)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
