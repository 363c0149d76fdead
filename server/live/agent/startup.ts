import { parseArgs } from "node:util";
import { privateKeyOf, publicKeyOf } from "../identity.ts";
import { type AgentPaths, diskSentence, LayoutProblem, readLifeOf, writeLife } from "../layout.ts";
import type { LogDisk } from "../log/file-log.ts";
import { openLog } from "../log/open-folder.ts";
import { LogDamaged } from "../log/recovery.ts";
import { identityOf } from "../process.ts";
import type { RosterAgent, SwarmFile } from "../swarm-file.ts";
import type { Neighbour } from "./links.ts";

/** Which agent of which swarm a process is: the arguments that spawn.ts gives it. */
export interface AgentPlace {
  readonly folder: string;
  readonly swarm: string;
  readonly agent: string;
}

/** @throws Error */
export function placeFromArguments(args: readonly string[]): AgentPlace {
  const { values } = parseArgs({
    args: [...args],
    options: { folder: { type: "string" }, swarm: { type: "string" }, agent: { type: "string" } },
  });
  const { folder, swarm, agent } = values;
  if (folder === undefined || swarm === undefined || agent === undefined)
    throw new Error("An agent is started with --folder FOLDER --swarm ID --agent ID.");
  return { folder, swarm, agent };
}

/** The agent's own line in the swarm's file. @throws LayoutProblem when there is none, or it was removed */
export function ownAgent(swarm: SwarmFile, id: string): RosterAgent {
  const own = swarm.agents.find((agent) => agent.id === id);
  if (own === undefined) throw new LayoutProblem(`Swarm ${swarm.name} (${swarm.id}) has no agent ${id}.`);
  if (own.left === true) throw new LayoutProblem(`Agent ${id} was removed from swarm ${swarm.name} (${swarm.id}).`);
  return own;
}

/**
 * Begins a new life: one more than the last, made durable before anybody hears of it. Where the last is unknown although the agent has a log, the
 * seconds since the epoch: more than any count.
 */
export function beginLife(paths: AgentPaths, port: number, hasLog: boolean, nowMs: number): number {
  const before = readLifeOf(paths)?.incarnation;
  const incarnation = before !== undefined ? before + 1 : hasLog ? Math.floor(nowMs / 1000) : 1;
  const startedAtMs = Math.floor(nowMs);
  writeLife(paths, { ...identityOf(process.pid), incarnation, port, startedAtMs });
  return incarnation;
}

export interface LogEvents {
  readonly onDurable: () => void;
  readonly onFailure: (error: Error) => void;
  readonly onNote: (line: string) => void;
  readonly disk?: LogDisk;
}

/** @throws LayoutProblem, LogDamaged: with a sentence for people */
export function openAgentLog(folder: string, events: LogEvents): ReturnType<typeof openLog> {
  try {
    return openLog({
      folder,
      onDurable: events.onDurable,
      onNote: events.onNote,
      ...(events.disk && { disk: events.disk }),
      onFailure: (error) => events.onFailure(new LayoutProblem(diskSentence(folder, error))),
    });
  } catch (error) {
    if (error instanceof LogDamaged) throw error;
    throw new LayoutProblem(diskSentence(folder, error as NodeJS.ErrnoException));
  }
}

/** The agents that share a link with this one, in the order of the roster. @throws LayoutProblem when a key is none */
export function neighboursOf(swarm: Pick<SwarmFile, "agents" | "links">, id: string): Neighbour[] {
  const linked = new Set(swarm.links.flatMap(({ a, b }) => (a === id ? [b] : b === id ? [a] : [])));
  const place = swarm.agents.findIndex((agent) => agent.id === id);
  return swarm.agents.flatMap((agent, at): Neighbour[] => {
    if (!linked.has(agent.id)) return [];
    try {
      const key = publicKeyOf(agent.publicKey);
      // Whoever listens at the same address is on the same machine.
      const far = agent.host === undefined || agent.host === swarm.agents[place]?.host ? {} : { host: agent.host };
      return [{ id: agent.id, port: agent.port, ...far, key, dials: place > at ? "we" : "they" }];
    } catch (error) {
      throw new LayoutProblem(
        `The public key of ${agent.id} in swarm.json cannot be used: ${(error as Error).message}.`,
      );
    }
  });
}

/** @throws LayoutProblem when it is none */
export function keyFromText(text: string): ReturnType<typeof privateKeyOf> {
  try {
    return privateKeyOf(text);
  } catch (error) {
    throw new LayoutProblem(`The agent's private key cannot be used: ${(error as Error).message}.`);
  }
}
