// An agent within a program of one's own: joins a swarm of this machine, and does its tasks by a function instead of by starting programs.
//
//   agent-mesh secret > join-secret.txt                                  in the swarm's folder
//   node word-counter.mjs 127.0.0.1:PORT join-secret.txt                 the port of any of its agents
//   agent-mesh submit --wait --agent word-counter -- count "one two"     in the swarm's folder: prints 2
//
// As a learner it has no vote: the swarm does not wait for it when it goes. Ctrl-C leaves.

import { readFileSync } from "node:fs";
import { joinSwarm } from "agent-mesh/agent";

const [address = "", secretFile = ""] = process.argv.slice(2);
const agent = await joinSwarm({
  address,
  secret: readFileSync(secretFile, "utf8"),
  id: "word-counter",
  learner: true,
  executor: ({ command, args }) => {
    if (command !== "count") throw new Error(`This agent can count, not ${command}.`);
    return String(args.join(" ").split(/\s+/).filter(Boolean).length);
  },
});
console.log(`joined ${agent.swarm.name} as ${agent.id}, on port ${agent.port}`);
process.once("SIGINT", () => agent.leave());
const { why } = await agent.ended;
console.log(`ended: ${why}`);
