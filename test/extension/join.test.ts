import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { joinCommand } from "../../extension/commands/join-text.ts";
import type { AgentView } from "../../server/contract/swarm.ts";

const agent = (id: string, port: number, process: AgentView["process"]): AgentView =>
  ({ id, port, process }) as AgentView;
const swarm = {
  id: "0123456789",
  name: "first",
  folder: "/swarms/mesh",
  consensus: "raft",
  agents: [agent("a1", 4001, "crashed"), agent("a2", 4002, "running"), agent("a3", 4003, "running")],
} as const;

describe("Copy Join Command", () => {
  it("goes through the agent that was chosen, else one that runs, and has no secret in it", () => {
    const line = "agent-mesh secret --dir /swarms/mesh --swarm 0123456789 | agent-mesh join 127.0.0.1:4002 --secret -";
    assert.equal(joinCommand(swarm), line);
    assert.equal(joinCommand(swarm, "a1"), line);
    assert.match(joinCommand(swarm, "a3"), /join 127\.0\.0\.1:4003 /);
  });

  it("says where the others reach it where agents of other hosts take part, and goes through none of those", () => {
    const agents = [
      { ...agent("n1", 5001, "running"), foreign: true, host: "192.168.0.9" },
      { ...agent("a2", 4002, "running"), host: "192.168.0.7" },
    ];
    assert.match(joinCommand({ ...swarm, agents }, "n1"), /join 127\.0\.0\.1:4002 --secret - --listen 192\.168\.0\.7$/);
  });

  it("quotes a folder that a shell would take apart", () => {
    assert.match(joinCommand({ ...swarm, folder: "/my it's/mesh" }), / --dir '\/my it'\\''s\/mesh' --swarm /);
  });

  it("says why where nobody can join", () => {
    assert.throws(() => joinCommand({ ...swarm, consensus: "pbft" }), /members are fixed, and nobody joins it/);
    assert.throws(() => joinCommand({ ...swarm, memory: "eventual" }), /members are fixed, and nobody joins it/);
    assert.equal(joinCommand({ ...swarm, consensus: "gossip" }), joinCommand(swarm));
    assert.throws(() => joinCommand({ ...swarm, agents: [agent("a1", 4001, "crashed")] }), /No agent of first runs/);
  });
});
