/** What is to be put to the vote: asks for it, and says nothing to the swarm. */
import {
  DEFAULT_PROPOSAL_TIMEOUT_MS,
  DEFAULT_THRESHOLD,
  type ProposalRequest,
} from "../../server/contract/proposals.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { Asker } from "./asking.ts";

/** What was answered so far. A person who gives up, or whom the swarm refuses, finds it again. */
export interface ProposalDraft {
  subject: string;
  body: string;
  /** Empty: all. */
  voters: readonly string[];
  threshold: string;
  timeout: string;
  /** What was sent without a good answer. */
  sent?: { readonly id: string; readonly text: string };
}

/** The same for the same: a swarm that took it although no answer came does not vote on it twice. */
export function idOf(draft: ProposalDraft, asked: Omit<ProposalRequest, "id">): string {
  const text = JSON.stringify(asked);
  if (draft.sent?.text !== text) draft.sent = { id: `proposal-${crypto.randomUUID().slice(0, 8)}`, text };
  return draft.sent.id;
}

export function emptyDraft(): ProposalDraft {
  return { subject: "", body: "", voters: [], threshold: "", timeout: "" };
}

/** Text that the person has open: of a document, or what is selected in it. */
export interface OpenText {
  /** "deploy.json", "the selection in deploy.json" */
  readonly name: string;
  readonly text: string;
}

/**
 * @param open the JSON that could be meant
 * @param draft is changed as the person types
 * @throws Error with a sentence when an open text was chosen that is no JSON
 */
export async function askProposal(
  asker: Asker,
  swarm: SwarmView,
  open: readonly OpenText[],
  draft: ProposalDraft,
): Promise<Omit<ProposalRequest, "id"> | undefined> {
  const subject = await asker.text({
    title: `Propose to ${swarm.name}: what is it about?`,
    prompt: "In a few words, for people: they see it wherever the proposal is shown.",
    value: draft.subject,
    placeholder: "deploy 1.4 to production",
    check: (text) => {
      draft.subject = text;
      return subjectProblem(text.trim());
    },
  });
  if (subject === undefined) return undefined;
  const body = await askBody(asker, open, draft);
  if (body === undefined) return undefined;
  const all = votersOf(swarm);
  const voters = await askVoters(asker, all, swarm.members?.learners ?? [], draft);
  if (voters === undefined) return undefined;
  const threshold = await askThreshold(asker, voters.length === 0 ? all.length : voters.length, draft);
  if (threshold === undefined) return undefined;
  const timeout = await askTimeout(asker, draft);
  if (timeout === undefined) return undefined;
  return {
    subject: subject.trim(),
    body,
    ...(voters.length === 0 ? {} : { voters }),
    ...(threshold.trim() === "" ? {} : { threshold: Number(threshold) }),
    ...(timeout.trim() === "" ? {} : { timeoutMs: durationOf(timeout) as number }),
  };
}

/** What the swarm takes: server/core/proposals/limits.ts. */
export const MAX_SUBJECT_BYTES = 256;
export const MAX_TIMEOUT_MS = 7 * 24 * 3600 * 1000;

function subjectProblem(text: string): string | undefined {
  if (text === "") return "In a few words: what is to be decided?";
  return new TextEncoder().encode(text).length > MAX_SUBJECT_BYTES
    ? `In fewer words: it takes more than ${MAX_SUBJECT_BYTES} bytes.`
    : undefined;
}

const TYPED = -1;

async function askBody(asker: Asker, open: readonly OpenText[], draft: ProposalDraft): Promise<string | undefined> {
  const typed = { label: "$(edit) Type it…", detail: "For short JSON, in one line.", value: TYPED };
  const texts = open.map(({ name, text }, at) => ({
    label: `$(json) ${capital(name)}`,
    detail: jsonProblem(text) ?? shortened(text),
    value: at,
  }));
  const chosen = texts.length === 0 ? TYPED : await asker.pick("Propose: which JSON?", [...texts, typed]);
  if (chosen === undefined) return undefined;
  if (chosen !== TYPED) {
    const { name, text } = open[chosen] as OpenText;
    const problem = jsonProblem(text);
    if (problem !== undefined) throw new Error(`${capital(name)} cannot be put to the vote. ${problem}`);
    return text;
  }
  return asker.text({
    title: "Propose: the JSON to decide on",
    prompt:
      "Each voter's policy looks at it: an object, a list, a text in quotation marks, a number, true, false or null.",
    value: draft.body,
    placeholder: '{"version": "1.4", "to": "production"}',
    check: (text) => {
      draft.body = text;
      return jsonProblem(text);
    },
  });
}

