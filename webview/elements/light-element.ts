import { LitElement } from "lit";

/**
 * A Lit element without a shadow root: the page's style sheet reaches it, and so does VS Code when it looks for
 * `data-vscode-context` between the clicked element and the body.
 */
export class LightElement extends LitElement {
  protected override createRenderRoot(): HTMLElement {
    return this;
  }
}
