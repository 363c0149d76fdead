import * as vscode from "vscode";
import type { Asker, Choice, Separator, TextQuestion } from "./asking.ts";

/** Asks with quick picks and input boxes, which stay when the focus goes elsewhere. */
export const editorAsker: Asker = {
  async pick<T>(title: string, choices: readonly (Choice<T> | Separator)[]) {
    const items = choices.map((choice) =>
      "separator" in choice ? { label: choice.separator, kind: vscode.QuickPickItemKind.Separator } : { ...choice },
    );
    const picked = await vscode.window.showQuickPick(items, { ignoreFocusOut: true, title, matchOnDetail: true });
    return picked && "value" in picked ? picked.value : undefined;
  },

  async pickMany<T>(title: string, choices: readonly Choice<T>[]) {
    const picked = await vscode.window.showQuickPick([...choices], { ignoreFocusOut: true, title, canPickMany: true });
    return picked === undefined || picked.length === 0 ? undefined : picked.map(({ value }) => value);
  },

  async text({ title, prompt, value, placeholder, check }: TextQuestion) {
    return vscode.window.showInputBox({
      ignoreFocusOut: true,
      title,
      value,
      ...(prompt === undefined ? {} : { prompt }),
      ...(placeholder === undefined ? {} : { placeHolder: placeholder }),
      validateInput: check,
    });
  },
};
