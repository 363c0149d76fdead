import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { SwimCodec } from "../../../../server/core/membership/swim/codec.ts";
import type { SwimMessage } from "../../../../server/core/membership/types.ts";
import { news, Script } from "./script.ts";
import { LOCAL, named, QUIET } from "./settings.ts";

const SIZE = 300;
const MEMBERS = ["a", ...named(SIZE - 1)];

/** Two members, both "a" to themselves, that take each other for the second one of them all; what they say to each other until neither has more to say. */
function talk(one: Script, other: Script): SwimMessage[] {
  const codec = new SwimCodec(MEMBERS);
  const said: SwimMessage[] = [];
  for (let more = true; more; ) {
    more = false;
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      const leaving = from.sent.map(({ message }) => message).filter(isComparison);
      from.sent = [];
      for (const message of leaving) {
        more = true;
        said.push(message);
        to.hears("a1", codec.decode(codec.encode(message)));
      }
    }
  }
  return said;
}

function isComparison({ type }: SwimMessage): boolean {
  return type === "sync" || type === "checksum" || type === "ranges";
}

/** Has heard of all the others, from somebody who told it all. */
function acquainted(fields: Partial<ConstructorParameters<typeof Script>[0]> = {}): Script {
  const script = new Script({ members: MEMBERS, settings: QUIET, known: [], ...fields });
  for (let from = 1; from < SIZE; from += 100)
    script.told("a1", ...MEMBERS.slice(from, from + 100).map((id) => news(id, 1)));
  script.sent = [];
  return script;
}

describe("a comparison among many", () => {
  it("is a checksum, and nothing comes back where all is the same", () => {
    const [one, other] = [acquainted(), acquainted()];
    one.linkUp("a1");
    const said = talk(one, other);
    assert.deepEqual(
      said.map(({ type }) => type),
      ["checksum"],
    );
    assert.ok(new SwimCodec(MEMBERS).encode(said[0] as SwimMessage).length <= 12);
  });

  it("tells both of what is fresher at the other, and little of what is the same", () => {
    const [one, other] = [acquainted(), acquainted()];
    one.told("a1", news("a7", 3), news("a250", 2, "left"));
    other.told("a1", news("a120", 5), news("a7", 2));
    one.sent = [];
    other.sent = [];
    one.linkUp("a1");
    const said = talk(one, other);
    for (const script of [one, other])
      assert.deepEqual(
        ["a7", "a120", "a250"].map((id) => script.seen(id)),
        ["alive 1.3", "alive 1.5", "left 1.2"],
      );
    assert.ok(said.length <= 5, said.map(({ type }) => type).join());
    const told = said.reduce((sum, message) => sum + message.news.length, 0);
    // Three smallest ranges of sixteen, and what was fresher.
    assert.ok(told <= 3 * 16 + 3, `${told} pieces of news`);
    one.linkUp("a1");
    assert.equal(talk(one, other).length, 1);
  });

  it("goes to and fro where one has heard of nobody yet, or of fewer members", () => {
    const one = acquainted();
    const other = new Script({ members: MEMBERS, known: [] });
    other.sent = [];
    other.linkUp("a1");
    talk(other, one);
    assert.deepEqual(
      MEMBERS.slice(1).filter((id) => other.seen(id) !== "alive 1.1"),
      [],
    );
    const few = new Script({ members: MEMBERS.slice(0, 30), known: [] });
    few.linkUp("a1");
    talk(few, one);
    assert.deepEqual(
      MEMBERS.slice(1, 30).filter((id) => few.seen(id) !== "alive 1.1"),
      [],
    );
    one.linkUp("a1");
    talk(one, few);
    assert.equal(few.core.members().length, 30);
  });

  it("tells all once in as many comparisons as there are members, and is answered with all: so nothing rests on checksums", () => {
    const members = MEMBERS.slice(0, 20);
    const script = new Script({ members, settings: LOCAL });
    const { syncIntervalMs } = LOCAL;
    script.run(41 * syncIntervalMs);
    const begun = script.sent.filter(({ message }) => isComparison(message));
    const whole = begun.flatMap(({ message }, at) => (message.type === "sync" ? [at] : []));
    assert.ok(begun.length >= 40);
    assert.deepEqual(whole, [0, 21]);
    script.sent = [];
    script.hears("a1", { type: "sync", asks: true, news: [] });
    const [answer] = script.sent;
    assert.ok(answer?.message.type === "sync" && !answer.message.asks && answer.message.news.length === 20);
  });
});
