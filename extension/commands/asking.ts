/** How a command asks a person, so that what it asks can be tried without an editor. Undefined: the person gave up. */
export interface Asker {
  pick<T>(title: string, choices: readonly (Choice<T> | Separator)[]): Promise<T | undefined>;
  /** At least one of them. */
  pickMany<T>(title: string, choices: readonly Choice<T>[]): Promise<readonly T[] | undefined>;
  /** @param check what is wrong with the text; undefined: nothing */
  text(question: TextQuestion): Promise<string | undefined>;
}

export interface Choice<T> {
  /** With `$(icon)` in front where there is one. */
  readonly label: string;
  readonly description?: string;
  readonly detail?: string;
  /** Where many can be picked: from the start. */
  readonly picked?: boolean;
  readonly value: T;
}

/** A line with a heading between choices. */
export interface Separator {
  readonly separator: string;
}

export interface TextQuestion {
  readonly title: string;
  readonly prompt?: string;
  readonly value: string;
  readonly placeholder?: string;
  readonly check: (text: string) => string | undefined | Promise<string | undefined>;
}

/** A number within [min, max]. */
export interface NumberQuestion {
  readonly title: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  /** Whole ones only. Absent: true. */
  readonly whole?: boolean;
}

export async function askNumber(asker: Asker, question: NumberQuestion): Promise<number | undefined> {
  const { title, value, min, max, whole = true } = question;
  const pattern = whole ? /^-?\d+$/ : /^-?\d+(\.\d+)?$/;
  const text = await asker.text({
    title,
    value: String(value),
    check: (typed) =>
      pattern.test(typed.trim()) && Number(typed) >= min && Number(typed) <= max
        ? undefined
        : `A ${whole ? "whole " : ""}number from ${min} to ${max}.`,
  });
  return text === undefined ? undefined : Number(text);
}

/** Asked for in percent. @returns in (0, 1] */
export async function askShare(asker: Asker, title: string, percent: number): Promise<number | undefined> {
  const asked = await askNumber(asker, { title: `${title}, in %`, value: percent, min: 0.001, max: 100, whole: false });
  return asked === undefined ? undefined : asked / 100;
}
