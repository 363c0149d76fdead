import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { Tally } from "../../server/client/tally.ts";
import type { ClientResult } from "../../server/contract/client.ts";
import { written } from "./fake-agent.ts";

function tally(needed: number, answers: Readonly<Record<string, ClientResult>>): Tally {
  const made = new Tally(needed);
  for (const [agent, result] of Object.entries(answers)) made.said(agent, result);
  return made;
}

function verdictOf(tally: Tally): ClientResult | undefined {
  return tally.verdict?.result;
}

const refused = (message: string): ClientResult => ({ ok: false, code: "refused", message });

describe("what agents say of one write", () => {
  it("is decided by as many equal answers as are needed, and by no fewer", () => {
    assert.equal(tally(2, { a1: written(9) }).verdict, undefined);
    assert.equal(tally(2, { a1: written(9), a2: written(7) }).verdict, undefined);
    const { verdict } = tally(2, { a1: written(9), a2: written(7), a3: written(9) });
    assert.deepEqual(verdict, { result: written(9), by: ["a1", "a3"] });
  });

  it("counts an agent once, however often it answers", () => {
    const made = tally(2, { a1: written(9) });
    made.said("a1", written(9));
    assert.equal(made.verdict, undefined);
    assert.equal(made.missing, 1);
  });

  it("compares what was answered, not how it was written", () => {
    const more = { ok: true, value: { type: "written", version: 9, more: "text" } } as unknown as ClientResult;
    assert.deepEqual(tally(2, { a1: written(9), a2: more }).verdict?.by, ["a1", "a2"]);
    const other: ClientResult = { ok: true, value: { type: "conflict", version: 9 } };
    assert.equal(tally(2, { a1: written(9), a2: other }).verdict, undefined);
    const proposed = (proposalId: string, created: boolean): ClientResult => ({
      ok: true,
      value: { type: "proposed", proposalId, created },
    });
    assert.deepEqual(tally(2, { a1: proposed("p", true), a2: proposed("p", true) }).verdict?.by, ["a1", "a2"]);
    assert.equal(tally(2, { a1: proposed("p", true), a2: proposed("p", false) }).verdict, undefined);
    assert.equal(tally(2, { a1: proposed("p", true), a2: proposed("q", true) }).verdict, undefined);
    assert.equal(tally(2, { a1: refused("full"), a2: refused("finished") }).verdict, undefined);
    assert.notEqual(tally(2, { a1: refused("full"), a2: refused("full") }).verdict, undefined);
  });

  it("never gives f liars their way: with f + 1 needed, what is decided some honest agent said", () => {
    const version = fc.integer({ min: 1, max: 3 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(version, { minLength: 1, maxLength: 12 }), (f, lies) => {
        const made = new Tally(f + 1);
        for (const [at, lie] of lies.slice(0, f).entries()) made.said(`liar${at}`, written(lie));
        assert.equal(verdictOf(made), undefined);
        for (let at = 0; at <= f; at++) made.said(`honest${at}`, written(9));
        assert.deepEqual(verdictOf(made), written(9));
      }),
    );
  });

  it("asks for as many more as could decide it", () => {
    const made = new Tally(2);
    assert.equal(made.missing, 2);
    made.asked("a1");
    made.asked("a2");
    assert.equal(made.missing, 0);
    made.closed("a1");
    made.said("a1", written(9));
    assert.equal(made.missing, 0, "a2 may agree");
    made.closed("a2");
    made.said("a2", written(7));
    assert.equal(made.missing, 1, "neither side has two");
    made.asked("a3");
    assert.equal(made.missing, 0);
    made.closed("a3");
    assert.equal(made.missing, 1, "it gave no answer");
  });

  it("is told in a sentence that names who is alone, and who is silent", () => {
    const made = tally(3, { a3: written(7), a1: written(9), a4: written(9) });
    assert.equal(made.sentence, "a3 says version 7, a1 and a4 say version 9: a3 is alone");
    made.asked("a2");
    assert.match(made.sentence, /a3 is alone; no answer from a2$/);
    assert.equal(
      tally(2, { a1: written(1), a2: refused("full") }).sentence,
      "a1 says version 1, a2 says refused (full)",
    );
    assert.equal(new Tally(2).sentence, "");
  });
});
