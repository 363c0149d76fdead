import type { ClientOperation, MembersChange } from "../contract/client.ts";
import { ChangingMembers } from "./changing-members.ts";
import type { SimWorld } from "./world.ts";

/** Who the members are, as the leader of the highest term has it. */
interface Members {
  readonly voters: readonly string[];
  readonly learners: readonly string[];
}

/** The same, and who says so. */
interface Led extends Members {
  readonly agent: string;
}

/** Fewer voters than this are not left, so that faults leave somebody to decide. */
const FEWEST_VOTERS = 3;

/** From asking the leader to its having told everybody, about. */
const MOMENT_MS = 3;

/**
 * Somebody who changes the members all the time, drawn from the seed: agents join as learners, get votes and lose them, one at a time or many at once,
 * leave, come back, and hand over leadership. Two ask, and neither waits for the other: what comes too early is refused.
 */
export class MembersChaos extends ChangingMembers {
  /** By agent: how often it was meant to be a member. */
  readonly #meant = new Map<string, number>();

  settled(): readonly SimWorld[] | undefined {
    const { worlds } = this.options;
    const known = worlds.flatMap(({ agent, running }) => (running && agent ? [agent.consensusStatus] : []));
    const leader = known.filter(({ role }) => role === "leader").sort((a, b) => b.term - a.term)[0];
    if (leader === undefined || leader.configuration.outgoing.length > 0) return undefined;
    const { voters, learners } = leader.configuration;
    const names = new Set([...voters, ...learners]);
    const same = (members: Members) =>
      members.voters.join() === voters.join() && members.learners.join() === learners.join();
    // Whoever was dismissed was no member at that time; if it became one by what was asked before that, it is needed.
    for (const world of worlds) {
      if (!names.has(world.id) || !world.dismissed) continue;
      world.enlist();
      world.start();
    }
    // Not only proposed: whoever is a member has it, and nothing else.
    const members = known.filter(({ id }) => names.has(id));
    if (members.length < names.size || !members.every((one) => same(one.configuration) && one.commit === leader.commit))
      return undefined;
    for (const world of worlds) if (!names.has(world.id) && !world.dismissed) world.dismiss();
    return worlds.filter(({ id }) => names.has(id));
  }

  protected act(): void {
    const members = this.#members();
    if (members === undefined || this.allBusy) return;
    const random = this.random;
    const { agent: leader, voters, learners } = members;
    const others = voters.filter((id) => id !== leader);
    const draw = random.float();
    if (draw < 0.2 && others.length > 0)
      this.#ask({ op: "transferLeader", ...(random.chance(0.6) && { to: random.pick(others) }) });
    else if (draw < 0.4 && this.#enlistOne(members)) return;
    else if (draw < 0.55 && learners.length > 0) {
      const promoted = random.pick(learners);
      this.#change({ promote: promoted });
      this.#cutSoon(leader, [...voters, promoted]);
    } else if (draw < 0.7 && this.options.mayLeave && voters.length > FEWEST_VOTERS) {
      const removed = random.pick([...voters, ...learners]);
      this.#change({ remove: removed });
      this.#cutSoon(
        leader,
        voters.filter((id) => id !== removed),
      );
    } else {
      const redrawn = this.#redrawn(members);
      this.#change(redrawn);
      this.#cutSoon(leader, redrawn.voters);
    }
  }

  /** At the moment of a change, where two majorities might decide without meeting: just enough of the new voters, or fewer, are left alone with the leader. */
  #cutSoon(leader: string, voters: readonly string[]): void {
    const random = this.random;
    if (!random.chance(0.5)) return;
    const { attemptMs, cut } = this.options;
    const fewer = random.chance(0.3) ? 1 : 0;
    const side = [leader];
    const enough = () => 2 * (voters.filter((id) => side.includes(id)).length + fewer) > voters.length;
    for (const id of random.shuffled(voters)) if (!enough() && !side.includes(id)) side.push(id);
    const forMs = attemptMs * 3 * random.float();
    this.schedule.afterMs(MOMENT_MS * random.float(), () => {
      if (this.running) cut(side, forMs);
    });
  }

  /** Other voters and learners among those that are there. */
  #redrawn({ voters, learners }: Members): Members {
    const random = this.random;
    const gone = new Set(this.options.worlds.flatMap(({ id, dismissed }) => (dismissed ? [id] : [])));
    const all = random.shuffled([...voters, ...learners].filter((id) => !gone.has(id)));
    for (const id of all) this.#mean(id);
    const count = random.int(Math.min(FEWEST_VOTERS, all.length), all.length);
    return { voters: all.slice(0, count), learners: all.slice(count) };
  }

  /** Somebody new, or somebody who left, is made known to all, started, and added. */
  #enlistOne({ voters, learners }: Members): boolean {
    if (!this.options.mayLeave) return false;
    const outside = this.options.worlds.filter(({ id }) => !voters.includes(id) && !learners.includes(id));
    if (outside.length === 0) return false;
    const world = this.random.pick(outside);
    // Who was known before is told again what there is.
    if (this.roster.includes(world.id)) world.grow(this.roster, this.links);
    else this.introduce(world);
    this.schedule.afterMs(this.options.everyMs * 0.2 * this.random.float(), () => {
      if (!this.running) return;
      this.#mean(world.id);
      world.enlist();
      world.start();
      this.#change({ add: world.id });
    });
    return true;
  }

  #change(change: MembersChange): void {
    this.#ask({ op: "changeMembers", change });
  }

  #ask(operation: ClientOperation): void {
    const first = (): SimWorld | undefined => {
      const leader = this.options.worlds.find(({ id }) => id === this.#members()?.agent);
      return leader !== undefined && this.random.chance(0.8) ? leader : undefined;
    };
    this.perform(operation, first, (result) => {
      if (result?.ok && result.value.type === "members") this.#dismissSoon(result.value);
    });
  }

  /** Whoever is no member any more is stopped, some time after that is known; unless it is meant to be one again. */
  #dismissSoon({ voters, learners }: Members): void {
    const { worlds, everyMs } = this.options;
    for (const world of worlds) {
      if (world.dismissed || voters.includes(world.id) || learners.includes(world.id)) continue;
      const meant = this.#meant.get(world.id);
      this.schedule.afterMs(everyMs * this.random.float(), () => {
        if (this.running && this.#meant.get(world.id) === meant) world.dismiss();
      });
    }
  }

  #mean(id: string): void {
    this.#meant.set(id, (this.#meant.get(id) ?? 0) + 1);
  }

  #members(): Led | undefined {
    const leaders = this.options.worlds
      .flatMap(({ agent, running }) => (running && agent ? [agent.consensusStatus] : []))
      .filter(({ role, configuration }) => role === "leader" && configuration.outgoing.length === 0);
    const [leader] = leaders.sort((a, b) => b.term - a.term);
    return leader && { agent: leader.id, ...leader.configuration };
  }
}
