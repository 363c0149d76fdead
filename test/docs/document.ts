import { readFileSync } from "node:fs";

/** A Markdown file, as far as it is held against what the program knows. */
export class Document {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  static read(path: string): Document {
    return new Document(readFileSync(path, "utf8"));
  }

  /** What fenced blocks of a language hold, in order. */
  blocks(language: string): readonly string[] {
    const block = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm");
    return [...this.text.matchAll(block)].map(([, text]) => text as string);
  }

  /** Everything that is set as code, in blocks of any language and in lines. */
  get code(): readonly string[] {
    const fence = /^```[^\n]*\n([\s\S]*?)^```/gm;
    const inLines = this.text.replace(fence, "").matchAll(/`([^`\n]+)`/g);
    return [...this.text.matchAll(fence), ...inLines].map(([, text]) => text as string);
  }

  /** Those of the names that nowhere stand as code, each as a word of its own. */
  lacks(names: readonly string[]): string[] {
    const said = new Set(this.code.flatMap((text) => text.split(/[^A-Za-z0-9_-]+/)));
    return names.filter((name) => !said.has(name));
  }

  /** The cells of the first table row in which one cell is exactly this; undefined without one. */
  row(cell: string): readonly string[] | undefined {
    return this.text
      .split("\n")
      .filter((line) => line.startsWith("|"))
      .map((line) =>
        line
          .split(/(?<!\\)\|/)
          .slice(1, -1)
          .map((one) => one.trim()),
      )
      .find((cells) => cells.some((one) => one === cell));
  }
}

/** The text of the type or interface that begins in a TypeScript source with these words, up to the next thing at the margin. */
export function declaration(source: string, head: string): string {
  const from = source.indexOf(head);
  if (from < 0) throw new Error(`nothing begins with "${head}"`);
  const length = source.slice(from + head.length).search(/\n(?:export|const|function|\/\*\*)/);
  return source.slice(from, length < 0 ? source.length : from + head.length + length);
}
