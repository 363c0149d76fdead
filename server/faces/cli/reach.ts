/** How a command reaches the running swarm it is about. */
import type { CoordinatorNotification, CoordinatorNotifications } from "../../contract/coordinator.ts";
import type { SwarmView } from "../../contract/swarm.ts";
import { connectCoordinator, type ReachedCoordinator } from "../../coordinator/control-client.ts";
import { type Flags, UsageError } from "./arguments.ts";
import { findSwarmFolder } from "./find-folder.ts";
import type { Output } from "./output.ts";
import { chooseSwarm, swarmsHere, sweep } from "./swarms-here.ts";

/** Until a stand-in knows of every living agent. */
const SETTLE_MS = 3000;

export type Heard = {
  readonly [N in CoordinatorNotification]: { readonly name: N; readonly params: CoordinatorNotifications[N] };
}[CoordinatorNotification];

/** Hands notifications to whoever listens at the moment. */
export class Ears {
  readonly #listeners = new Set<(heard: Heard) => void>();

  hear<N extends CoordinatorNotification>(name: N, params: CoordinatorNotifications[N]): void {
    const heard = { name, params } as Heard;
    for (const listener of [...this.#listeners]) listener(heard);
  }

  /** @returns what ends the listening */
  listen(listener: (heard: Heard) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves with true once `listener` says so, with false after the time or at the signal. */
  until(listener: (heard: Heard) => boolean, withinMs: number, signal?: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (came: boolean): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", stop);
        deafen();
        resolve(came);
      };
      const stop = (): void => end(false);
      // Not unreferenced: without it nothing might keep a process going that waits for a coordinator that died.
      const timer = setTimeout(stop, withinMs);
      signal?.addEventListener("abort", stop);
      const deafen = this.listen((heard) => {
        if (listener(heard)) end(true);
      });
    });
  }
}

/** A swarm, and the coordinator that answers for it: its own, or this process standing in for one that is gone. */
export interface Reached {
  readonly coordinator: ReachedCoordinator;
  readonly ears: Ears;
  /** As it was when it was reached. */
  readonly swarm: SwarmView;
}

/** @throws UsageError when there is no such swarm; Refusal when its coordinator does not answer */
export async function reachSwarm(flags: Flags, output: Output): Promise<Reached> {
  const folder = findSwarmFolder(flags.dir, process.cwd());
  await sweep(folder);
  const { id, name } = chooseSwarm(swarmsHere(folder), flags.swarm, folder);
  const ears = new Ears();
  const coordinator = await connectCoordinator(folder, (heard, params) => ears.hear(heard, params), id);
  try {
    const swarm = (await coordinator.handle("swarms", {})).find((one) => one.id === id);
    if (swarm === undefined) throw new UsageError(`Swarm ${name} (${id}) of ${folder} has just ended.`);
    if (coordinator.remote) return { coordinator, ears, swarm };
    output.note(
      `The coordinator of ${name} is gone; this command stands in for it. ${
        swarm.detached
          ? "The agents go on: they are detached."
          : "Without one, the agents end after their grace period."
      }`,
    );
    return { coordinator, ears, swarm: await settled(coordinator, ears, swarm, output) };
  } catch (error) {
    await coordinator.close();
    throw error;
  }
}

/** A stand-in begins knowing nothing: waits until every living agent has told its state, so that nothing that is not known is shown as lost. */
async function settled(
  coordinator: ReachedCoordinator,
  ears: Ears,
  swarm: SwarmView,
  output: Output,
): Promise<SwarmView> {
  const silent = (view: SwarmView): string[] =>
    view.agents
      .filter(
        (agent) => agent.process === "running" && (!agent.observed || agent.role === null || agent.rssBytes === null),
      )
      .map((agent) => agent.id);
  const all = ears.until(
    ({ name, params }) => name === "swarmChanged" && params.id === swarm.id && silent(params).length === 0,
    SETTLE_MS,
  );
  // What it is at the moment is sent with the subscription.
  await coordinator.handle("subscribe", { swarms: true, timeline: false, metrics: false });
  await all;
  const view = await coordinator.handle("swarm", { swarm: swarm.id });
  const mute = silent(view);
  if (mute.length > 0) output.note(`${mute.join(", ")} did not answer within ${SETTLE_MS / 1000} s.`);
  return view;
}
