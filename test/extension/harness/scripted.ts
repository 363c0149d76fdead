import type { Asker, Choice, Separator, TextQuestion } from "../../../extension/commands/asking.ts";

/** Answers picks with the first label that holds, or else with the first choice; texts as told in order, or with what they hold. */
export class Scripted implements Asker {
  readonly titles: string[] = [];
  readonly refused: string[] = [];
  readonly #labels: readonly RegExp[];
  readonly #texts: string[];

  constructor(labels: readonly RegExp[] = [], texts: readonly string[] = []) {
    this.#labels = labels;
    this.#texts = [...texts];
  }

  async pick<T>(title: string, choices: readonly (Choice<T> | Separator)[]): Promise<T | undefined> {
    this.titles.push(title);
    const real = choices.filter((choice) => "label" in choice);
    const wanted = real.find(({ label }) => this.#labels.some((pattern) => pattern.test(label)));
    return (wanted ?? real[0])?.value;
  }

  async pickMany<T>(title: string, choices: readonly Choice<T>[]): Promise<readonly T[] | undefined> {
    this.titles.push(title);
    return choices.slice(0, 2).map(({ value }) => value);
  }

  async text({ title, value, check }: TextQuestion): Promise<string | undefined> {
    this.titles.push(title);
    for (;;) {
      const typed = this.#texts.shift() ?? value;
      const problem = await check(typed);
      if (problem === undefined) return typed;
      this.refused.push(problem);
      if (typed === value) return undefined;
    }
  }
}
