/** By what the picture places agents: a choice in the toolbar. */
import "@vscode-elements/elements/dist/vscode-option/index.js";
import "@vscode-elements/elements/dist/vscode-single-select/index.js";
import { html, type TemplateResult } from "lit";
import { LAYOUT_NAMES, type LayoutName } from "./arrange.ts";

const TITLES: Readonly<Record<LayoutName, string>> = { linked: "As linked", ring: "Ring" };

const EXPLAINED =
  "As linked: by the topology, neighbours near each other. Ring: by a hash of each agent's id, where consistent hashing (as in a DHT) would place it; nothing is stored by it.";

export function layoutChoice(layout: LayoutName, choose: (layout: LayoutName) => void): TemplateResult {
  const chosen = (event: Event): void => {
    const { value } = event.target as HTMLElement & { value: LayoutName };
    if (value !== layout && LAYOUT_NAMES.includes(value)) choose(value);
  };
  return html`<vscode-single-select class="layout" label="Layout" aria-label="Layout" title=${EXPLAINED} .value=${layout} @change=${chosen}>
    ${LAYOUT_NAMES.map((name) => html`<vscode-option value=${name} ?selected=${name === layout}>${TITLES[name]}</vscode-option>`)}
  </vscode-single-select>`;
}
