/** How fast a simulated swarm goes. */
import { paceText, SPEED, simulatedText } from "../../contract/simulated.ts";
import type { PaceChange } from "../../coordinator/simulated/protocol.ts";
import { type Arguments, UsageError } from "./arguments.ts";
import type { Output } from "./output.ts";
import type { Reached } from "./reach.ts";

/** "2", "0.5", "max". @throws UsageError */
export function speedFlag(value: string): number | null {
  if (value === "max") return null;
  const speed = Number(value);
  if (/^\d+(\.\d+)?$/.test(value) && speed >= SPEED.min && speed <= SPEED.max) return speed;
  throw new UsageError(
    `A speed is a number from ${SPEED.min} to ${SPEED.max}, times real time, or max (as fast as it goes), not "${value}".`,
  );
}

/** What `agent-mesh pace WORD` asks for; nothing without a word. @throws UsageError */
export function paceWish({ words }: Pick<Arguments, "words">): PaceChange | undefined {
  const [word, ...more] = words;
  if (more.length > 0) throw new UsageError("pace takes one of: a speed such as 2 or 0.5, max, pause, resume.");
  if (word === undefined) return undefined;
  if (word === "pause") return { paused: true };
  return word === "resume" ? { paused: false } : { speed: speedFlag(word), paused: false };
}

export async function pace({ coordinator, swarm }: Reached, given: Arguments, output: Output): Promise<number> {
  const wish = paceWish(given);
  if (wish === undefined) {
    const { simulated } = swarm;
    if (simulated === undefined) throw new UsageError(`${swarm.name} is no simulation: its agents are processes.`);
    output.answer(simulated, () => simulatedText(simulated));
    return 0;
  }
  const paced = await coordinator.handle("paceSimulation", { swarm: swarm.id, ...wish });
  output.answer(paced, () => `${swarm.name}: ${paceText(paced)}`);
  return 0;
}
