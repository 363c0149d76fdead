import { doesNotMatch, equal, match } from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { Terminal } from "../terminal.ts";

describe("faults beyond what Raft promises, on the command line", function () {
  this.timeout(60_000);
  let terminal: Terminal;
  beforeEach(() => {
    terminal = new Terminal();
  });
  afterEach(() => terminal.end());

  it("simulate: names them beside what broke, and names none where there is none", async () => {
    const fault = "{ at: 500ms, byzantine: { agent: leader, behaviour: equivocate }, for: 4s }";
    const file = terminal.mesh(`agents: 5\nfaults:\n  - ${fault}\n`);
    const lying = await terminal.run("simulate", file, "--seeds", "1", "--no-shrink");
    equal(lying.code, 1);
    match(lying.stdout, /BROKEN .*; not promised to be survived by Raft: a\d .*equivocate/);
    const honest = await terminal.run("simulate", terminal.mesh("agents: 3\n"), "--seeds", "1");
    equal(honest.code, 0);
    doesNotMatch(honest.stdout, /not promised/);
  });
});
