import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { MalformedFrame } from "../../server/client/errors.ts";
import { checkPush } from "../../server/client/shapes.ts";
import { reportOf } from "./fake-agent.ts";

const OPINION = { peer: "a2", score: 0.25, uptime: 1, latency: 0.5, honesty: 0.5, proofs: 1 };
const check = (reputations: unknown): void => checkPush({ push: "report", report: { ...reportOf("a1"), reputations } });

describe("a report that arrives", () => {
  it("has for each peer a score and its parts from 0 to 1, and the number of proofs", () => {
    check([]);
    check([OPINION, { ...OPINION, peer: "a3", score: 0, proofs: 0 }]);
  });

  for (const [what, wrong] of [
    ["no reputations", undefined],
    ["a reputation of nobody", [{ ...OPINION, peer: 2 }]],
    ["a score above 1", [{ ...OPINION, score: 1.01 }]],
    ["a part below 0", [{ ...OPINION, latency: -0.1 }]],
    ["a part that is no number", [{ ...OPINION, uptime: Number.NaN }]],
    ["no honesty", [{ ...OPINION, honesty: undefined }]],
    ["half a proof", [{ ...OPINION, proofs: 0.5 }]],
  ] as const)
    it(`is refused with ${what}`, () => assert.throws(() => check(wrong), MalformedFrame));
});
