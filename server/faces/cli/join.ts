/** An agent that joins a swarm, in the foreground of a terminal. */

import { existsSync, readFileSync, statSync } from "node:fs";
import type { TimelineEvent } from "../../contract/timeline.ts";
import { deferred } from "../../live/deferred.ts";
import { type JoinedAgent, JoinRefused, joinSwarm } from "../../peer/join-swarm.ts";
import { type Arguments, UsageError } from "./arguments.ts";
import type { Output } from "./output.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** As shells count a process that SIGINT ended. */
const INTERRUPTED = 130;
const MAX_SECRET_BYTES = 4_096;
/** A seed that is busy is asked again, so often. */
const TRIES = 5;
const LONGEST_RETRY_MS = 10_000;

/** What is told of what it does, besides what concerns this command. */
const TOLD: Readonly<Partial<Record<TimelineEvent["kind"], (fields: TimelineEvent["fields"]) => string>>> = {
  linkUp: ({ peer }) => `linked with ${peer}`,
  linkDown: ({ peer }) => `the link with ${peer} is down`,
  leaderKnown: ({ leader }) => `${leader} leads`,
  becameLeader: () => "leads the swarm",
  configurationChanged: ({ voters, learners }) =>
    `members: voters ${[voters].flat().join(", ")}${[learners].flat().length === 0 ? "" : `; learners ${[learners].flat().join(", ")}`}`,
  snapshotInstalled: () => "caught up by a snapshot",
  taskStarted: ({ task }) => `runs task ${task}`,
  taskEnded: ({ task }) => `task ${task} has ended`,
};

/** `join ADDRESS`. @returns the exit code */
export async function join({ words, flags }: Arguments, output: Output): Promise<number> {
  const [address, ...more] = words;
  if (address === undefined || more.length > 0)
    throw new UsageError("join takes the address of an agent: agent-mesh join 127.0.0.1:4001");
  const secret = readSecret(flags.secret, output);
  const { dir, id, learner, listen } = flags;
  if (dir !== undefined && !(existsSync(dir) && statSync(dir).isDirectory()))
    throw new UsageError(`${dir} is not a folder: the agent keeps its log there, and tasks run in it.`);
  const ending = deferred<string>();
  const onSignal = (signal: NodeJS.Signals): void => ending.resolve(signal);
  for (const signal of SIGNALS) process.on(signal, onSignal);
  output.onClosed(() => ending.resolve("nobody reads its output"));
  try {
    const joining = joined(
      { address, secret, learner, ...(dir && { dir }), ...(id && { id }), ...(listen && { listen }) },
      output,
      ending.promise,
    );
    const first = await Promise.race([joining, ending.promise]);
    if (typeof first !== "string") return await stay(first, output, ending.promise);
    output.line("stopping", { reason: first }, `Stopping (${first}) …`);
    const agent = await joining.catch(() => undefined);
    if (agent !== undefined) await leave(agent, output);
    return INTERRUPTED;
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}

type Wish = Parameters<typeof joinSwarm>[0];

/** Asks again where the swarm says that it is of use. */
async function joined(wish: Wish, output: Output, stopped: Promise<string>): Promise<JoinedAgent> {
  for (let tries = 1; ; tries++) {
    try {
      output.line("joining", { address: wish.address }, `Joining through ${wish.address} …`);
      const agent = await joinSwarm({ ...wish, note: (message) => output.line("detail", { message }, undefined) });
      const { id, port, swarm } = agent;
      const { voters } = agent.report();
      const member = voters.includes(id) ? "voter" : "learner";
      output.line(
        "joined",
        { id, port, swarm, member },
        `${id} is a ${member} of ${swarm.name}, on port ${port}. Ctrl-C leaves it.`,
      );
      return agent;
    } catch (error) {
      if (!(error instanceof JoinRefused) || error.retryAfterMs === 0 || tries === TRIES) throw error;
      const waitMs = Math.min(error.retryAfterMs, LONGEST_RETRY_MS);
      output.note(`${error.message} Asking again in ${Math.ceil(waitMs / 1000)} s.`);
      const waited = new Promise((wake) => setTimeout(wake, waitMs));
      if (typeof (await Promise.race([waited, stopped])) === "string") throw error;
    }
  }
}

/** Until it is told to leave, or has ended. @returns the exit code */
async function stay(agent: JoinedAgent, output: Output, told: Promise<string>): Promise<number> {
  let leaving = false;
  agent.onEvent(({ kind, fields }) => {
    const words = TOLD[kind]?.(fields);
    // Whoever leaves loses its links, some of them after it was said that nothing is left.
    if (words !== undefined && !(leaving && kind === "linkDown")) output.line("event", { kind, fields }, `  ${words}`);
  });
  const first = await Promise.race([told, agent.ended]);
  if (typeof first === "string") {
    leaving = true;
    output.line("stopping", { reason: first }, `Leaving (${first}) …`);
    return leave(agent, output);
  }
  output.line("ended", first, `${agent.id} has ended: ${first.why}.`);
  return first.by === "coordinator" ? 0 : 1;
}

/** @returns the exit code */
async function leave(agent: JoinedAgent, output: Output): Promise<number> {
  try {
    await agent.leave();
    output.line("left", { id: agent.id, removed: true }, `${agent.id} has left; nothing of it is left.`);
    return 0;
  } catch (error) {
    await agent.stop();
    const why = error instanceof Error ? error.message : String(error);
    output.problem(
      `${why} ${agent.id} has ended, and is a member that does not answer: remove it, or start it again with --id ${agent.id}.`,
    );
    output.line("left", { id: agent.id, removed: false }, undefined);
    return 1;
  }
}

/** Of the environment, a file, standard input, or as it is. @throws UsageError */
function readSecret(given: string | undefined, output: Output): string {
  const source = given ?? process.env.AGENT_MESH_SECRET;
  // What this process starts is not to have it.
  delete process.env.AGENT_MESH_SECRET;
  if (source === undefined || source === "")
    throw new UsageError(
      "join needs the swarm's join secret: in AGENT_MESH_SECRET, or --secret FILE, or --secret - for standard input. `agent-mesh secret`, in the swarm's folder, prints it.",
    );
  if (given === undefined) return source.trim();
  if (given === "-") return readFileSync(0, "utf8").slice(0, MAX_SECRET_BYTES).trim();
  if (existsSync(given)) {
    if (statSync(given).size > MAX_SECRET_BYTES) throw new UsageError(`${given} is too large to hold a join secret.`);
    return readFileSync(given, "utf8").trim();
  }
  output.note(
    "A secret that is given as an argument can be seen by others on this machine (ps). Better: AGENT_MESH_SECRET, a file, or --secret - for standard input.",
  );
  return given;
}
