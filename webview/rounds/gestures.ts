/** Mouse, touch and keys on the diagram: drag and wheel pan, Ctrl+wheel and pinch zoom, a click chooses. */
import type { Diagram } from "./diagram.ts";

export interface GestureHooks {
  readonly diagram: () => Diagram | undefined;
  /** Scrolls the lanes; returns false where there is nothing to scroll. */
  readonly scrollLanes: (px: number) => boolean;
  readonly choose: (x: number, y: number) => void;
  readonly point: (x: number, y: number) => void;
  readonly leave: () => void;
}

const CLICK_PX = 4;

/** Listens on the canvas. Returns what undoes it. */
export function listen(canvas: HTMLCanvasElement, hooks: GestureHooks): () => void {
  const pointers = new Map<number, { x: number; y: number }>();
  let moved = 0;
  const at = (event: MouseEvent): { x: number; y: number } => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const down = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, at(event));
    moved = 0;
  };
  const move = (event: PointerEvent): void => {
    const now = at(event);
    const before = pointers.get(event.pointerId);
    if (before === undefined) {
      hooks.point(now.x, now.y);
      return;
    }
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    moved += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
    pointers.set(event.pointerId, now);
    if (moved < CLICK_PX) return;
    if (other === undefined) {
      hooks.diagram()?.panPx(before.x - now.x);
      hooks.scrollLanes(before.y - now.y);
    } else {
      const ratio = Math.max(8, Math.abs(before.x - other.x)) / Math.max(8, Math.abs(now.x - other.x));
      hooks.diagram()?.zoomAt(ratio, (now.x + other.x) / 2);
    }
  };
  const up = (event: PointerEvent): void => {
    const known = pointers.delete(event.pointerId);
    if (known && moved < CLICK_PX) hooks.choose(at(event).x, at(event).y);
  };
  const wheel = (event: WheelEvent): void => {
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 30 : 1;
    const dx = event.deltaX * unit;
    const dy = event.deltaY * unit;
    if (event.ctrlKey || event.metaKey) {
      hooks.diagram()?.zoomAt(Math.exp(Math.max(-120, Math.min(120, dy)) * 0.006), at(event).x);
    } else if (event.shiftKey || Math.abs(dx) > Math.abs(dy)) hooks.diagram()?.panPx(dx === 0 ? dy : dx);
    else if (!hooks.scrollLanes(dy)) hooks.diagram()?.panPx(dy);
  };
  const double = (event: MouseEvent): void => hooks.diagram()?.zoomAt(0.4, at(event).x);
  canvas.addEventListener("pointerdown", down);
  canvas.addEventListener("pointermove", move);
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  canvas.addEventListener("pointerleave", hooks.leave);
  canvas.addEventListener("wheel", wheel, { passive: false });
  canvas.addEventListener("dblclick", double);
  return () => {
    canvas.removeEventListener("pointerdown", down);
    canvas.removeEventListener("pointermove", move);
    canvas.removeEventListener("pointerup", up);
    canvas.removeEventListener("pointercancel", up);
    canvas.removeEventListener("pointerleave", hooks.leave);
    canvas.removeEventListener("wheel", wheel);
    canvas.removeEventListener("dblclick", double);
  };
}

/** Drags in the overview strip: the stretch in sight follows the pointer. */
export function listenStrip(strip: HTMLCanvasElement, diagram: () => Diagram | undefined): () => void {
  const go = (event: PointerEvent): void => {
    const shown = diagram();
    if (shown === undefined || (event.type === "pointermove" && event.buttons !== 1)) return;
    if (event.type === "pointerdown") strip.setPointerCapture(event.pointerId);
    const box = strip.getBoundingClientRect();
    const { fromMs, toMs } = shown.extent;
    const ms = fromMs + ((event.clientX - box.left) / Math.max(1, box.width)) * (toMs - fromMs);
    const half = (shown.span.toMs - shown.span.fromMs) / 2;
    shown.show({ fromMs: ms - half, toMs: ms + half });
  };
  strip.addEventListener("pointerdown", go);
  strip.addEventListener("pointermove", go);
  return () => {
    strip.removeEventListener("pointerdown", go);
    strip.removeEventListener("pointermove", go);
  };
}
