import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync } from "node:fs";
import type { StartNews } from "./agent/starter.ts";
import type { AgentPlace } from "./agent/startup.ts";
import { asFields, integer, oneOf, text } from "./checked-json.ts";
import { PRIVATE_MODE } from "./durable-file.ts";
import { agentPaths, diskSentence } from "./layout.ts";
import { identityOf, kill, type ProcessIdentity } from "./process.ts";
import { programEnvironment, programPath } from "./programs.ts";

const START_TIMEOUT_MS = 20_000;
/** An output file larger than this is put aside when the next life begins, in place of the one put aside before. */
const MAX_OUTPUT_BYTES = 512 * 1024;
const LAST_WORDS_CHARACTERS = 2_000;
/**
 * Keep an agent's memory low: a young generation of at most 2 x 2 MiB, and no idle compiler threads beyond one. Keep its answers even: whole collections, which
 * slow it down for some ten ms each, come four times as seldom, and code is compiled for speed once, not twice (docs/evidence.md has what each is worth).
 */
const V8_FLAGS = ["--max-semi-space-size=2", "--v8-pool-size=1", "--heap-growing-percent=400", "--no-maglev"];

/** An agent's process that could not start. The message is the agent's own sentence. */
export class AgentNotStarted extends Error {
  override readonly name = "AgentNotStarted";
}

export interface StartedAgent extends ProcessIdentity {
  readonly port: number;
  readonly incarnation: number;
}

/**
 * Starts one agent of a swarm that is laid out on disk. The process outlives this one.
 * @returns when it listens
 * @throws AgentNotStarted: its port is taken, its folder not writable, its log damaged, the disk full, or it took over 20 s
 */
export async function spawnAgent(place: AgentPlace): Promise<StartedAgent> {
  const child = startProcess(place);
  const news = await firstNews(child, place);
  if (news.type === "failed") throw new AgentNotStarted(`Agent ${place.agent} could not start. ${news.message}`);
  return { ...identityOf(news.pid), port: news.port, incarnation: news.incarnation };
}

/** The end of what an agent's process wrote last: why it ended, when it ended by itself. "" when it wrote nothing. */
export function lastWords(place: AgentPlace): string {
  const { output } = agentPaths(place.folder, place.swarm, place.agent);
  return existsSync(output) ? readFileSync(output, "utf8").trimEnd().slice(-LAST_WORDS_CHARACTERS) : "";
}

function startProcess(place: AgentPlace): ChildProcess {
  const output = openOutput(place);
  try {
    const args = ["--folder", place.folder, "--swarm", place.swarm, "--agent", place.agent];
    return spawn(process.execPath, [...V8_FLAGS, programPath("agent"), ...args], {
      cwd: place.folder,
      env: programEnvironment(),
      // Its own session: it gets no signals meant for this one's group, and no terminal.
      detached: true,
      stdio: ["ignore", output, output, "ipc"],
      windowsHide: true,
    });
  } finally {
    closeSync(output);
  }
}

function openOutput(place: AgentPlace): number {
  const { output, olderOutput } = agentPaths(place.folder, place.swarm, place.agent);
  try {
    if ((statSync(output, { throwIfNoEntry: false })?.size ?? 0) > MAX_OUTPUT_BYTES) renameSync(output, olderOutput);
    return openSync(output, "a", PRIVATE_MODE);
  } catch (error) {
    throw new AgentNotStarted(
      `Agent ${place.agent} could not start. ${diskSentence(output, error as NodeJS.ErrnoException)}`,
    );
  }
}

function firstNews(child: ChildProcess, place: AgentPlace): Promise<StartNews> {
  return new Promise((resolve, reject) => {
    const give = (act: () => void): void => {
      clearTimeout(timer);
      child.removeAllListeners();
      // From here on the two do not keep each other alive.
      child.unref();
      if (child.connected) child.disconnect();
      act();
    };
    const refuse = (why: string): void =>
      give(() => reject(new AgentNotStarted(`Agent ${place.agent} could not start. ${why}`)));
    const timer = setTimeout(() => {
      if (child.pid !== undefined) kill(identityOf(child.pid));
      refuse(`It did not listen within ${START_TIMEOUT_MS / 1000} s. ${lastWords(place)}`);
    }, START_TIMEOUT_MS);
    child.once("message", (message) => {
      try {
        const news = checkedNews(message);
        give(() => resolve(news));
      } catch (error) {
        refuse((error as Error).message);
      }
    });
    child.once("error", (error) => refuse(`Its process could not be started: ${error.message}.`));
    child.once("exit", (code, signal) =>
      refuse(`Its process ended at once (${signal ?? `exit code ${code}`}). ${lastWords(place)}`),
    );
  });
}

function checkedNews(value: unknown): StartNews {
  const where = "the agent's first message";
  const fields = asFields(value, where);
  if (oneOf(fields, "type", where, ["listening", "failed"]) === "failed")
    return { type: "failed", message: text(fields, "message", where, 10_000) };
  return {
    type: "listening",
    pid: integer(fields, "pid", where, 1, Number.MAX_SAFE_INTEGER),
    port: integer(fields, "port", where, 1, 65_535),
    incarnation: integer(fields, "incarnation", where, 1, Number.MAX_SAFE_INTEGER),
  };
}
