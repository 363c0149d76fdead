import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { SyncChoice } from "../../../server/live/log/sync-choice.ts";

describe("the choice of where to sync", () => {
  it("waits for small records on a quick disk, and for nothing else", () => {
    const choice = new SyncChoice();
    for (let sync = 0; sync < 100; sync++) {
      assert.ok(choice.inPlace(300));
      choice.tookInPlace(0.1);
      assert.ok(!choice.inPlace(20_000));
    }
  });

  it("stops to wait on a slow disk, and finds out when it has become quick", () => {
    const choice = new SyncChoice();
    let waited = 0;
    for (let sync = 0; sync < 2_000; sync++) {
      if (!choice.inPlace(300)) continue;
      waited++;
      choice.tookInPlace(8);
    }
    assert.ok(waited <= 10, `${waited} of 2000`);
    waited = 0;
    for (let sync = 0; sync < 1_000; sync++) {
      if (!choice.inPlace(300)) continue;
      waited++;
      choice.tookInPlace(0.1);
    }
    assert.ok(waited >= 700, `${waited} of 1000`);
  });
});
