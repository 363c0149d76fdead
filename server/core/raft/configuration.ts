import { ByteReader, ByteWriter, MalformedBytes, utf8 } from "../bytes.ts";
import type { AgentId, ChangeRefusal, Configuration, MemberChange } from "../consensus.ts";
import { compareText } from "../text.ts";
import { MAX_ID_BYTES, MAX_MEMBERS } from "./limits.ts";

/**
 * Who votes and who learns, and the steps from one configuration to the next, pure (thesis, chapter 4; etcd-io/raft's confchange).
 *
 * A change in which at most one voter comes or goes is made at once: any two majorities before and after it overlap (§4.1). A larger one goes through a joint
 * phase, in which a majority of the voters before and one of the voters after are both needed (§4.3), and out of it again.
 */

const NOBODY: readonly AgentId[] = [];

/** The voters that a swarm begins with. */
export function bootstrap(voters: readonly AgentId[]): Configuration {
  return { voters: sorted(voters), outgoing: NOBODY, learners: NOBODY, learnersNext: NOBODY, autoLeave: false };
}

export function isJoint(configuration: Configuration): boolean {
  return configuration.outgoing.length > 0;
}

/** Whether its vote counts in either half. */
export function votesIn({ voters, outgoing }: Configuration, id: AgentId): boolean {
  return voters.includes(id) || outgoing.includes(id);
}

/** All that get the log, sorted. */
export function membersOf({ voters, outgoing, learners }: Configuration): readonly AgentId[] {
  return sorted([...new Set([...voters, ...outgoing, ...learners])]);
}

/** What a change leads to: the next configuration, a joint one where more than one voter differs. */
export function changed(
  from: Configuration,
  change: MemberChange,
): { readonly ok: true; readonly to: Configuration } | { readonly ok: false; readonly reason: ChangeRefusal } {
  if (isJoint(from)) return { ok: false, reason: "changePending" };
  const { voters, learners } = from;
  if ("add" in change) {
    if (votesIn(from, change.add) || learners.includes(change.add)) return { ok: false, reason: "alreadyMember" };
    return towards(from, voters, [...learners, change.add]);
  }
  if ("promote" in change) {
    if (votesIn(from, change.promote)) return { ok: false, reason: "alreadyVoter" };
    if (!learners.includes(change.promote)) return { ok: false, reason: "unknownMember" };
    return towards(from, [...voters, change.promote], without(learners, change.promote));
  }
  if ("remove" in change) {
    if (!voters.includes(change.remove) && !learners.includes(change.remove))
      return { ok: false, reason: "unknownMember" };
    return towards(from, without(voters, change.remove), without(learners, change.remove));
  }
  return towards(from, change.voters, change.learners);
}

function towards(
  from: Configuration,
  voters: readonly AgentId[],
  learners: readonly AgentId[],
): { readonly ok: true; readonly to: Configuration } | { readonly ok: false; readonly reason: ChangeRefusal } {
  const all = [...voters, ...learners];
  if (voters.length === 0) return { ok: false, reason: "noVoterLeft" };
  if (new Set(all).size !== all.length || voters.length > MAX_MEMBERS || learners.length > MAX_MEMBERS)
    return { ok: false, reason: "badMembers" };
  if (all.some((id) => id === "" || utf8(id).length > MAX_ID_BYTES)) return { ok: false, reason: "badMembers" };
  const came = voters.filter((id) => !from.voters.includes(id)).length;
  const went = from.voters.filter((id) => !voters.includes(id)).length;
  if (came + went <= 1)
    return {
      ok: true,
      to: {
        voters: sorted(voters),
        outgoing: NOBODY,
        learners: sorted(learners),
        learnersNext: NOBODY,
        autoLeave: false,
      },
    };
  // Who still votes in the old half does not learn yet: it would be asked for its vote and not be counted, or the other way round.
  const learnersNext = learners.filter((id) => from.voters.includes(id));
  return {
    ok: true,
    to: {
      voters: sorted(voters),
      outgoing: from.voters,
      learners: sorted(learners.filter((id) => !learnersNext.includes(id))),
      learnersNext: sorted(learnersNext),
      autoLeave: true,
    },
  };
}

/** The end of a joint phase. */
export function left({ voters, learners, learnersNext }: Configuration): Configuration {
  return {
    voters,
    outgoing: NOBODY,
    learners: sorted([...learners, ...learnersNext]),
    learnersNext: NOBODY,
    autoLeave: false,
  };
}

export function encodeConfiguration(configuration: Configuration): Uint8Array {
  const writer = new ByteWriter();
  writeConfiguration(writer, configuration);
  return writer.finish();
}

/** @throws MalformedBytes */
export function decodeConfiguration(data: Uint8Array): Configuration {
  const reader = new ByteReader(data);
  const configuration = readConfiguration(reader);
  reader.end();
  return configuration;
}

export function writeConfiguration(writer: ByteWriter, configuration: Configuration): void {
  const { voters, outgoing, learners, learnersNext, autoLeave } = configuration;
  for (const list of [voters, outgoing, learners, learnersNext]) {
    writer.varint(list.length);
    for (const id of list) writer.text(id);
  }
  writer.boolean(autoLeave);
}

/** @throws MalformedBytes also for lists that are not sorted, or in which somebody both votes and learns. */
export function readConfiguration(reader: ByteReader): Configuration {
  const [voters, outgoing, learners, learnersNext] = [
    readIds(reader),
    readIds(reader),
    readIds(reader),
    readIds(reader),
  ];
  const configuration = { voters, outgoing, learners, learnersNext, autoLeave: reader.boolean() };
  if (learners.some((id) => votesIn(configuration, id))) throw new MalformedBytes("a learner that votes");
  if (learnersNext.some((id) => !outgoing.includes(id) || voters.includes(id)))
    throw new MalformedBytes("a learner to be that is no outgoing voter");
  return configuration;
}

function readIds(reader: ByteReader): readonly AgentId[] {
  const ids: AgentId[] = [];
  for (let left = reader.count(Math.min(MAX_MEMBERS, reader.remaining)); left > 0; left--) {
    const id = reader.text(MAX_ID_BYTES);
    const last = ids.at(-1);
    if (id === "" || (last !== undefined && compareText(last, id) >= 0))
      throw new MalformedBytes("members not in order");
    ids.push(id);
  }
  return ids;
}

function without(ids: readonly AgentId[], id: AgentId): readonly AgentId[] {
  return ids.filter((one) => one !== id);
}

function sorted(ids: readonly AgentId[]): readonly AgentId[] {
  return [...ids].sort(compareText);
}
