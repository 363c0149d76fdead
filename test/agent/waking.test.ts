import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "mocha";
import { Waking } from "../../server/agent/waking.ts";

function subject(): { readonly waking: Waking; readonly asked: string[] } {
  const asked: string[] = [];
  const waking = new Waking({
    requestTurn: () => void asked.push("turn"),
    setAlarm: (atMs) => void asked.push(`alarm ${atMs}`),
  });
  return { waking, asked };
}

describe("an agent's waking", () => {
  it("asks for one turn for all that comes before it, and for an alarm at the earliest deadline", () => {
    const { waking, asked } = subject();
    waking.input(5);
    waking.input(6, true);
    waking.wake();
    deepEqual(asked, ["turn"]);
    equal(waking.sinceMs(9), 5);
    equal(waking.begins(9), true);
    waking.ends(9, 20);
    equal(waking.sinceMs(12), 12);
    waking.input(12);
    equal(waking.begins(12), true);
    waking.ends(12, 20);
    deepEqual(asked, ["turn", "alarm 20", "turn"]);
    waking.alarm(20);
    equal(waking.begins(20), true);
    // Due already: another turn, and no alarm.
    waking.ends(20, 20);
    deepEqual(asked.slice(3), ["turn", "turn"]);
    equal(waking.begins(20), true);
  });

  it("has only to pass on what came for others, unless something else came, is to be done, or is due", () => {
    const { waking } = subject();
    waking.input(1, true);
    // Nothing was done yet at all, and no alarm is set.
    equal(waking.begins(1), true);
    waking.ends(1, 10);
    waking.input(2, true);
    equal(waking.begins(2), false);
    waking.ends(2);
    for (const more of [() => waking.input(3), () => waking.wake()]) {
      waking.input(3, true);
      more();
      equal(waking.begins(3), true);
      waking.ends(3, 10);
    }
    waking.input(10, true);
    // The alarm is late.
    equal(waking.begins(10), true);
  });
});
