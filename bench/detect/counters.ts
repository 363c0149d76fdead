/** What a network interface sent. */
export interface Counted {
  readonly bytes: number;
  readonly packets: number;
}

/**
 * What an interface has sent so far, of the text of proc(5)'s net/dev: after its name and a colon eight figures of what it received, then bytes and packets sent.
 * @throws Error when there is no such interface
 */
export function countersOf(text: string, name: string): Counted {
  for (const line of text.split("\n")) {
    const [found, figures] = line.split(":");
    if (found?.trim() !== name || figures === undefined) continue;
    const [bytes, packets] = figures.trim().split(/\s+/).slice(8).map(Number);
    if (bytes === undefined || packets === undefined) break;
    return { bytes, packets };
  }
  throw new Error(`no counters of the interface ${name}`);
}
