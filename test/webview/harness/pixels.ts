/** Whether a canvas shows something of a colour: what a picture is checked by when it has no elements. */
import type { WebviewPage } from "./webview-page.ts";

/** Counts the pixels of a canvas that are close to a colour (#rrggbb). */
export async function countPixels(view: WebviewPage, selector: string, colour: string): Promise<number> {
  await view.frames(2);
  return view.page.evaluate(
    ({ wanted, hex }) => {
      const canvas = document.querySelector<HTMLCanvasElement>(wanted);
      if (!canvas) return -1;
      const copy = document.createElement("canvas");
      copy.width = canvas.width;
      copy.height = canvas.height;
      const ctx = copy.getContext("2d", { willReadFrequently: true });
      if (!ctx) return -1;
      ctx.drawImage(canvas, 0, 0);
      const rgb = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
      const { data } = ctx.getImageData(0, 0, canvas.width, canvas.height);
      let found = 0;
      for (let i = 0; i < data.length; i += 4) {
        if (rgb.every((value, channel) => Math.abs(value - data[i + channel]!) < 12)) found++;
      }
      return found;
    },
    { wanted: selector, hex: colour },
  );
}
