import { CONSENSUS, kindOfRole, roleTitle } from "../../contract/consensus.ts";
import { agreementText, behindText, spreadText } from "../../contract/gossip.ts";
import type { GossipStatus } from "../../core/gossip/types.ts";
import type { RecordedState } from "./state.ts";

const LISTED_KEYS = 10;

/** An agent at a moment, in a few lines for people. */
export function stateText(state: RecordedState): string {
  const { agent, incarnation, sinceStartMs, raft, applied, stateHash, tasks, memory, inputs, checks, failure } = state;
  const { ordered } = CONSENSUS[kindOfRole(raft.role)];
  const states = new Map<string, number>();
  for (const { state: name } of tasks) states.set(name, (states.get(name) ?? 0) + 1);
  const counted = [...states].map(([name, count]) => `${count} ${name}`);
  const keys = memory.keys
    .slice(0, LISTED_KEYS)
    .map(({ namespace, key, version }) => `${namespace}/${key} v${version}`);
  const lines = [
    `${agent}.${incarnation} at ${(sinceStartMs / 1000).toFixed(6)} s (${new Date(state.atMs).toISOString()})`,
    standing(raft),
    `  log        last ${raft.lastIndex}${lastTerm(raft)}, durable ${raft.durableIndex}, committed ${raft.commit}, applied ${applied}`,
    `  state      ${stateHash} after entry ${applied}`,
    ...(ordered ? [`  tasks      ${tasks.length === 0 ? "none" : `${tasks.length}: ${counted.join(", ")}`}`] : []),
    `  memory     ${memory.items} keys${keys.length === 0 ? "" : `: ${keys.join(", ")}${memory.items > keys.length ? ", …" : ""}`}`,
    `  recomputed from ${state.from === "inputs" ? `its start: ${inputs} inputs` : "the oldest segment that is left; what only earlier inputs tell is unknown"}; ${checks} comparisons with what it recorded of itself, all equal`,
  ];
  if (failure !== "") lines.push(`  it ended there: ${failure}`);
  return lines.join("\n");
}

/** Without an order an entry's term is no place in one. */
function lastTerm({ role, lastTerm }: RecordedState["raft"]): string {
  return CONSENSUS[kindOfRole(role)].term === "" ? "" : ` (term ${lastTerm})`;
}

function isGossip(status: object): status is GossipStatus {
  return "gossip" in status;
}

function standing(status: RecordedState["raft"]): string {
  const { role, term, leader } = status;
  const { title, leader: head, term: stretch } = CONSENSUS[kindOfRole(role)];
  if (isGossip(status)) {
    const { agreement } = status.gossip;
    return `  ${title.padEnd(10)} ${spreadText(status.gossip)}, agreement ${agreementText(agreement)}, not known everywhere: ${behindText(status.gossip)}`;
  }
  const voted = "votedFor" in status ? `, voted for ${status.votedFor || "nobody"}` : "";
  return `  ${title.padEnd(10)} ${roleTitle(role)} of ${stretch} ${term}, ${head} ${leader || "unknown"}${voted}`;
}
