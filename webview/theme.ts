/** The colours of VS Code's current theme, for canvases: read from its CSS variables, and read again when they change. */

export type ThemeKind = "dark" | "light" | "highContrast" | "highContrastLight";

/** Colours by what they are for. A glyph or a line names its ink; the theme says what colour that is. */
export interface Theme {
  readonly kind: ThemeKind;
  readonly background: string;
  readonly foreground: string;
  /** Secondary text and quiet lines; still readable. */
  readonly muted: string;
  /** Grid lines, separators. */
  readonly grid: string;
  readonly focus: string;
  readonly selection: string;
  readonly red: string;
  readonly orange: string;
  readonly yellow: string;
  readonly green: string;
  readonly blue: string;
  readonly purple: string;
  readonly fontFamily: string;
  /** CSS pixels. */
  readonly fontSize: number;
}

/** The names of a theme's colours. */
export type Ink = Exclude<keyof Theme, "kind" | "fontFamily" | "fontSize">;

/** CSS for each ink, for SVG and style sheets. The last resort keeps a page readable where a theme leaves a variable out. */
export const INK_CSS: Readonly<Record<Ink, string>> = {
  background: "var(--am-background)",
  foreground: "var(--vscode-foreground)",
  muted: "var(--vscode-descriptionForeground, var(--vscode-foreground))",
  grid: "var(--vscode-editorIndentGuide-background1, var(--vscode-panel-border, var(--vscode-contrastBorder)))",
  focus: "var(--vscode-focusBorder)",
  selection: "var(--vscode-contrastActiveBorder, var(--vscode-focusBorder))",
  red: "var(--vscode-charts-red, var(--vscode-errorForeground))",
  // charts.orange is half transparent in the dark themes and missing in high contrast.
  orange: "var(--vscode-symbolIcon-classForeground, var(--vscode-charts-orange, var(--vscode-foreground)))",
  yellow: "var(--vscode-charts-yellow, var(--vscode-foreground))",
  green: "var(--vscode-charts-green, var(--vscode-foreground))",
  blue: "var(--vscode-charts-blue, var(--vscode-foreground))",
  purple: "var(--vscode-charts-purple, var(--vscode-foreground))",
};

/** Reads the theme as it is now. Costs a style recalculation: call it when the theme changes, not in a frame. */
export function readTheme(): Theme {
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const inks = {} as Record<Ink, string>;
  for (const ink of Object.keys(INK_CSS) as Ink[]) {
    probe.style.color = "";
    probe.style.color = INK_CSS[ink];
    inks[ink] = getComputedStyle(probe).color;
  }
  probe.remove();
  const body = getComputedStyle(document.body);
  return { kind: themeKind(), ...inks, fontFamily: body.fontFamily, fontSize: Number.parseFloat(body.fontSize) || 13 };
}

function themeKind(): ThemeKind {
  const classes = document.body.classList;
  if (classes.contains("vscode-high-contrast-light")) return "highContrastLight";
  if (classes.contains("vscode-high-contrast")) return "highContrast";
  return classes.contains("vscode-light") ? "light" : "dark";
}

/** Calls back once after each change of theme (or font). Returns what undoes it. */
export function onThemeChange(changed: (theme: Theme) => void): () => void {
  let scheduled = 0;
  const observer = new MutationObserver(() => {
    if (scheduled !== 0) return;
    scheduled = requestAnimationFrame(() => {
      scheduled = 0;
      changed(readTheme());
    });
  });
  const attributeFilter = ["class", "style", "data-vscode-theme-kind", "data-vscode-theme-id"];
  observer.observe(document.body, { attributes: true, attributeFilter });
  observer.observe(document.documentElement, { attributes: true, attributeFilter });
  return () => {
    observer.disconnect();
    cancelAnimationFrame(scheduled);
  };
}

/** High contrast asks for outlines instead of tints. */
export function isHighContrast(theme: Theme): boolean {
  return theme.kind === "highContrast" || theme.kind === "highContrastLight";
}

/** Whether the person asked for less motion. */
export function prefersReducedMotion(): boolean {
  // The second is VS Code's own setting, workbench.reduceMotion.
  return (
    matchMedia("(prefers-reduced-motion: reduce)").matches || document.body.classList.contains("vscode-reduce-motion")
  );
}
