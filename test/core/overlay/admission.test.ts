import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { Admission, type AdmissionSettings } from "../../../server/core/overlay/admission.ts";

const settings: AdmissionSettings = {
  source: { burst: 3, everyMs: 100 },
  all: { burst: 5, everyMs: 50 },
  maxSources: 4,
};

describe("admission", () => {
  it("lets a burst of one source in, then one in a while, and says how long to wait", () => {
    const admission = new Admission(settings);
    const asked = [0, 0, 0, 0].map((now) => admission.ask("a", now));
    assert.deepEqual(
      asked.map(({ admitted }) => admitted),
      [true, true, true, false],
    );
    assert.deepEqual(asked[3], { admitted: false, by: "source", retryAfterMs: 100 });
    assert.deepEqual(admission.ask("a", 40), { admitted: false, by: "source", retryAfterMs: 60 });
    assert.deepEqual(admission.ask("a", 100), { admitted: true });
    assert.equal(admission.ask("a", 101).admitted, false);
  });

  it("is not used up for others by who comes too often", () => {
    const admission = new Admission(settings);
    for (let at = 0; at < 100; at++) admission.ask("flood", 0);
    assert.deepEqual(admission.ask("b", 0), { admitted: true });
    assert.deepEqual(admission.ask("b", 0), { admitted: true });
    assert.deepEqual(admission.ask("c", 0), { admitted: false, by: "all", retryAfterMs: 50 });
  });

  it("remembers a bounded number of sources, whatever comes", () => {
    const admission = new Admission(settings);
    for (let at = 0; at < 1_000; at++) admission.ask(`s${at}`, at);
    assert.equal(admission.sources, settings.maxSources);
  });

  it("never lets more in than the burst and the pace allow, in any order of callers and times", () => {
    const calls = fc.array(fc.record({ source: fc.constantFrom("a", "b", "c"), afterMs: fc.nat(120) }), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(calls, (asked) => {
        const admission = new Admission(settings);
        let now = 0;
        let admitted = 0;
        for (const { source, afterMs } of asked) {
          now += afterMs;
          if (admission.ask(source, now).admitted) admitted++;
          const most = settings.all.burst + now / settings.all.everyMs;
          assert.ok(admitted <= most + 1e-9, `${admitted} by ${now} ms`);
        }
      }),
    );
  });
});
