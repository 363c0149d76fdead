import type { Broken } from "./broken.ts";
import type { CommittedLog } from "./committed-log.ts";
import type { ShadowLogs } from "./shadow-logs.ts";

/** When an index commits it is on the disks of a majority, together with all before it: otherwise crashes alone could take it back. */
export class CommitDurability {
  readonly #logs: ShadowLogs;
  readonly #committed: CommittedLog;
  readonly #broken: Broken;

  constructor(logs: ShadowLogs, committed: CommittedLog, broken: Broken) {
    this.#logs = logs;
    this.#committed = committed;
    this.#broken = broken;
  }

  /** To be called whenever the committed log grew. */
  grew(): void {
    const index = this.#committed.lastIndex;
    const chain = this.#committed.chainAt(index);
    let copies = 0;
    for (const disk of this.#logs.disk) if (disk.chainAt(index) === chain) copies++;
    const needed = Math.floor(this.#logs.disk.length / 2) + 1;
    if (copies < needed)
      this.#broken("commit durability", `index ${index} committed with ${copies} durable copies of ${needed} needed`);
  }
}
