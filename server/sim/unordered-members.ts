import type { MembersChange } from "../contract/client.ts";
import type { GossipStatus } from "../core/gossip/types.ts";
import { ChangingMembers, type MembersOptions } from "./changing-members.ts";
import type { SimWorld } from "./world.ts";

export interface UnorderedOptions extends MembersOptions {
  /** An agent has left for good. forced: others removed it while it was down, or before it could tell anybody all that it has. */
  readonly left: (agent: number, forced: boolean) => void;
}

/** So many are never removed, whatever is asked for at once: removals that know nothing of each other could leave nobody who lives. */
const FEWEST = 2;

/**
 * Somebody who changes the members of a swarm that has no leader all the time, drawn from the seed: agents join, leave by saying so themselves, are removed by others while they are down, or by mistake while they
 * live; the same is asked for twice, and at several agents at once. Whoever has left by itself is stopped once another one has all that it has, whoever was removed while down at once.
 */
export class UnorderedMembers extends ChangingMembers<UnorderedOptions> {
  /** Whose removal was asked for, whatever came of it. */
  readonly #unwanted = new Set<string>();

  settled(): readonly SimWorld[] | undefined {
    const { worlds } = this.options;
    const there = worlds.filter(({ dismissed }) => !dismissed);
    const known = there.flatMap((world) => {
      const status = statusOf(world);
      return status === undefined ? [] : [{ world, status }];
    });
    const [first] = known;
    if (first === undefined || known.length < there.length) return undefined;
    const { voters } = first.status.configuration;
    if (known.some(({ status }) => status.configuration.voters.join() !== voters.join())) return undefined;
    // Whoever never came to count leaves, too.
    for (const { world, status } of known)
      if (!status.gossip.counted) {
        if (status.gossip.unshared > 0) return undefined;
        this.#dismiss(world, false);
      }
    // Whoever was told of it alone may have been removed itself, before it told others.
    const gone = worlds.find(({ id, dismissed }) => dismissed && voters.includes(id));
    if (gone === undefined) return worlds.filter(({ id }) => voters.includes(id));
    this.#ask({ remove: gone.id });
    return undefined;
  }

  protected act(): void {
    const counted = this.#counted();
    if (counted.length === 0 || this.allBusy) return;
    const random = this.random;
    const draw = random.float();
    if (draw < 0.35) this.#join();
    else if (draw < 0.45) this.#askAgain(counted);
    else {
      const world = this.#spared(counted);
      if (world === undefined) return;
      if (draw < 0.55) this.#removeDown(counted);
      else if (draw < 0.9) this.#leave(world, true);
      else this.#leave(world, false);
      if (random.chance(0.3)) this.#cutSoon(world.id);
    }
  }

  /** Somebody new is made known to all, started, and added; asked for again where that was too early for whoever was asked. */
  #join(): void {
    const { worlds, founders, everyMs, mayLeave } = this.options;
    const random = this.random;
    const outside = worlds.filter(({ index, incarnation }) => index >= founders && incarnation === 0);
    if (!mayLeave || outside.length === 0) return;
    const world = random.pick(outside);
    this.introduce(world);
    this.schedule.afterMs(everyMs * 0.2 * random.float(), () => {
      if (!this.running) return;
      world.enlist();
      world.start();
      this.#add(world);
    });
  }

  #add(world: SimWorld): void {
    if (!this.running || world.dismissed) return;
    const again = () =>
      this.schedule.afterMs(this.options.everyMs * this.random.float(), () => {
        if (statusOf(world)?.gossip.counted !== true) this.#add(world);
      });
    if (!this.#ask({ add: world.id }, undefined, again)) again();
  }

  /** By asking it itself, or by mistake another one. It is stopped when it may go. */
  #leave(world: SimWorld, itself: boolean): void {
    if (!this.options.mayLeave) return;
    if (this.#ask({ remove: world.id }, itself ? world : undefined)) this.#dismissSoon(world);
  }

  /** One that is down, for good. */
  #removeDown(counted: readonly SimWorld[]): void {
    const down = counted.filter(({ id, exists }) => !exists && !this.#unwanted.has(id));
    if (!this.options.mayLeave || down.length === 0) return;
    const world = this.random.pick(down);
    this.#ask({ remove: world.id }, undefined, (removed) => {
      if (!removed || world.dismissed) return;
      if (world.exists) this.#dismissSoon(world);
      else this.#dismiss(world, true);
    });
  }

  #dismissSoon(world: SimWorld): void {
    this.schedule.afterMs(this.options.everyMs * 0.5 * this.random.float(), () => {
      if (!this.running || world.dismissed) return;
      const { counted = true, unshared = 1 } = statusOf(world)?.gossip ?? {};
      if (counted || unshared > 0) this.#dismissSoon(world);
      else this.#dismiss(world, false);
    });
  }

  #dismiss(world: SimWorld, forced: boolean): void {
    this.options.left(world.index, forced);
    world.dismiss();
  }

  /** At the moment of a change, it is left alone for a while, with one other or without. */
  #cutSoon(id: string): void {
    const { worlds, attemptMs, cut } = this.options;
    const random = this.random;
    const others = worlds.filter((world) => world.id !== id && world.running).map((world) => world.id);
    const side = random.chance(0.5) && others.length > 1 ? [id, random.pick(others)] : [id];
    const forMs = attemptMs * 3 * random.float();
    this.schedule.afterMs(3 * random.float(), () => {
      if (this.running) cut(side, forMs);
    });
  }

  /** @param at who is asked first; absent: anybody. @param done is told whether it is so now @returns whether there was somebody to ask for it */
  #ask(change: MembersChange, at?: SimWorld, done: (so: boolean) => void = () => {}): boolean {
    if (this.allBusy) return false;
    if ("remove" in change) this.#unwanted.add(change.remove);
    return this.perform(
      { op: "changeMembers", change },
      () => at,
      (result) => done(result?.ok === true),
    );
  }

  /** Those who count, as one that does has it. */
  #counted(): readonly SimWorld[] {
    const { worlds } = this.options;
    const members = worlds.flatMap((world) => {
      const status = statusOf(world);
      return status?.gossip.counted === true ? [status] : [];
    });
    if (members.length === 0) return [];
    const { voters } = this.random.pick(members).configuration;
    return worlds.filter(({ id, dismissed }) => !dismissed && voters.includes(id));
  }

  /** One that may go. */
  #spared(counted: readonly SimWorld[]): SimWorld | undefined {
    const others = counted.filter(({ id }) => !this.#unwanted.has(id));
    return others.length > FEWEST ? this.random.pick(others) : undefined;
  }

  /** To add or to remove who has left, or to add who counts. */
  #askAgain(counted: readonly SimWorld[]): void {
    const random = this.random;
    const gone = this.options.worlds.filter(({ dismissed, incarnation }) => dismissed && incarnation > 0);
    if (gone.length > 0 && random.chance(0.5)) this.#ask({ remove: random.pick(gone).id });
    else this.#ask({ add: random.pick(gone.length > 0 ? gone : counted).id });
  }
}

function statusOf({ agent, running }: SimWorld): GossipStatus | undefined {
  return running && agent !== undefined ? (agent.consensusStatus as GossipStatus) : undefined;
}
