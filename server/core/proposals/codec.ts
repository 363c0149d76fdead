import { ByteReader, ByteWriter, MalformedBytes } from "../bytes.ts";
import { MAX_SIGNATURE_BYTES } from "../crypto.ts";
import {
  checkProposalCommand,
  MAX_BODY_BYTES,
  MAX_PROPOSAL_ID_BYTES,
  MAX_REASON_BYTES,
  MAX_SUBJECT_BYTES,
  MAX_VOTER_ID_BYTES,
  MAX_VOTERS,
} from "./limits.ts";
import type { Choice, ProposalCommand, ProposalSpec, SignedVote } from "./types.ts";

const Tag = { propose: 1, vote: 2 } as const;
const CHOICES = { reject: 0, approve: 1 } as const satisfies Record<Choice, number>;

/** @throws RangeError with the sentence of `checkProposalCommand`: what no replica could read must not reach the log. */
export function encodeProposalCommand(command: ProposalCommand): Uint8Array {
  const problem = checkProposalCommand(command);
  if (problem !== undefined) throw new RangeError(problem);
  const writer = new ByteWriter();
  writer.byte(Tag[command.type]);
  if (command.type === "propose") {
    writeProposalSpec(writer, command.spec);
  } else {
    writer.text(command.id);
    writeVote(writer, command.vote);
  }
  return writer.finish();
}

/** @throws MalformedBytes */
export function decodeProposalCommand(bytes: Uint8Array): ProposalCommand {
  return readProposalCommand(new ByteReader(bytes));
}

/** The same of all that is left to read. */
export function readProposalCommand(reader: ByteReader): ProposalCommand {
  const command = readCommand(reader);
  reader.end();
  const problem = checkProposalCommand(command);
  if (problem !== undefined) throw new MalformedBytes(problem);
  return command;
}

function readCommand(reader: ByteReader): ProposalCommand {
  const tag = reader.byte();
  switch (tag) {
    case Tag.propose:
      return { type: "propose", spec: readProposalSpec(reader) };
    case Tag.vote:
      return { type: "vote", id: reader.text(MAX_PROPOSAL_ID_BYTES), vote: readVote(reader) };
    default:
      throw new MalformedBytes(`unknown proposal command ${tag}`);
  }
}

/** What a proposal's digest is taken of: two specs that pass `checkProposalSpec` have the same bytes only if they are the same. */
export function encodeSpec(spec: ProposalSpec): Uint8Array {
  const writer = new ByteWriter();
  writeProposalSpec(writer, spec);
  return writer.finish();
}

export function writeProposalSpec(writer: ByteWriter, spec: ProposalSpec): void {
  writer.text(spec.id);
  writer.text(spec.subject);
  writer.text(spec.body);
  writer.varint(spec.voters.length);
  for (const voter of spec.voters) writer.text(voter);
  writer.varint(spec.threshold);
  writer.varint(spec.timeoutMs);
}

/** Lengths are checked; the rest by `checkProposalSpec`. @throws MalformedBytes */
export function readProposalSpec(reader: ByteReader): ProposalSpec {
  const id = reader.text(MAX_PROPOSAL_ID_BYTES);
  const subject = reader.text(MAX_SUBJECT_BYTES);
  const body = reader.text(MAX_BODY_BYTES);
  const voters: string[] = [];
  for (let left = reader.count(MAX_VOTERS); left > 0; left--) voters.push(reader.text(MAX_VOTER_ID_BYTES));
  const threshold = reader.varint();
  return { id, subject, body, voters, threshold, timeoutMs: reader.varint() };
}

export function writeVote(writer: ByteWriter, { voter, choice, reason, signature }: SignedVote): void {
  writer.text(voter);
  writeChoice(writer, choice);
  writer.text(reason);
  writer.bytes(signature);
}

/** Lengths are checked; the rest by `checkVote`. The signature is a copy. @throws MalformedBytes */
export function readVote(reader: ByteReader): SignedVote {
  const voter = reader.text(MAX_VOTER_ID_BYTES);
  const choice = reader.boolean() ? "approve" : "reject";
  const reason = reader.text(MAX_REASON_BYTES);
  // A view would keep the whole frame or log segment from being freed.
  return { voter, choice, reason, signature: reader.bytes(MAX_SIGNATURE_BYTES).slice() };
}

export function writeChoice(writer: ByteWriter, choice: Choice): void {
  writer.byte(CHOICES[choice]);
}
