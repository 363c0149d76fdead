import { CONSENSUS, roleTitle } from "../../contract/consensus.ts";
import type { MembersRequest } from "../../contract/coordinator.ts";
import type { MembersView, SwarmView } from "../../contract/swarm.ts";
import { type Arguments, UsageError } from "./arguments.ts";
import type { Output } from "./output.ts";
import type { Reached } from "./reach.ts";
import { table } from "./tables.ts";

type Wish =
  | { readonly kind: "list" }
  | { readonly kind: "transfer"; readonly to?: string }
  | { readonly kind: "change"; readonly change: MembersRequest };

/** `members`, `members add [ID] [--learner]`, `members remove|promote ID`, `members transfer-leader [ID]`. @returns the exit code */
export async function members({ coordinator, swarm }: Reached, given: Arguments, output: Output): Promise<number> {
  const wish = membersWish(given);
  switch (wish.kind) {
    case "list":
      output.answer(listing(swarm), () =>
        CONSENSUS[swarm.consensus].leader === "" ? peersText(swarm) : listingText(swarm),
      );
      return 0;
    case "transfer": {
      const to = wish.to === undefined ? {} : { to: wish.to };
      const answer = await coordinator.handle("transferLeader", { swarm: swarm.id, ...to });
      output.answer(answer, () => `${answer.leader} leads now, in ${CONSENSUS[swarm.consensus].term} ${answer.term}`);
      return 0;
    }
    case "change": {
      const answer = await coordinator.handle("changeMembers", { swarm: swarm.id, change: wish.change });
      const done = {
        add: answer.members.voters.includes(answer.agent) ? "is added and votes" : "is added as a learner",
        promote: "votes now",
        remove: isForeign(swarm, answer.agent) ? "is removed" : "is removed, its process has ended",
      }[wish.change.kind];
      if (answer.warning !== undefined) output.note(answer.warning);
      output.answer(answer, () => `${answer.agent} ${done}; ${membersText(answer.members)}`);
      return 0;
    }
  }
}

/** One that joined by itself is asked to end, and runs where nobody here sees whether it does. */
function isForeign({ agents }: SwarmView, agent: string): boolean {
  return agents.some(({ id, foreign }) => id === agent && foreign === true);
}

/** What was typed. @throws UsageError */
export function membersWish({ words, flags }: Arguments): Wish {
  const [verb, agent, ...more] = words;
  if (flags.learner && verb !== "add") throw new UsageError("--learner is for members add.");
  if (more.length > 0) throw new UsageError(`members ${verb} takes one agent, not also "${more.join(" ")}".`);
  switch (verb) {
    case undefined:
      return { kind: "list" };
    case "add":
      return {
        kind: "change",
        change: { kind: "add", learner: flags.learner, ...(agent === undefined ? {} : { agent }) },
      };
    case "remove":
    case "promote":
      if (agent === undefined) throw new UsageError(`members ${verb} takes an agent: agent-mesh members ${verb} a4`);
      return { kind: "change", change: { kind: verb, agent } };
    case "transfer-leader":
      return { kind: "transfer", ...(agent === undefined ? {} : { to: agent }) };
    default:
      throw new UsageError(`members takes add, remove, promote or transfer-leader, not "${verb}".`);
  }
}

function listing(swarm: SwarmView): object {
  const agents = swarm.agents.map(({ id, member, role, process, lastIndex }) => ({
    id,
    member,
    role,
    process,
    lastIndex,
  }));
  return { members: swarm.members, quorum: swarm.health.quorum, leader: swarm.health.leader, agents };
}

function listingText(swarm: SwarmView): string {
  const agents = table(
    ["agent", "member", "role", "state", "log to"],
    swarm.agents.map(({ id, member, role, process, lastIndex }) => [
      id,
      member,
      role === null ? "-" : roleTitle(role),
      process,
      lastIndex,
    ]),
  );
  const told = swarm.members === null ? "No agent tells who the members are." : membersText(swarm.members);
  return `${told}; quorum ${swarm.health.quorum}, ${CONSENSUS[swarm.consensus].leader} ${swarm.health.leader ?? "none"}\n\n${agents}`;
}

/** Where nobody leads all are alike. */
function peersText(swarm: SwarmView): string {
  const agents = table(
    ["agent", "member", "state", "entries"],
    swarm.agents.map(({ id, member, process, lastIndex }) => [id, member, process, lastIndex]),
  );
  const told = swarm.members === null ? "No agent tells who the members are" : membersText(swarm.members);
  return `${told}; each takes writes and votes, nobody leads\n\n${agents}`;
}

function membersText({ voters, outgoing, learners }: MembersView): string {
  const learn = learners.length === 0 ? "" : `; learners ${learners.join(", ")}`;
  const joint = outgoing.length === 0 ? "" : `; changing from ${outgoing.join(", ")}`;
  return `voters ${voters.join(", ")}${learn}${joint}`;
}
