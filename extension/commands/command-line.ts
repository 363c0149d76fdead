/**
 * Splits a command line into words: blanks separate, single or double quotes group, a backslash keeps the next character (outside single quotes; inside double
 * quotes only before " and \). No shell: nothing else is special. Returns a sentence when it cannot be split.
 */
export function splitCommandLine(line: string): string[] | string {
  const words: string[] = [];
  let word = "";
  let open = false;
  let quote = "";
  for (let at = 0; at < line.length; at++) {
    const char = line[at] as string;
    const next = line[at + 1];
    if (quote !== "") {
      if (char === quote) quote = "";
      else if (char === "\\" && quote === '"' && (next === '"' || next === "\\")) {
        word += next;
        at++;
      } else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      open = true;
    } else if (char === "\\" && next !== undefined && /[\s"'\\]/.test(next)) {
      word += next;
      open = true;
      at++;
    } else if (/\s/.test(char)) {
      if (open) words.push(word);
      word = "";
      open = false;
    } else {
      word += char;
      open = true;
    }
  }
  if (quote !== "") return `A ${quote} is not closed.`;
  if (open) words.push(word);
  return words.length === 0 ? "Name a program to run." : words;
}
