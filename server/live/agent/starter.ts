/** What an agent's process tells the process that started it, once, over the channel that spawn.ts gives it. */
export type StartNews =
  | { readonly type: "listening"; readonly pid: number; readonly port: number; readonly incarnation: number }
  /** In a sentence for people. */
  | { readonly type: "failed"; readonly message: string };

/**
 * Tells the starter, if there is one that still listens, and lets go of it: from then on neither keeps the other alive.
 * `then` is called when that is done or cannot be done.
 */
export function tellStarter(news: StartNews, then: () => void = () => {}): void {
  if (process.send === undefined || !process.connected) {
    then();
    return;
  }
  // A starter that has died meanwhile needs no news.
  process.send(news, undefined, undefined, () => {
    if (process.connected) process.disconnect();
    then();
  });
}
