import { readFileSync, statSync } from "node:fs";
import { ensurePackage } from "../.ci/package.mjs";
import { startEditor } from "../test/editor/harness/editor.ts";
import { until } from "../test/editor/harness/waiting.ts";
import { type BenchOptions, type BenchReport, type Figure, machine, percentile } from "./report.ts";

const ACTIVATION_GOAL_MS = 50;
const PACKAGE_GOAL_BYTES = 2 * 1024 * 1024;

/** What the extension costs its user: the package's size, and the activation time that VS Code itself measured. */
export async function run({ say, quick }: BenchOptions): Promise<BenchReport> {
  const vsix = await ensurePackage();
  const activations: number[] = [];
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    say(`starting VS Code, round ${round + 1}`);
    activations.push(await activationMs(vsix));
  }
  const activation = percentile(activations, 0.5);
  const bytes = statSync(vsix).size;
  const bundle = readFileSync("dist/extension.cjs").length;
  const figures: Figure[] = [
    {
      name: `activation (median of ${activations.length})`,
      value: activation,
      unit: "ms",
      goal: `at most ${ACTIVATION_GOAL_MS} ms`,
      met: activation <= ACTIVATION_GOAL_MS,
    },
    {
      name: "VSIX",
      value: Math.round(bytes / 1024),
      unit: "KiB",
      goal: "at most 2048 KiB",
      met: bytes <= PACKAGE_GOAL_BYTES,
    },
    { name: "extension bundle", value: Math.round(bundle / 1024), unit: "KiB", goal: "", met: true },
  ];
  return { bench: "extension", machine: machine(), figures };
}

/** As "Developer: Show Running Extensions" tells it. */
async function activationMs(vsix: string): Promise<number> {
  // Tall, so that the whole list is drawn.
  const editor = await startEditor({ vsix, folder: "examples", viewport: { width: 1440, height: 3000 } });
  try {
    await editor.statusBar.item(/Agent Mesh/, 30_000);
    await editor.runCommand("Developer: Show Running Extensions");
    const row = editor.page.locator(".runtime-extensions-editor .monaco-list-row", { hasText: "Agent Mesh" });
    return await until(editor.page, "the extension's activation time", async () => {
      const found = /Activation: ([\d.]+)\s*ms/.exec(await row.innerText({ timeout: 1000 }));
      return found ? Number(found[1]) : undefined;
    });
  } finally {
    await editor.close();
  }
}
