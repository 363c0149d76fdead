import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { detectionText } from "../../server/contract/detection.ts";

describe("how an agent finds out who is alive, in words", () => {
  it("names what is out of the ordinary, and nothing else", () => {
    const well = { kind: "swim", probes: 10, unanswered: 2, refuted: 0, localHealth: 0 } as const;
    assert.equal(detectionText(well), "by probing");
    assert.equal(detectionText({ ...well, kind: "heartbeat" }), "by heartbeats");
    assert.equal(
      detectionText({ ...well, localHealth: 3, refuted: 1 }),
      "by probing, 3 of 8 unwell: it waits 4 times as long; 1 suspicion was wrong",
    );
    assert.equal(detectionText({ ...well, refuted: 2 }), "by probing; 2 suspicions were wrong");
  });
});
