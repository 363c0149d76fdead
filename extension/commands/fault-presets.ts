/** What a preset is told; what is left as usual follows from the swarm's timing. */
import { CONSENSUS } from "../../server/contract/consensus.ts";
import type { FaultPreset, PresetSpec } from "../../server/contract/faults.ts";
import type { SwarmView } from "../../server/contract/swarm.ts";
import type { InjectTarget } from "../../server/contract/webview.ts";
import { type Asker, askNumber } from "./asking.ts";
import { askWhom } from "./fault-whom.ts";

const USUAL = 0;
const ANOTHER = -1;

export async function askPreset(
  asker: Asker,
  swarm: SwarmView,
  preset: FaultPreset,
  target: Partial<InjectTarget>,
): Promise<PresetSpec | undefined> {
  const told = await askTold(asker, swarm, preset, target);
  if (told === undefined) return undefined;
  const everyMs = await askPace(asker, swarm, preset);
  if (everyMs === undefined) return undefined;
  const times = await askTimes(asker, preset);
  if (times === undefined) return undefined;
  return {
    preset,
    ...told,
    ...(everyMs === USUAL ? {} : { everyMs }),
    ...(times === USUAL ? {} : { times }),
  };
}

async function askTold(
  asker: Asker,
  swarm: SwarmView,
  preset: FaultPreset,
  target: Partial<InjectTarget>,
): Promise<Pick<PresetSpec, "whom" | "link" | "hit"> | undefined> {
  switch (preset) {
    case "rollingRestart":
    case "swizzleClog":
    case "greyFailure": {
      const whom = await askWhom(asker, swarm, target);
      return whom === undefined ? undefined : { whom };
    }
    case "leaderHunt": {
      const hit = await asker.pick<"crash" | "pause" | "isolate">("Leader hunt: what befalls each leader?", [
        { label: "Crash", value: "crash" },
        { label: "Pause", value: "pause" },
        { label: "Isolate", value: "isolate" },
      ]);
      return hit && { hit };
    }
    case "flappingLink":
      return asker.pick<Pick<PresetSpec, "link">>("Flapping link: which one?", [
        { label: "A drawn one", value: {} },
        ...swarm.links.map(({ a, b, state }) => ({
          label: `${a} – ${b}`,
          description: state,
          value: { link: { a, b } },
        })),
      ]);
    case "rollingPartition":
      return {};
  }
}

async function askPace(asker: Asker, { consensus }: SwarmView, preset: FaultPreset): Promise<number | undefined> {
  const what = preset === "leaderHunt" ? "how long is a new leader let be?" : "from one step to the next?";
  const source = CONSENSUS[consensus].leader === "" ? "timing" : "election timeout";
  const picked = await asker.pick(`Inject Failure: ${what}`, [
    { label: "As usual", description: `follows from the swarm's ${source}`, value: USUAL },
    { label: "2 seconds", value: 2000 },
    { label: "10 seconds", value: 10_000 },
    { label: "Another time…", value: ANOTHER },
  ]);
  if (picked !== ANOTHER) return picked;
  return askNumber(asker, { title: "From one to the next, in ms", value: 5000, min: 10, max: 86_400_000 });
}

async function askTimes(asker: Asker, preset: FaultPreset): Promise<number | undefined> {
  const endless = preset === "leaderHunt" || preset === "flappingLink";
  const picked = await asker.pick("Inject Failure: how many times?", [
    { label: endless ? "Until healed" : "One round", value: USUAL },
    { label: "3 times", value: 3 },
    { label: "10 times", value: 10 },
    { label: "Another number…", value: ANOTHER },
  ]);
  if (picked !== ANOTHER) return picked;
  return askNumber(asker, { title: "How many times", value: 5, min: 1, max: 1_000_000 });
}
