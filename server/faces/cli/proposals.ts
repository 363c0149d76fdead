/** `propose`, `proposals` and `certificate` against a running swarm. */
import { closeSync, existsSync, openSync, readSync, rmSync, writeFileSync } from "node:fs";
import type { ProposalRequest, ProposalView } from "../../contract/proposals.ts";
import { DECISION_MARGIN_MS, undecidedText } from "../../coordinator/proposals.ts";
import { messageOf, Refusal } from "../../coordinator/refusal.ts";
import { shownProposal } from "../../coordinator/views.ts";
import { statementOf } from "../../live/proofs/certificate.ts";
import { certificateText } from "../../live/proofs/make-certificate.ts";
import { type Arguments, durationFlag, UsageError } from "./arguments.ts";
import { outlasting } from "./outlasting.ts";
import type { Output } from "./output.ts";
import { proposalEndText, proposalMadeText, proposalsText, proposalText } from "./proposal-tables.ts";
import { type Reached, reachSwarm } from "./reach.ts";

/** How often it is looked whether the coordinator still lives: notifications do not tell that. */
const LOOK_EVERY_MS = 2000;
/** As the coordinator takes it; how much a proposal may have the agents say. */
const MAX_BODY_BYTES = 1024 * 1024;
const STDIN = 0;

/** `propose SUBJECT [JSON|@FILE|-]`. @returns the exit code: 0 it is put to the vote, or, where that is waited for, approved; 1 rejected or expired */
export async function propose(reached: Reached, given: Arguments, output: Output): Promise<number> {
  const { coordinator, swarm } = reached;
  const { wait, certificate } = given.flags;
  const proposal = proposalWish(given);
  const made = await coordinator.handle("propose", { swarm: swarm.id, proposal, wait: false });
  if (!wait && certificate === undefined) {
    output.answer(shownProposal(made), () => proposalMadeText(made));
    return 0;
  }
  const again = (): Promise<Reached> => reachSwarm({ ...given.flags, swarm: swarm.id }, output);
  const { end, proof } = await outlasting(reached, again, async (now) => {
    const end = await decided(now, shownProposal(made));
    if (certificate === undefined || end.state === "expired") return { end };
    return { end, proof: await now.coordinator.handle("certificate", { swarm: swarm.id, proposalId: end.id }) };
  });
  if (proof !== undefined) writeFileSync(certificate as string, certificateText(proof));
  output.answer(end, () => proposalEndText(end));
  if (proof !== undefined) output.note(`its certificate is in ${certificate}.`);
  else if (certificate !== undefined)
    output.note("it expired, so it has no certificate: who did not vote has signed nothing.");
  return end.state === "approved" ? 0 : 1;
}

/** @throws Refusal `unavailable` when the coordinator is gone, `failed` when nobody decides it in time */
async function decided({ coordinator, ears, swarm }: Reached, made: ProposalView): Promise<ProposalView> {
  const over = new AbortController();
  try {
    for (;;) {
      let told: ProposalView | undefined;
      const end = ears.until(
        ({ name, params }) => {
          if (name !== "proposalDecided" || params.proposal.id !== made.id) return false;
          told = params.proposal;
          return true;
        },
        LOOK_EVERY_MS,
        over.signal,
      );
      // Read after listening has begun: the end is either seen here or told there. What the coordinator shows needs no quorum.
      const { proposals = [] } = await coordinator.handle("swarm", { swarm: swarm.id });
      const shown = proposals.find(({ id }) => id === made.id) ?? made;
      if (shown.state !== "open") return shown;
      if (await end) return told as unknown as ProposalView;
      if (Date.now() > made.deadlineMs + DECISION_MARGIN_MS) throw new Refusal("failed", undecidedText(shown));
    }
  } finally {
    over.abort();
  }
}

/** `proposals [ID]`. @returns the exit code */
export async function proposals(
  { coordinator, swarm }: Reached,
  { words }: Arguments,
  output: Output,
): Promise<number> {
  const [proposalId] = words;
  if (proposalId === undefined) {
    const all = await coordinator.handle("proposals", { swarm: swarm.id });
    output.answer(all, () => proposalsText(all));
  } else {
    const one = await coordinator.handle("proposal", { swarm: swarm.id, proposalId });
    output.answer(one, () => proposalText(one));
  }
  return 0;
}

/** `certificate ID [--out FILE]`. @returns the exit code */
export async function certificate({ coordinator, swarm }: Reached, given: Arguments, output: Output): Promise<number> {
  const { out } = given.flags;
  const proof = await coordinator.handle("certificate", { swarm: swarm.id, proposalId: certificateWish(given) });
  if (out === undefined) {
    output.answer(proof, () => certificateText(proof).trimEnd());
    return 0;
  }
  writeFileSync(out, certificateText(proof));
  output.answer(
    { out, certificate: proof },
    () => `${out}: ${statementOf(proof)}. Verify it anywhere: agent-mesh verify ${out}`,
  );
  return 0;
}

