// The picture of the README, taken anew: out/screenshots/readme.png, copied to media/screenshot.png by hand.

import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import type { FrameLocator } from "playwright-core";
import { ensurePackage } from "../../.ci/package.mjs";
import { type Editor, startEditor } from "./harness/editor.ts";
import { initFirstSwarm, leaderNow } from "./harness/swarm.ts";
import { until } from "./harness/waiting.ts";

/** What the page's own element can tell and do: the stretch of time in sight. */
interface Rounds extends Element {
  readonly diagram: {
    readonly window: {
      readonly complete: boolean;
      readonly events: readonly { readonly kind: string; readonly hlc: { readonly wallMs: number } }[];
    } | null;
    show(span: { readonly fromMs: number; readonly toMs: number }): void;
  };
}

describe("the picture of the README", function () {
  this.timeout(90_000);
  let editor: Editor;

  before(async () => {
    editor = await startEditor({ vsix: await ensurePackage(), folder: "examples" });
  });
  after(async () => {
    await editor?.close();
  });

  const drag = async (x: number, y: number, toX: number, toY: number): Promise<void> => {
    await editor.page.mouse.move(x, y);
    await editor.page.mouse.down();
    await editor.page.mouse.move((x + toX) / 2, (y + toY) / 2, { steps: 4 });
    await editor.page.mouse.move(toX, toY, { steps: 4 });
    await editor.page.mouse.up();
  };
  const rounds = (): Promise<FrameLocator> => editor.webviewFrame("Consensus Rounds", "editor");

  it("shows a crashed leader, its successor, and the votes that made it", async () => {
    const crashed = await initFirstSwarm(editor);
    await editor
      .view("Tasks")
      .untilItems(
        "the tasks done",
        (all) => all.filter((item) => item.description.startsWith("exit 0")).length >= 5,
        30_000,
      );
    await editor.runCommand("Agent Mesh: Show Consensus Rounds");
    await (await rounds()).locator("canvas.space-time").waitFor();
    const side = editor.page.locator(".part.sidebar");
    const box = await side.boundingBox();
    assert.ok(box);
    await drag(box.x + box.width, 500, box.x + 372, 500);
    const agents = await editor.page.locator('.pane-header[aria-label^="Agents"]').boundingBox();
    assert.ok(agents);
    await drag(agents.x + 150, agents.y, agents.x + 150, agents.y + 82);
    await editor.runCommand("Agent Mesh: Inject Failure");
    await editor.quickInput.choose(/Crash/);
    await editor.quickInput.choose(/The leader/);
    await editor.quickInput.choose("Until healed");
    const leader = await leaderNow(editor, /first-swarm 4\/5 · (\S+) leads/);
    assert.notEqual(leader, crashed);
    await editor.view("Faults").item(new RegExp(`${crashed} crashed`));

    const frame = await rounds();
    await frame.locator(".search vscode-textfield input").fill(`kind:becameLeader agent:${leader}`);
    await frame.locator(".search vscode-textfield input").press("Enter");
    await until(editor.page, "the election", async () =>
      /^1 of/.test(await frame.locator(".status").first().innerText()),
    );
    const view = frame.locator("am-rounds");
    const zoomedIn = await until(editor.page, "the votes one by one", () =>
      view.evaluate((element) => {
        const { diagram } = element as unknown as Rounds;
        const events = diagram.window?.complete === true ? diagram.window.events : [];
        const leads = events.findLast((event) => event.kind === "becameLeader");
        const begins = events.findLast(
          (event) => event.kind === "electionTimedOut" && event.hlc.wallMs <= (leads?.hlc.wallMs ?? 0),
        );
        if (leads === undefined || begins === undefined) return undefined;
        const margin = Math.max(1, (leads.hlc.wallMs - begins.hlc.wallMs) * 0.22);
        diagram.show({ fromMs: begins.hlc.wallMs - margin, toMs: leads.hlc.wallMs + 2.2 * margin });
        return true;
      }),
    );
    assert.ok(zoomedIn);
    await frame.locator(".event-details vscode-toolbar-button").first().click();
    await editor.runCommand("Notifications: Clear All Notifications");
    await editor.page.mouse.move(900, 20);
    await until(editor.page, "no notification", async () => (await editor.notifications.all()).length === 0);
    await until(editor.page, "the votes in the legend's colours", () =>
      view.evaluate((element) => {
        const { diagram } = element as unknown as Rounds;
        return diagram.window?.complete === true && diagram.window.events.some((event) => event.kind === "votedFor");
      }),
    );
    assert.equal(await editor.page.locator(".part.panel:visible").count(), 0);
    await editor.screenshot("readme");
  });
});
