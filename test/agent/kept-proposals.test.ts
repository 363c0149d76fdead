import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Clients } from "../../server/agent/clients.ts";
import { Machine } from "../../server/agent/machine.ts";
import { put } from "./operations.ts";

const RETRY_MS = 1200;
const REFUSED_MS = 60;

/** What clients asked of one agent: one write, which was proposed as `command`. */
function desk(keepsProposals: boolean): { readonly clients: Clients; readonly command: Uint8Array } {
  const clients = new Clients(new Machine(), {
    name: "a1.1",
    writeRetryMs: RETRY_MS,
    refusedRetryMs: REFUSED_MS,
    keepsProposals,
    ordered: true,
    members: () => ({ members: ["a1"], voters: ["a1"] }),
    refusal: () => undefined,
    counts: () => true,
  });
  clients.request(1, { ...put("k", "v"), id: 1 }, 1000);
  const [command, ...more] = clients.takeCommands(1000);
  assert.ok(command !== undefined && more.length === 0);
  return { clients, command };
}

describe("a write without an outcome", () => {
  it("is proposed again to another leader, where the last one may have lost it", () => {
    const { clients, command } = desk(false);
    clients.leaderChanged(1010);
    assert.deepEqual(clients.takeCommands(1010), [command]);
  });

  it("is not, where the consensus keeps it", () => {
    const { clients, command } = desk(true);
    clients.leaderChanged(1010);
    assert.deepEqual(clients.takeCommands(1010 + REFUSED_MS), []);
    assert.equal(clients.retryMs(), 1000 + RETRY_MS);
    assert.deepEqual(clients.takeCommands(1000 + RETRY_MS), [command]);
  });

  it("is proposed again soon where the consensus did not take it, in either case", () => {
    for (const keepsProposals of [false, true]) {
      const { clients, command } = desk(keepsProposals);
      clients.dropped([{ command, reason: "tooManyUncommitted" }], 1001);
      assert.equal(clients.retryMs(), 1001 + REFUSED_MS);
      assert.deepEqual(clients.takeCommands(1000 + REFUSED_MS), []);
      assert.deepEqual(clients.takeCommands(1001 + REFUSED_MS), [command]);
      clients.dropped([{ command, reason: "tooLarge" }], 1100);
      assert.equal(clients.takeReplies()[0]?.result.ok, false, "one that never fits is refused");
      assert.deepEqual(clients.takeCommands(1e6), []);
    }
  });
});
