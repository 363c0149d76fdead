import { deepEqual, equal, match, throws } from "node:assert/strict";
import { describe, it } from "mocha";
import type { Answer } from "../../../server/agent/recording/answers.ts";
import { simulatedDigest } from "../../../server/agent/recording/digests.ts";
import { heard, RecordedCrypto } from "../../../server/agent/recording/recorded-crypto.ts";
import { MalformedBytes } from "../../../server/core/bytes.ts";
import type { Crypto } from "../../../server/core/crypto.ts";
import { seededRandom } from "../../../server/core/random.ts";
import { SimKeys } from "../../../server/sim/crypto.ts";

const BYTES = Uint8Array.of(1, 2, 3);

/** What an agent might ask. */
function ask(crypto: Crypto): readonly unknown[] {
  const signature = crypto.sign(BYTES);
  return [
    signature,
    crypto.verify("a1", BYTES, signature),
    crypto.verify("a2", BYTES, signature),
    crypto.digest(BYTES),
    crypto.sign(BYTES.subarray(1)),
  ];
}

describe("recorded crypto", () => {
  const real = new SimKeys(["a1", "a2"], seededRandom("recorded")).of("a1");
  const answers: Answer[] = [];
  const then = ask(heard(real, (answer) => answers.push(answer)));

  function recorded(given: readonly Answer[]): RecordedCrypto {
    const crypto = new RecordedCrypto(simulatedDigest);
    crypto.answers(given);
    return crypto;
  }

  it("answers what the real one did, without a key", () => {
    const crypto = recorded(answers);
    deepEqual(ask(crypto), then);
    equal(crypto.problem(), "");
    equal(answers.length, 4);
  });

  it("says that more is asked for than was recorded", () => {
    const crypto = recorded(answers.slice(0, -1));
    throws(() => ask(crypto), MalformedBytes);
    match(crypto.problem(), /a signature more than was recorded/);
  });

  it("says that less is asked for than was recorded", () => {
    const crypto = recorded([...answers, true, true]);
    ask(crypto);
    match(crypto.problem(), /2 fewer/);
  });

  it("says that it is asked for something else than was recorded", () => {
    const [first, ...rest] = answers as [Answer, ...Answer[]];
    const verdictFirst = recorded([true, first, ...rest]);
    throws(() => verdictFirst.sign(), MalformedBytes);
    match(verdictFirst.problem(), /signed where it had verified/);
    const signatureFirst = recorded(answers);
    throws(() => signatureFirst.verify("a1", BYTES, BYTES), MalformedBytes);
    match(signatureFirst.problem(), /verified a signature where it had signed/);
  });

  it("says that there is no digest function, and goes on saying so", () => {
    const crypto = new RecordedCrypto(undefined);
    throws(() => crypto.digest(BYTES), MalformedBytes);
    crypto.answers([]);
    match(crypto.problem(), /names no function/);
  });
});