/** Whose votes may count. */
export function votersOf({ members, agents }: SwarmView): readonly string[] {
  const voters = members?.voters ?? agents.flatMap(({ id, member }) => (member === "voter" ? [id] : []));
  return voters.length === 0 ? agents.map(({ id }) => id) : voters;
}

/** @returns empty: all */
async function askVoters(
  asker: Asker,
  all: readonly string[],
  learners: readonly string[],
  draft: ProposalDraft,
): Promise<readonly string[] | undefined> {
  const members = [...all, ...learners];
  const kept = draft.voters.filter((voter) => members.includes(voter));
  const everybody = { label: `$(organization) All ${all.length}`, detail: all.join(", "), value: true };
  const some = {
    label: "$(checklist) Some of them…",
    detail: kept.length === 0 ? "Pick those whose votes count." : `Last time: ${kept.join(", ")}.`,
    value: false,
  };
  const isAll = await asker.pick("Propose: who votes?", kept.length === 0 ? [everybody, some] : [some, everybody]);
  if (isAll === undefined) return undefined;
  if (!isAll) {
    const choices = members.map((voter) => ({
      label: voter,
      ...(learners.includes(voter) && { description: "learner: it has a vote where it is named" }),
      value: voter,
      picked: kept.includes(voter),
    }));
    const picked = await asker.pickMany("Propose: who votes?", choices);
    if (picked === undefined) return undefined;
    draft.voters = picked;
    return picked;
  }
  draft.voters = [];
  return [];
}

function askThreshold(asker: Asker, voters: number, draft: ProposalDraft): Promise<string | undefined> {
  const needed = Math.ceil((Math.round(DEFAULT_THRESHOLD * 10_000) * voters) / 10_000);
  return asker.text({
    title: "Propose: which share of the voters must approve?",
    prompt: `Above 0.5, at most 1. ${DEFAULT_THRESHOLD} of ${voters} voters means that ${needed} must approve. Empty: as the swarm has it, ${DEFAULT_THRESHOLD} unless its file says otherwise.`,
    value: draft.threshold,
    placeholder: String(DEFAULT_THRESHOLD),
    check: (text) => {
      draft.threshold = text;
      return thresholdProblem(text.trim());
    },
  });
}

function thresholdProblem(text: string): string | undefined {
  if (text === "") return undefined;
  const share = Number(text);
  return /^\d*\.?\d{1,4}$/.test(text) && share > 0.5 && share <= 1
    ? undefined
    : "A number above 0.5 and at most 1, with at most four decimals, such as 0.67; or nothing.";
}

function askTimeout(asker: Asker, draft: ProposalDraft): Promise<string | undefined> {
  return asker.text({
    title: "Propose: how long may they take?",
    prompt: `What is undecided then has expired. Empty: as the swarm has it, ${DEFAULT_PROPOSAL_TIMEOUT_MS / 1000}s unless its file says otherwise.`,
    value: draft.timeout,
    placeholder: `${DEFAULT_PROPOSAL_TIMEOUT_MS / 1000}s`,
    check: (text) => {
      draft.timeout = text;
      if (text.trim() === "") return undefined;
      const timeoutMs = durationOf(text);
      if (timeoutMs === undefined || timeoutMs < 1) return "A duration such as 500ms, 30s, 2m or 1h; or nothing.";
      return timeoutMs > MAX_TIMEOUT_MS ? "A week at most." : undefined;
    },
  });
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** As mesh files write it, in ms. undefined: it is none. */
function durationOf(text: string): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)$/.exec(text.trim()) ?? [];
  return amount === undefined || unit === undefined ? undefined : Math.round(Number(amount) * (UNITS_MS[unit] ?? 0));
}

/** Why a text is no JSON, in a sentence. undefined: it is. */
export function jsonProblem(text: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return 'There is no JSON yet: {"version": "1.4"} would be some.';
  try {
    JSON.parse(trimmed);
    return undefined;
  } catch (error) {
    // The parser shows a piece of the text.
    const why = (error as Error).message.replace(/\p{Cc}+/gu, " ").replace(/\.$/, "");
    const hint = /^[\p{L}][\p{L}\p{N} ._-]*$/u.test(trimmed)
      ? ` A text is written in quotation marks: "${trimmed}".`
      : "";
    return `This is no JSON: ${why}.${hint}`;
  }
}

const SHOWN_CHARACTERS = 80;

function shortened(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, " ");
  return line.length <= SHOWN_CHARACTERS ? line : `${line.slice(0, SHOWN_CHARACTERS - 1)}…`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