/** @throws UsageError */
export function certificateWish({ words, flags }: Arguments): string {
  const [id] = words;
  if (id === undefined || words.length > 1)
    throw new UsageError("certificate takes one proposal's id: agent-mesh certificate ID [--out FILE]");
  if (flags.out !== undefined) refuseUnwritable(flags.out, "out");
  return id;
}

/** @throws UsageError */
export function proposalsWish({ words }: Arguments): void {
  if (words.length > 1) throw new UsageError(`proposals takes one id, not also "${words.slice(1).join(" ")}".`);
}

const wishes = new WeakMap<Arguments, ProposalRequest>();

/** What was typed; standard input is read once. @throws UsageError */
export function proposalWish(given: Arguments): ProposalRequest {
  const wish = wishes.get(given) ?? readWish(given);
  wishes.set(given, wish);
  return wish;
}

function readWish({ words, flags }: Arguments): ProposalRequest {
  const [subject, written = "null", ...more] = words;
  if (subject === undefined || subject.trim() === "" || more.length > 0)
    throw new UsageError(
      `propose takes a subject, and what is proposed as one word of JSON: agent-mesh propose "deploy 1.4" '{"version":"1.4"}'`,
    );
  const timeoutMs = durationFlag(flags.timeout, "timeout");
  const voters = votersFlag(flags.voters);
  const threshold = thresholdFlag(flags.threshold);
  if (flags.certificate !== undefined) refuseUnwritable(flags.certificate, "certificate");
  return {
    subject,
    body: bodyOf(written),
    ...(flags.id === undefined ? {} : { id: flags.id }),
    ...(voters === undefined ? {} : { voters }),
    ...(threshold === undefined ? {} : { threshold }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

/** @throws UsageError */
function votersFlag(value: string | undefined): string[] | undefined {
  if (value === undefined) return undefined;
  const voters = value.split(",").map((voter) => voter.trim());
  if (voters.includes("")) throw new UsageError(`--voters takes agents, as in a1,a2,a3, not "${value}".`);
  const twice = voters.find((voter, at) => voters.indexOf(voter) < at);
  if (twice !== undefined) throw new UsageError(`--voters names ${twice} twice: everybody has one vote.`);
  return voters;
}

/** @throws UsageError */
function thresholdFlag(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const threshold = Number(value);
  if (!/^(?:0\.\d{1,4}|1(?:\.0{1,4})?)$/.test(value) || threshold <= 0.5)
    throw new UsageError(
      `--threshold takes a share of the voters above 0.5, at most 1, with at most four decimals, not "${value}".`,
    );
  return threshold;
}

/** @throws UsageError for what cannot be read, or is no JSON */
function bodyOf(written: string): string {
  const body = written === "-" ? contentsOf(STDIN) : written.startsWith("@") ? contentsOf(written.slice(1)) : written;
  try {
    JSON.parse(body);
  } catch (error) {
    const where =
      written === "-"
        ? "What came on standard input"
        : written.startsWith("@")
          ? written.slice(1)
          : `"${short(written)}"`;
    throw new UsageError(`${where} is no JSON: ${short(messageOf(error))}.`);
  }
  return body;
}

/** @throws UsageError */
function contentsOf(file: string | typeof STDIN): string {
  let opened: number | undefined;
  try {
    opened = file === STDIN ? STDIN : openSync(file, "r");
    return readBounded(opened);
  } catch (error) {
    throw new UsageError(`${file === STDIN ? "standard input" : file} cannot be read: ${messageOf(error)}.`);
  } finally {
    if (opened !== undefined && opened !== STDIN) closeSync(opened);
  }
}

/** Also of what has no end. @throws Error when there is too much */
function readBounded(from: number): string {
  const bytes = Buffer.alloc(MAX_BODY_BYTES + 1);
  let length = 0;
  for (let read = -1; read !== 0 && length < bytes.length; length += read)
    read = readSync(from, bytes, length, bytes.length - length, null);
  if (length > MAX_BODY_BYTES) throw new Error(`it is larger than ${MAX_BODY_BYTES} bytes, the most that is read`);
  return bytes.toString("utf8", 0, length);
}

/** Before anything is asked of the swarm: what cannot be written is not found out in the end. @throws UsageError */
function refuseUnwritable(path: string, flag: string): void {
  const there = existsSync(path);
  try {
    writeFileSync(path, "", { flag: "a" });
    if (!there) rmSync(path);
  } catch (error) {
    throw new UsageError(`--${flag} ${path} cannot be written: ${messageOf(error)}.`);
  }
}

function short(text: string): string {
  const flat = text.replace(/\p{Cc}+/gu, " ");
  return flat.length > 80 ? `${flat.slice(0, 79)}…` : flat;
}
