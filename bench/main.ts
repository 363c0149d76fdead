/** npm run bench -- NAME [--only PART[,PART]] [--json] [--quick] */
import { type Bench, reportText } from "./report.ts";

/** `PARTS`: what `--only` may choose of it. */
interface BenchModule {
  readonly run: Bench;
  readonly PARTS?: readonly string[];
}

const BENCHES: Readonly<Record<string, () => Promise<BenchModule>>> = {
  raft: async () => import("./raft.ts"),
  pbft: async () => import("./pbft.ts"),
  "pbft-view-change": async () => import("./pbft-view-change.ts"),
  gossip: async () => import("./gossip.ts"),
  partition: async () => import("./partition.ts"),
  aggregate: async () => import("./aggregate.ts"),
  proposals: async () => import("./proposals.ts"),
  "raft-core": async () => import("./raft-core.ts"),
  "agent-core": async () => import("./agent-core.ts"),
  startup: async () => import("./startup.ts"),
  detect: async () => import("./detect/detect.ts"),
  simulate: async () => import("./simulate.ts"),
  swim: async () => import("./swim.ts"),
  election: async () => import("./election.ts"),
  overlay: async () => import("./overlay.ts"),
  optimise: async () => import("./optimise.ts"),
  scale: async () => import("./scale.ts"),
  extension: async () => import("./extension.ts"),
};

const words = process.argv.slice(2);
const onlyAt = words.indexOf("--only");
const chosen = onlyAt < 0 ? undefined : (words.splice(onlyAt, 2)[1] ?? "").split(",");
const [name] = words.filter((word) => !word.startsWith("--"));
const load = name === undefined ? undefined : BENCHES[name];
if (!load)
  refuse(
    `npm run bench -- NAME [--only PART[,PART]] [--json] [--quick], with NAME one of ${Object.keys(BENCHES).join(", ")}${name === undefined ? "" : `; there is no "${name}"`}`,
  );
const { run, PARTS = [] } = await load();
const unknown = chosen?.find((part) => !PARTS.includes(part));
if (unknown !== undefined)
  refuse(
    PARTS.length === 0
      ? `${name} has no parts: run it without --only`
      : `--only takes parts of ${name}: ${PARTS.join(", ")}; there is no "${unknown}"`,
  );
const report = await run({
  say: (text) => void process.stderr.write(`${text}\n`),
  quick: words.includes("--quick"),
  parts: new Set(chosen ?? PARTS),
});
process.stdout.write(words.includes("--json") ? `${JSON.stringify(report)}\n` : `${reportText(report)}\n`);

function refuse(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(2);
}
