import assert from "node:assert/strict";
import { afterEach, describe, it } from "mocha";
import { OwnerWatch } from "../../../server/live/agent/owner-watch.ts";
import { withDeadline } from "../waiting.ts";

describe("the watch over owners", () => {
  let watch: OwnerWatch;
  let now = 0;

  afterEach(() => watch.stop());

  function watching(graceMs: number, advanceMs: number): Promise<number> {
    now = 0;
    let looks = 0;
    return new Promise((resolve) => {
      const monotonicMs = (): number => {
        looks++;
        now += advanceMs;
        return now;
      };
      watch = new OwnerWatch({ graceMs, monotonicMs, abandoned: () => resolve(looks) });
    });
  }

  it("counts a long stop of the process as one look, so that a returning owner is seen first", async () => {
    const looks = await withDeadline(watching(500, 3_600_000), 3_000, "abandoned");
    assert.ok(looks >= 4, `${looks} looks for 500 ms`);
  });

  it("begins anew when an owner leaves, and never ends while one is there", async () => {
    let abandoned = false;
    const done = watching(300, 100).then(() => {
      abandoned = true;
    });
    watch.owners = 1;
    const before = now;
    await withDeadline(
      new Promise<void>((resolve) => {
        const look = setInterval(() => {
          if (now < before + 600) return;
          clearInterval(look);
          resolve();
        }, 10);
      }),
      3_000,
      "six looks",
    );
    assert.equal(abandoned, false);
    watch.owners = 0;
    await withDeadline(done, 3_000, "abandoned");
  });
});
