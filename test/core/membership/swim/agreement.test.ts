import { describe, it } from "mocha";
import { SwimMembership } from "../../../../server/core/membership/swim/swim.ts";
import { assertAgreement, assertCalmEnds, assertNeverBack } from "./checks.ts";
import { LOCAL, PAPER } from "./settings.ts";

describe("members that have heard the same news", () => {
  for (const [title, settings] of [
    ["with Lifeguard", LOCAL],
    ["without it", PAPER],
  ] as const)
    it(`see all the same, in whatever order it came and however often, and reach the same verdicts at the same time (${title})`, () =>
      assertAgreement(SwimMembership, settings));

  it("never go back: whatever comes, counters and lives only rise, and a verdict stands until a later counter", () =>
    assertNeverBack());

  it("have, whatever they are told of each other and themselves, nothing that stays due, and end what they tell", () =>
    assertCalmEnds());
});
