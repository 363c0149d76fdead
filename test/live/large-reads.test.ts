import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import { connect } from "../../server/client/client.ts";
import { TestSwarm } from "./swarm.ts";

const MIB = 1024 * 1024;

describe("large reads at once", function () {
  this.timeout(30_000);
  let swarm: TestSwarm;

  afterEach(async () => assert.deepEqual(await swarm.end(), []));

  it("are all answered, also when they need several frames, or several turns", async () => {
    swarm = await TestSwarm.start(1);
    const mesh = connect({ agents: swarm.ids.map((id) => ({ id, port: swarm.port(id) })), token: swarm.token });
    try {
      for (let at = 0; at < 12; at++) await mesh.put("big", `k${at}`, new Uint8Array(MIB).fill(at));
      for (const consistency of ["linearizable", "local"] as const) {
        const asked = Array.from({ length: 48 }, (_, at) => mesh.get("big", `k${at % 12}`, { consistency }));
        for (const [at, item] of (await Promise.all(asked)).entries()) {
          assert.equal(item?.value.length, MIB);
          assert.equal(item.value[MIB - 1], at % 12);
        }
      }
    } finally {
      mesh.close();
    }
  });
});
