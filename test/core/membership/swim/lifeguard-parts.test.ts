import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { lifeguardOf } from "../../../../server/core/membership/swim/config.ts";
import { suspicionTimes } from "../../../../server/core/membership/swim/suspicion.ts";
import { SwimMembership } from "../../../../server/core/membership/swim/swim.ts";
import type { Lifeguard, SwimConfig, SwimMessage } from "../../../../server/core/membership/types.ts";
import { seededRandom } from "../../../../server/core/random.ts";

const NONE: Lifeguard = { localHealth: false, dogpile: false, buddy: false, allowances: false };
const MEMBERS = ["a", "b", "c", "d", "e"];

function configOf(lifeguard: SwimConfig["lifeguard"]): SwimConfig {
  return {
    id: "a",
    members: MEMBERS,
    probeIntervalMs: 1000,
    probeTimeoutMs: 200,
    suspicionMultiplier: 5,
    spreadIntervalMs: Number.POSITIVE_INFINITY,
    syncIntervalMs: Number.POSITIVE_INFINITY,
    lifeguard,
  };
}

const memberWith = (lifeguard: SwimConfig["lifeguard"]) =>
  new SwimMembership(configOf(lifeguard), 1, 0, seededRandom("parts"));

/** What a member says next, to whom it says something. */
function said(member: SwimMembership, now: number): readonly { readonly to: string; readonly message: SwimMessage }[] {
  return (member.take(now)?.messages ?? []) as { to: string; message: SwimMessage }[];
}

/** It answers a ping of b, which c suspects; so many times before it has said it to d. @returns the states of b that each answer to b tells. */
function answersToSuspect(lifeguard: SwimConfig["lifeguard"], toldBefore: number): string[][] {
  const member = memberWith(lifeguard);
  const news = [{ id: "b", incarnation: 1, heartbeat: 1, state: "suspected" as const, by: "c" }];
  member.heard("c", { type: "spread", news }, 0);
  const answers: string[][] = [];
  for (let sequence = 1; sequence <= toldBefore; sequence++) {
    member.heard("d", { type: "ping", sequence, news: [] }, 0);
    said(member, 0);
  }
  for (let sequence = 1; sequence <= 2; sequence++) {
    member.heard("b", { type: "ping", sequence, news: [] }, 0);
    for (const { to, message } of said(member, 0))
      if (to === "b") answers.push(message.news.filter(({ id }) => id === "b").map(({ state }) => state));
  }
  return answers;
}

describe("Lifeguard's parts", () => {
  it("are had all, or none, or some", () => {
    assert.deepEqual(lifeguardOf(configOf(true)), { localHealth: true, dogpile: true, buddy: true, allowances: true });
    assert.deepEqual(lifeguardOf(configOf(false)), NONE);
    assert.deepEqual(lifeguardOf(configOf({ ...NONE, buddy: true })), { ...NONE, buddy: true });
  });

  it("without the buddy system a suspect hears of it as everybody does, while it is news", () => {
    assert.deepEqual(answersToSuspect(false, 0), [["suspected"], ["suspected"]]);
    // Four times a piece, among five.
    assert.deepEqual(answersToSuspect(false, 3), [["suspected"], []]);
    assert.deepEqual(answersToSuspect(false, 4), [[], []]);
  });

  it("with it a suspect hears of it whenever it is told anything, and once in each message", () => {
    assert.deepEqual(answersToSuspect({ ...NONE, buddy: true }, 0), [["suspected"], ["suspected"]]);
    assert.deepEqual(answersToSuspect({ ...NONE, buddy: true }, 4), [["suspected"], ["suspected"]]);
  });

  it("a helper says that it got no answer only for others' local health", () => {
    const nacks = (lifeguard: Lifeguard) => {
      const helper = memberWith(lifeguard);
      helper.heard("c", { type: "pingRequest", sequence: 7, target: "b", news: [] }, 0);
      said(helper, 0);
      helper.tick(160);
      return said(helper, 160).filter(({ to, message }) => to === "c" && message.type === "nack").length;
    };
    assert.equal(nacks({ ...NONE, localHealth: true }), 1);
    assert.equal(nacks({ ...NONE, dogpile: true, buddy: true, allowances: true }), 0);
  });

  it("a suspicion lasts longer while nobody confirms it only by the dogpile rule", () => {
    const longest = (lifeguard: Lifeguard) => {
      const { minMs, maxMs } = suspicionTimes(MEMBERS.length, configOf(lifeguard));
      return maxMs / minMs;
    };
    assert.equal(longest({ ...NONE, dogpile: true }), 6);
    assert.equal(longest({ ...NONE, localHealth: true, buddy: true, allowances: true }), 1);
  });

  it("who says what is outdated is told better only with the allowances", () => {
    const corrections = (lifeguard: Lifeguard) => {
      const member = memberWith(lifeguard);
      member.heard("b", { type: "spread", news: [{ id: "b", incarnation: 2, heartbeat: 1, state: "alive" }] }, 0);
      said(member, 0);
      const news = [{ id: "b", incarnation: 1, heartbeat: 1, state: "failed" as const }];
      member.heard("c", { type: "spread", news }, 0);
      return said(member, 0).filter(({ to, message }) => to === "c" && message.type === "spread").length;
    };
    assert.equal(corrections({ ...NONE, allowances: true }), 1);
    assert.equal(corrections({ ...NONE, localHealth: true, dogpile: true, buddy: true }), 0);
  });
});
