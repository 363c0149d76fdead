import type { SwarmView } from "../../server/contract/swarm.ts";
import type { ToWebview } from "../../server/contract/webview.ts";
import type { Bridge } from "../bridge.ts";
import { onThemeChange, type Theme } from "../theme.ts";
import { LightElement } from "./light-element.ts";
import type { SwarmChoice } from "./swarm-header.ts";

/** What every view is made on: the present swarm as the extension tells of it, the person's settings, and the theme. */
export abstract class SwarmPage<Settings extends object> extends LightElement {
  static override properties = {
    swarm: { state: true },
    swarms: { state: true },
    trusted: { state: true },
    greeted: { state: true },
    settings: { state: true },
    failure: { state: true },
  };

  declare swarm: SwarmView | null;
  declare swarms: readonly SwarmChoice[];
  declare trusted: boolean;
  /** Whether the first snapshot has come. */
  declare greeted: boolean;
  declare settings: Settings;
  /** What went wrong last, for the person; "" when nothing. */
  declare failure: string;

  protected readonly bridge: Bridge;
  #undo: (() => void)[] = [];

  constructor(bridge: Bridge, defaults: Settings) {
    super();
    this.bridge = bridge;
    this.swarm = null;
    this.swarms = [];
    this.trusted = true;
    this.greeted = false;
    this.settings = bridge.loadSettings(defaults);
    this.failure = "";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#undo = [
      this.bridge.onMessage((message) => this.#receive(message)),
      onThemeChange((theme) => this.themeChanged(theme)),
    ];
    this.bridge.ready();
  }

  override disconnectedCallback(): void {
    for (const undo of this.#undo) undo();
    super.disconnectedCallback();
  }

  protected abstract themeChanged(theme: Theme): void;

  /**
   * Every message, after what all views do with it.
   * @param replaced another swarm, or none, is shown from now on
   */
  protected abstract received(message: ToWebview, replaced: boolean): void;

  #receive(message: ToWebview): void {
    const before = this.swarm?.id;
    if (message.type === "snapshot") {
      this.greeted = true;
      this.swarms = message.swarms;
      this.trusted = message.trusted;
      this.swarm = message.swarm;
    } else if (message.type === "swarmChanged") {
      // An older view may come after a newer one: both travel through the extension.
      if (message.swarm.id === this.swarm?.id && message.swarm.revision >= this.swarm.revision)
        this.swarm = message.swarm;
    }
    this.received(message, this.swarm?.id !== before);
  }
}
