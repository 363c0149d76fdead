import { loadavg } from "node:os";
import { serfVersion } from "../peers/serf.ts";
import { type BenchOptions, type BenchReport, type Figure, loadFigure, machine } from "../report.ts";
import { falseAlarms } from "./false-alarms.ts";
import { joining } from "./joining.ts";
import { killed } from "./kill.ts";
import { traffic } from "./traffic.ts";

/** What each part of this benchmark is given. */
export interface PartOptions extends BenchOptions {
  /** serf's version; undefined: there is none to compare with. */
  readonly serf: string | undefined;
  /** Notes how busy the machine is now. */
  readonly look: () => void;
}

const MEASURES: Readonly<Record<string, (options: PartOptions) => Promise<readonly Figure[]>>> = {
  kill: killed,
  joining,
  traffic,
  "false-alarms": falseAlarms,
};

export const PARTS: readonly string[] = Object.keys(MEASURES);

/** Failure detection, ours and serf's in the same run: how soon it knows of a death and of an arrival, what it costs, and whether it is wrong. */
export async function run(options: BenchOptions): Promise<BenchReport> {
  const serf = serfVersion();
  if (serf === undefined) options.say("serf is not on the PATH: not compared");
  const loads: number[] = [];
  const look = (): void => void loads.push(loadavg()[0] as number);
  const figures: Figure[] = [];
  for (const part of options.parts) {
    options.say(part);
    look();
    figures.push(...(await (MEASURES[part] as (typeof MEASURES)[string])({ ...options, serf, look })));
    look();
  }
  return { bench: "detect", machine: machine(), figures: [...figures, loadFigure(loads)] };
}
