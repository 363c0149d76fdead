// Five real processes that come to know what they all have, one of them being killed meanwhile; and what they recorded of it.

import assert from "node:assert/strict";
import { join } from "node:path";
import { afterEach, describe, it } from "mocha";
import type { AggregateInfo } from "../../server/contract/aggregate.ts";
import { readRecordings } from "../../server/live/recordings/read.ts";
import { replayAgent } from "../../server/live/recordings/replay.ts";
import type { TestClient } from "./client.ts";
import { TestSwarm } from "./swarm.ts";
import { eventually } from "./waiting.ts";

/** A line, so that most messages are passed on. */
const LINE = [1, 2, 3, 4].map((at) => ({ a: `a${at}`, b: `a${at + 1}` }));

describe("live aggregates", function () {
  this.timeout(90_000);
  let swarm: TestSwarm;

  afterEach(async () => {
    assert.deepEqual(await swarm.end(), []);
  });

  async function aggregate(client: TestClient, metric: string): Promise<AggregateInfo> {
    const answer = await client.request({ op: "aggregate", metric, timeoutMs: 20_000 });
    assert.ok(answer.ok && answer.value.type === "aggregate", JSON.stringify(answer));
    return answer.value.aggregate;
  }

  const settled = (ids: readonly string[] = swarm.ids) =>
    swarm.reports("all are linked, and hold each other alive", ids, (all) =>
      all.every(
        ({ links, members }) =>
          links.every(({ up, peer }) => up === ids.includes(peer)) &&
          members.every(({ id, state }) => (state === "alive") === ids.includes(id)),
      ),
    );

  it("come to what the reports say, within their error", async () => {
    swarm = await TestSwarm.start(5, { links: LINE });
    const reports = await settled();
    const client = await swarm.client("a1");
    const links = await aggregate(client, "links");
    const up = reports.map((report) => report.links.filter((link) => link.up).length);
    assert.deepEqual(
      [links.converged, links.count, links.min, links.max, links.missing],
      [true, 5, Math.min(...up), Math.max(...up), []],
    );
    const truth = up.reduce((sum, one) => sum + one, 0) / up.length;
    assert.ok(Math.abs((links.mean as number) - truth) <= (links.error as number), JSON.stringify(links));
    // What processes use moves all the time: between what is reported before and after.
    const before = await settled();
    const cpu = await aggregate(client, "cpuSeconds");
    const after = await settled();
    const mean = (all: typeof before): number => all.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0) / all.length;
    const [least, most] = [mean(before) - (cpu.error as number), mean(after) + (cpu.error as number)];
    assert.ok((cpu.mean as number) >= least && (cpu.mean as number) <= most, `${least}, ${cpu.mean}, ${most}`);
    assert.deepEqual([cpu.count, cpu.unit], [5, "s"]);
  });

  it("go on without an agent that is killed meanwhile, and say that it is not in them", async () => {
    swarm = await TestSwarm.start(5);
    await settled();
    const asking = aggregate(await swarm.client("a1"), "slots");
    swarm.kill("a4");
    const slots = await asking;
    assert.deepEqual([slots.converged, slots.mean, slots.error, slots.members], [true, 2, 0, 5]);
    // It may have been through before it was killed.
    assert.ok(
      slots.missing.every((id) => id === "a4"),
      slots.missing.join(),
    );
    await settled(["a1", "a2", "a3", "a5"]);
    const links = await aggregate(await swarm.client("a2"), "links");
    assert.deepEqual([links.mean, links.count, links.missing], [3, 4, ["a4"]]);
  });

  it("are recomputed from what the agents recorded", async () => {
    const recording = { sizeBytes: 64 * 1024 * 1024, ageMs: 3_600_000, keep: false };
    swarm = await TestSwarm.start(3, { recording });
    await settled();
    const client = await swarm.client("a1");
    const rss = await aggregate(client, "rssBytes");
    assert.deepEqual([rss.converged, rss.count], [true, 3]);
    const folder = join(swarm.file.folder, ".agent-mesh", swarm.file.id);
    for (const id of swarm.ids)
      await eventually(`what ${id} was told of its process is recorded, and replays to the same frames`, () => {
        const events: string[] = [];
        const found = replayAgent(readRecordings(folder), id, {
          onEvent: ({ kind, fields }) => {
            if (kind === "aggregateEnded") events.push(String(fields.mean));
          },
        });
        return (
          found !== undefined &&
          found.checks > 0 &&
          events.length > 0 &&
          assert.equal(events[0], String(rss.mean)) === undefined
        );
      });
  });
});
