/** npm run bench -- NAME [--json] [--quick] */
import { type Bench, reportText } from "./report.ts";

const BENCHES: Readonly<Record<string, () => Promise<Bench>>> = {
  raft: async () => (await import("./raft.ts")).run,
  pbft: async () => (await import("./pbft.ts")).run,
  "pbft-view-change": async () => (await import("./pbft-view-change.ts")).run,
  gossip: async () => (await import("./gossip.ts")).run,
  proposals: async () => (await import("./proposals.ts")).run,
  "raft-core": async () => (await import("./raft-core.ts")).run,
  "agent-core": async () => (await import("./agent-core.ts")).run,
  startup: async () => (await import("./startup.ts")).run,
  detect: async () => (await import("./detect.ts")).run,
  simulate: async () => (await import("./simulate.ts")).run,
  election: async () => (await import("./election.ts")).run,
  extension: async () => (await import("./extension.ts")).run,
};

const words = process.argv.slice(2);
const [name] = words.filter((word) => !word.startsWith("--"));
const load = name === undefined ? undefined : BENCHES[name];
if (!load) {
  process.stderr.write(
    `npm run bench -- NAME [--json] [--quick], with NAME one of ${Object.keys(BENCHES).join(", ")}${name === undefined ? "" : `; there is no "${name}"`}\n`,
  );
  process.exit(2);
}
const bench = await load();
const report = await bench({ say: (text) => void process.stderr.write(`${text}\n`), quick: words.includes("--quick") });
process.stdout.write(words.includes("--json") ? `${JSON.stringify(report)}\n` : `${reportText(report)}\n`);
