import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Showing } from "../../server/coordinator/showing.ts";
import { until } from "./ground.ts";

describe("when a swarm is shown anew", () => {
  it("is soon, once for all that changed meanwhile, and every change counts", async () => {
    let shown = 0;
    const showing = new Showing(() => shown++);
    showing.changed(60_000);
    for (let change = 0; change < 10; change++) showing.changed(0);
    await until("it is shown", () => shown === 1);
    assert.equal(showing.revision, 11);
    showing.changed(60_000);
    showing.close();
    showing.changed(0);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([shown, showing.revision], [1, 13], "nobody is shown what is closed");
  });

  it("is later where showing takes long", async () => {
    let shownAt = 0;
    const showing = new Showing(() => {
      shownAt = performance.now();
    });
    const tookMs = 20;
    showing.make(() => {
      for (const endMs = performance.now() + tookMs; performance.now() < endMs; );
    });
    const madeAt = performance.now();
    showing.changed(0);
    await until("it is shown", () => shownAt > 0);
    assert.ok(shownAt - madeAt >= 9 * tookMs, `${shownAt - madeAt} ms`);
    showing.close();
  });
});
