import assert from "node:assert/strict";
import { after, afterEach, before } from "mocha";
import { WebviewHarness, type WebviewPage } from "./webview-page.ts";

/** What opens views. */
export type Webviews = Pick<WebviewHarness, "open">;

/**
 * Views for the tests around which it is called: one browser for all of them; a page for each test, which is closed after it, and in which no script failed and nothing broke the content security policy.
 * @param page the one of the test that has just ended
 */
export function webviews(page: () => WebviewPage): Webviews {
  let harness: WebviewHarness | undefined;
  before(async () => {
    harness = await WebviewHarness.start();
  });
  after(() => harness?.stop());
  afterEach(async () => {
    const view = page();
    assert.deepEqual(view.errors, [], "no script error and no breach of the content security policy");
    await view.close();
  });
  return {
    open: (...given) => {
      assert.ok(harness !== undefined, "views are opened by tests");
      return harness.open(...given);
    },
  };
}
