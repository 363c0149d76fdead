import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { CommandEncoder } from "../../server/agent/command.ts";
import { Compaction } from "../../server/agent/compaction.ts";
import { Machine } from "../../server/agent/machine.ts";
import { EntryKind } from "../../server/core/consensus.ts";

/** A machine with so many items, and its compaction, which is never due by itself. */
function desk(items: number): { readonly machine: Machine; readonly compaction: Compaction } {
  const machine = new Machine();
  for (let at = 0; at < items; at++) write(machine);
  return { machine, compaction: new Compaction(machine, { everyEntries: 1e9, everyBytes: 1e9, share: 0 }) };
}

const encoder = new CommandEncoder();

function write(machine: Machine): void {
  const index = machine.index + 1;
  const memory = { type: "put", namespace: "n", key: `k${index}`, value: new Uint8Array(400), ttlMs: 0 } as const;
  const data = encoder.encode({
    session: "s",
    sequence: index,
    firstUnanswered: index,
    command: { on: "memory", memory },
  });
  machine.apply({ index, term: 1, kind: EntryKind.command, timeMs: 1000, data });
}

describe("a snapshot that the consensus asks for", () => {
  it("is begun though none is due, and is of the state then, whatever is applied meanwhile", () => {
    const { machine, compaction } = desk(1000);
    const wanted = machine.snapshot();
    compaction.begin();
    assert.equal(compaction.active, false, "none is due");
    compaction.beginNow();
    let steps = 0;
    for (;;) {
      steps++;
      const done = compaction.step();
      if (done !== undefined) {
        assert.equal(done.index, 1000);
        assert.deepEqual(done.data, wanted);
        break;
      }
      write(machine);
    }
    assert.ok(steps > 3, `${steps} steps`);
    assert.equal(compaction.active, false);
  });

  it("can be finished at once, and none is left then", () => {
    const { machine, compaction } = desk(1000);
    const wanted = machine.snapshot();
    compaction.beginNow();
    assert.equal(compaction.step(), undefined);
    write(machine);
    assert.deepEqual(compaction.finish(), { index: 1000, data: wanted });
    assert.equal(compaction.active, false);
    assert.equal(compaction.finish(), undefined, "none is being made");
    compaction.beginNow();
    assert.equal(compaction.finish()?.index, 1001);
  });

  it("is given up when another state takes the machine's place", () => {
    const { machine, compaction } = desk(1000);
    const other = desk(1200).machine.snapshot();
    compaction.beginNow();
    machine.restore(other);
    compaction.restored(other.length);
    assert.equal(compaction.active, false);
    assert.equal(compaction.finish(), undefined);
  });
});
