/**
 * dist/agent.cjs: one agent as an operating-system process. Reads its swarm's files, takes its port, recovers its log, and runs the agent until it is
 * told to stop, is abandoned by its coordinators, or cannot go on.
 */
import { agentPaths, readJoinSecret, readPrivateKey, readSwarm, readToken } from "../layout.ts";
import { EXIT_FAILED } from "./ending.ts";
import { Listener } from "./listener.ts";
import { OutputLog } from "./output-log.ts";
import { runAgent } from "./run-agent.ts";
import { tellStarter } from "./starter.ts";
import { keyFromText, ownAgent, placeFromArguments } from "./startup.ts";

const EXIT_NOT_STARTED = 2;

const { note } = new OutputLog((line) => process.stderr.write(line));

async function start(): Promise<void> {
  const place = placeFromArguments(process.argv.slice(2));
  const { folder } = place;
  const swarm = readSwarm(folder, place.swarm);
  const own = ownAgent(swarm, place.agent);
  const { id, port } = own;
  const privateKey = keyFromText(readPrivateKey(folder, swarm.id, id));
  const token = readToken(folder, swarm.id);
  const joinSecret = readJoinSecret(folder, swarm.id);
  // The port comes first: who has it is the only process of this agent, and may touch its files.
  const listener = new Listener();
  await listener.listen(port, own.host === undefined ? undefined : { host: own.host, privateKey, clients: false });
  const agent = await runAgent({
    swarm,
    own,
    privateKey,
    token,
    joinSecret,
    paths: agentPaths(folder, swarm.id, id),
    folder,
    listener,
    note,
    ended: ({ by }) => process.exit(by === "failure" ? EXIT_FAILED : 0),
  });
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => agent.fail(error.stack ?? error.message));
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const)
    process.on(signal, () => agent.stop(`it got ${signal}`));
  tellStarter({ type: "listening", pid: process.pid, port, incarnation: agent.incarnation });
}

// A note that cannot be written (the disk is full) must not be what ends an agent.
process.stderr.on("error", () => {});
process.on("uncaughtException", (error) => {
  note(`The agent ends: ${error.stack ?? error.message}`);
  process.exit(EXIT_FAILED);
});
start().catch((error: Error) => {
  note(`The agent cannot start: ${error.message}`);
  tellStarter({ type: "failed", message: error.message }, () => process.exit(EXIT_NOT_STARTED));
});
