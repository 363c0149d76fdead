/** What befalls the frames of a link: each toxic and what it is told. */
import type { DelayDistribution, Toxic, ToxicName } from "../../server/contract/faults.ts";
import { type Asker, askNumber, askShare } from "./asking.ts";

const MAX_MS = 600_000;
const MAX_BYTES = 2 ** 40;

export async function askToxic(asker: Asker, toxic: ToxicName): Promise<Toxic | undefined> {
  const ms = (title: string, value: number, min = 1) =>
    askNumber(asker, { title: `${title}, in ms`, value, min, max: MAX_MS });
  const bytes = (title: string, value: number) => askNumber(asker, { title, value, min: 1, max: MAX_BYTES });
  switch (toxic) {
    case "loss":
    case "duplicate":
    case "corrupt": {
      const verb = { loss: "drop", duplicate: "double", corrupt: "damage" }[toxic];
      const share = await askShare(asker, `Share of frames to ${verb}`, 10);
      return share === undefined ? undefined : { toxic, share };
    }
    case "latency": {
      const delay = await askDelay(asker);
      return delay && { toxic, delay };
    }
    case "bandwidth": {
      const bytesPerSecond = await bytes("Bytes a second, at most", 10_000);
      return bytesPerSecond === undefined ? undefined : { toxic, bytesPerSecond };
    }
    case "dataLimit": {
      const limit = await bytes("Bytes until the connection is closed", 100_000);
      return limit === undefined ? undefined : { toxic, bytes: limit };
    }
    case "reorder": {
      const share = await askShare(asker, "Share of frames to hold back", 10);
      const byMs = share === undefined ? undefined : await ms("By how much at most", 50);
      return share === undefined || byMs === undefined ? undefined : { toxic, share, byMs };
    }
    case "slicing": {
      const size = await bytes("Bytes of a slice, at most", 100);
      const everyMs = size === undefined ? undefined : await ms("Between slices", 5, 0);
      return size === undefined || everyMs === undefined ? undefined : { toxic, bytes: size, everyMs };
    }
    case "timeout": {
      const afterMs = await ms("Until the connection is closed (0: never)", 2000, 0);
      return afterMs === undefined ? undefined : { toxic, afterMs };
    }
    case "reset": {
      const afterMs = await ms("From one reset to the next", 1000);
      return afterMs === undefined ? undefined : { toxic, afterMs };
    }
    case "slowClose": {
      const delayMs = await ms("How much later the close is seen", 500, 0);
      return delayMs === undefined ? undefined : { toxic, delayMs };
    }
    case "flap": {
      const upMs = await ms("How long it is up", 1000);
      const downMs = upMs === undefined ? undefined : await ms("How long it is down", 200);
      return upMs === undefined || downMs === undefined ? undefined : { toxic, upMs, downMs };
    }
  }
}

async function askDelay(asker: Asker): Promise<DelayDistribution | undefined> {
  const shape = await asker.pick<DelayDistribution["shape"]>("Inject Failure: how is the delay drawn?", [
    { label: "Constant", detail: "Always the same.", value: "constant" },
    { label: "Uniform", detail: "A mean, and up to so much more or less.", value: "uniform" },
    { label: "Normal", detail: "A mean, and a standard deviation.", value: "normal" },
    { label: "Log-normal", detail: "A median, and the sigma of the logarithm.", value: "logNormal" },
    { label: "Pareto", detail: "The least, and an exponent: rarely very late.", value: "pareto" },
  ]);
  if (shape === undefined) return undefined;
  const what = { constant: "Delay", uniform: "Mean", normal: "Mean", logNormal: "Median", pareto: "Least delay" }[
    shape
  ];
  const ms = await askNumber(asker, { title: `${what} of the delay, in ms`, value: 50, min: 0, max: MAX_MS });
  if (ms === undefined || shape === "constant") return ms === undefined ? undefined : { shape, ms };
  const spread = await askNumber(asker, { ...SPREAD[shape], whole: false });
  return spread === undefined ? undefined : { shape, ms, spread };
}

const SPREAD = {
  uniform: { title: "Up to so much more or less, in ms", value: 10, min: 0, max: MAX_MS },
  normal: { title: "Standard deviation, in ms", value: 10, min: 0, max: MAX_MS },
  logNormal: { title: "Sigma of the logarithm", value: 0.5, min: 0, max: 10 },
  pareto: { title: "Exponent", value: 1.5, min: 0.1, max: 100 },
} as const;
