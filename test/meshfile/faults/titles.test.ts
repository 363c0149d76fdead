import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { FaultSpec } from "../../../server/contract/faults.ts";
import { agentFaultTitle, linkFaultTitle } from "../../../server/meshfile/faults/titles.ts";

type AgentFault = Extract<FaultSpec, { readonly agent: string }>;
type LinkFault = Extract<FaultSpec, { readonly a: string }>;

const ONE = ["a1"];
const TWO = ["a1", "a4"];
const agent = "everyone";

describe("a fault's title is a sentence of one agent, and of several:", () => {
  for (const [spec, ofOne, ofTwo] of [
    [{ kind: "crash", agent }, "a1 crashed", "a1, a4 crashed"],
    [{ kind: "pause", agent }, "a1 paused", "a1, a4 paused"],
    [{ kind: "isolate", agent }, "a1 isolated", "a1, a4 isolated"],
    [{ kind: "byzantine", agent, behaviour: "forge" }, "a1 lies: forge", "a1, a4 lie: forge"],
    [{ kind: "cpu", agent, slowdown: 5 }, "a1: 5 times as slow", "a1, a4: 5 times as slow"],
    [{ kind: "clock", agent, skewMs: 300 }, "a1: clock 300ms ahead", "a1, a4: clocks 300ms ahead"],
    [disk("slow"), "a1: disk slow by 5 ms", "a1, a4: disks slow by 5 ms"],
    [disk("failing"), "a1: disk failing", "a1, a4: disks failing"],
    [disk("full"), "a1: disk full", "a1, a4: disks full"],
    [disk("bitRot"), "a1: a bit on its disk flipped", "a1, a4: a bit on each of their disks flipped"],
    [
      disk("tornTail"),
      "a1: the next crash tears the last record",
      "a1, a4: the next crash of each tears the last record",
    ],
    [
      disk("lostSyncs"),
      "a1: the next crash loses synced records",
      "a1, a4: the next crash of each loses synced records",
    ],
  ] as [AgentFault, string, string][])
    it(ofOne, () => {
      assert.equal(agentFaultTitle(spec, ONE), ofOne);
      assert.equal(agentFaultTitle(spec, TWO), ofTwo);
    });

  const lossy = (direction: "out" | "in"): LinkFault => ({
    kind: "link",
    a: "everyone",
    direction,
    toxics: [{ toxic: "loss", share: 0.5 }],
  });
  for (const [spec, ofOne, ofTwo] of [
    [lossy("out"), "All that a1 sends: losing 50 % of frames", "All that a1, a4 send: losing 50 % of frames"],
    [lossy("in"), "All that a1 receives: losing 50 % of frames", "All that a1, a4 receive: losing 50 % of frames"],
    [{ kind: "slow", a: "one", delayMs: 5 }, "All links of a1 slow by 5 ms", "All links of a1, a4 slow by 5 ms"],
  ] as [LinkFault, string, string][])
    it(ofOne, () => {
      assert.equal(linkFaultTitle(spec, ONE, undefined), ofOne);
      assert.equal(linkFaultTitle(spec, TWO, undefined), ofTwo);
    });
});

function disk(trouble: "slow" | "failing" | "full" | "bitRot" | "tornTail" | "lostSyncs"): AgentFault {
  return { kind: "disk", agent, disk: trouble === "slow" ? { trouble, delayMs: 5 } : { trouble } };
}
