import { type ByteReader, type ByteWriter, MalformedBytes } from "../../core/bytes.ts";
import { MAX_SIGNATURE_BYTES } from "../../core/crypto.ts";

/** What an agent's cryptography answered: a verdict on a signature, or a signature made. Digests are not among it: they are computed again. */
export type Answer = boolean | Uint8Array;

/** The number of signatures made; each of those behind the verdicts that came before it; then the verdicts after the last one. A verdict is a bit. */
export function writeAnswers(writer: ByteWriter, answers: readonly Answer[]): void {
  let signatures = 0;
  for (const answer of answers) if (typeof answer !== "boolean") signatures++;
  writer.varint(signatures);
  let from = 0;
  for (const [at, answer] of answers.entries()) {
    if (typeof answer === "boolean") continue;
    writeVerdicts(writer, answers, from, at);
    writer.bytes(answer);
    from = at + 1;
  }
  writeVerdicts(writer, answers, from, answers.length);
}

function writeVerdicts(writer: ByteWriter, answers: readonly Answer[], from: number, to: number): void {
  writer.varint(to - from);
  for (let at = from; at < to; at += 8) {
    let bits = 0;
    for (let bit = 0; bit < 8 && at + bit < to; bit++) if (answers[at + bit] === true) bits |= 1 << bit;
    writer.byte(bits);
  }
}

/** Signatures are views into what is read. @throws MalformedBytes */
export function readAnswers(reader: ByteReader): Answer[] {
  const answers: Answer[] = [];
  for (let left = reader.count(reader.remaining); left > 0; left--) {
    readVerdicts(reader, answers);
    answers.push(reader.bytes(MAX_SIGNATURE_BYTES));
  }
  readVerdicts(reader, answers);
  return answers;
}

function readVerdicts(reader: ByteReader, answers: Answer[]): void {
  let bits = 0;
  const count = reader.count(reader.remaining * 8);
  for (let at = 0; at < count; at++) {
    if (at % 8 === 0) bits = reader.byte();
    answers.push(((bits >> (at % 8)) & 1) === 1);
  }
  if (count % 8 !== 0 && bits >> (count % 8) !== 0) throw new MalformedBytes("bits behind the last verdict");
}
