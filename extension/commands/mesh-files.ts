import * as vscode from "vscode";

/** A mesh file of the workspace, as the person picks it; undefined: none. @throws Error where there is none to pick */
export async function askMeshFile(title: string): Promise<string | undefined> {
  const files = await vscode.workspace.findFiles("**/*.mesh.yaml", "**/node_modules/**", 200);
  if (files.length === 0)
    throw new Error("There is no *.mesh.yaml in this workspace. “Agent Mesh: New Mesh File” makes one.");
  const picked = await vscode.window.showQuickPick(
    files
      .map((file) => ({ label: vscode.workspace.asRelativePath(file), file }))
      .sort((a, b) => a.label.localeCompare(b.label)),
    { ignoreFocusOut: true, title },
  );
  return picked?.file.fsPath;
}
