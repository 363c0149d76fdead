import assert from "node:assert/strict";
import fc from "fast-check";
import type { SwimSettings } from "../../../../bench/membership-network.ts";
import { SwimMembership } from "../../../../server/core/membership/swim/swim.ts";
import type { MemberState, SwimNews } from "../../../../server/core/membership/types.ts";
import { news, Script } from "./script.ts";
import { LOCAL, QUIET } from "./settings.ts";

export const MEMBERS = ["a", "b", "c", "d", "e", "f", "g"];

export const anyNews: fc.Arbitrary<SwimNews> = fc
  .record({
    id: fc.constantFrom("b", "c", "d"),
    incarnation: fc.integer({ min: 1, max: 3 }),
    heartbeat: fc.integer({ min: 1, max: 4 }),
    state: fc.constantFrom<MemberState>("alive", "suspected", "failed", "left"),
    by: fc.constantFrom("e", "f", "g"),
  })
  .map(({ by, ...rest }) => (rest.state === "suspected" ? { ...rest, by } : rest));

/** The same news twice: in some order, and in another with some of it repeated. */
const lists = fc.array(anyNews, { maxLength: 20 }).chain((list) => {
  const repeated = [...list, ...list.slice(0, 5)];
  return fc.tuple(fc.constant(list), fc.shuffledSubarray(repeated, { minLength: repeated.length }));
});

/** What it then thinks of all: at once, and when nobody has said anything for a while. */
function course(list: readonly SwimNews[], settings: SwimSettings, make: typeof SwimMembership): unknown[] {
  const script = new Script({ members: MEMBERS, settings, make });
  for (const one of list) script.told("b", one);
  const atOnce = script.core.members();
  script.run(3000);
  return [atOnce, script.core.members().map((member) => ({ ...member, sinceMs: Math.round(member.sinceMs) }))];
}

/** @throws AssertionError unless the same news leads to the same view and, by suspicions that run out, to the same verdicts at the same time. */
export function assertAgreement(make: typeof SwimMembership = SwimMembership, settings = LOCAL): void {
  fc.assert(
    fc.property(lists, ([one, other]) => {
      const [first, second] = [one, other].map((list) => course(list, settings, make));
      assert.deepEqual(first, second, "all come to the same, whatever the order and however often");
    }),
    { numRuns: 300 },
  );
}

/** @throws AssertionError when b's suspicion of d runs out sooner because c, e and f tell of it, too. */
export function assertEachConfirmsOnce(make: typeof SwimMembership = SwimMembership): void {
  const script = new Script({ make });
  for (const from of ["b", "c", "e", "f"]) script.told(from, news("d", 1, "suspected", { by: "b" }));
  script.run(2399);
  assert.equal(script.seen("d"), "suspected 1.1", "a suspicion is not confirmed by telling it again");
  script.run(2);
  assert.equal(script.seen("d"), "failed 1.1");
}

/** @throws AssertionError when a verdict that comes with a comparison is believed without asking whom it is about. */
export function assertVerdictsAreAskedAbout(make: typeof SwimMembership = SwimMembership): void {
  for (const heartbeat of [1, 3]) {
    const script = new Script({ make });
    script.answering.delete("d");
    script.compared("b", news("d", heartbeat, "failed"));
    assert.equal(script.seen("d"), "alive 1.1", "a member is asked before it is believed that it failed");
    const ping = script.sent.find(({ to }) => to === "d")?.message;
    assert.deepEqual([ping?.type, ping?.news], ["ping", [news("d", heartbeat, "failed")]]);
    script.hears("d", { type: "ping", sequence: 1, news: [] });
    assert.deepEqual(script.sent.at(-1)?.message.news, [], "it is told once");
    assert.equal(script.sent.filter(({ message }) => message.type === "pingRequest").length, 3);
    script.run(2 * LOCAL.probeTimeoutMs);
    assert.deepEqual(script.happened, ["d suspected by a: told"]);
    script.run(2400);
    assert.deepEqual(script.happened.slice(1), ["d failed by a"]);
  }
}

/** @throws AssertionError when, a while after whatever it was told of all, anything is left but pings without news; or something stays due. */
export function assertCalmEnds(make: typeof SwimMembership = SwimMembership): void {
  const about = fc.tuple(fc.constantFrom(...MEMBERS), anyNews).map(([id, one]) => ({ ...one, id }));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom("b", "c", "d"), about), { maxLength: 30 }),
      fc.boolean(),
      (all, lifeguard) => {
        const script = new Script({ members: MEMBERS, settings: { ...LOCAL, syncIntervalMs: 1e9, lifeguard }, make });
        for (const [teller, one] of all) script.told(teller, one);
        // This fails where something stays due.
        script.run(20_000);
        script.sent = [];
        script.run(4000);
        const told = script.takeSent().filter((line) => !/^\w: ping$/.test(line));
        assert.deepEqual(told, [], "nothing is told any more");
      },
    ),
    { numRuns: 200 },
  );
}

/** @throws AssertionError when a view goes back. */
export function assertNeverBack(make: typeof SwimMembership = SwimMembership): void {
  const rank = ["alive", "suspected", "failed", "left"];
  fc.assert(
    fc.property(fc.array(fc.tuple(anyNews, fc.boolean()), { maxLength: 30 }), (all) => {
      const script = new Script({ members: MEMBERS, settings: QUIET, make });
      for (const [one, compared] of all) {
        const before = script.core.members();
        if (compared) script.compared("e", one);
        else script.told("e", one);
        for (const [place, { incarnation, heartbeat, state }] of script.core.members().entries()) {
          const was = before[place] as (typeof before)[number];
          const rose = incarnation - was.incarnation || heartbeat - was.heartbeat;
          const graver = rank.indexOf(state) >= rank.indexOf(was.state);
          assert.ok(rose > 0 || (rose === 0 && graver), "counters only rise, and a verdict stands until they do");
        }
      }
    }),
    { numRuns: 300 },
  );
}
