/** Buttons of a view's header. */
import "@vscode-elements/elements/dist/vscode-toolbar-button/index.js";
import { html, nothing, type TemplateResult } from "lit";

export interface Tool {
  /** A codicon's name. */
  readonly icon: string;
  /** What it does; the tooltip and the accessible name. */
  readonly label: string;
  /** Shown beside the icon where there is room. */
  readonly text?: string;
  /** For switches: whether it is on. */
  readonly on?: boolean;
  readonly run: () => void;
}

export function toolButton(tool: Tool): TemplateResult {
  const text = tool.text === undefined ? nothing : html`<span class="text">${tool.text}</span>`;
  return html`<vscode-toolbar-button
    icon=${tool.icon}
    label=${tool.label}
    title=${tool.label}
    ?toggleable=${tool.on !== undefined}
    .checked=${tool.on ?? false}
    @click=${tool.run}
    >${text}</vscode-toolbar-button
  >`;
}

/** A vertical line between groups of buttons. */
export const toolGap: TemplateResult = html`<span class="gap" aria-hidden="true"></span>`;
