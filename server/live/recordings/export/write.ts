import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ExportFormat } from "../../../contract/coordinator.ts";
import type { RecordedEvents } from "../events.ts";
import { chromeTracePieces } from "./chrome-trace.ts";
import { shivizLines } from "./shiviz.ts";

export const EXPORT_FORMATS = ["shiviz", "chrome"] as const satisfies readonly ExportFormat[];

const PIECE_CHARACTERS = 64 * 1024;

/** The whole file, in pieces that are worth a write each. */
export function* exportPieces(recorded: RecordedEvents, format: ExportFormat): IterableIterator<string> {
  let text = "";
  for (const piece of format === "chrome" ? chromeTracePieces(recorded) : lines(shivizLines(recorded.events))) {
    text += piece;
    if (text.length < PIECE_CHARACTERS) continue;
    yield text;
    text = "";
  }
  if (text !== "") yield text;
}

/** In place of what is there, once it is whole. @throws the file system's error */
export async function writeExport(recorded: RecordedEvents, format: ExportFormat, file: string): Promise<void> {
  const partial = `${file}.partial`;
  try {
    await pipeline(Readable.from(exportPieces(recorded, format)), createWriteStream(partial));
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

function* lines(of: Iterable<string>): IterableIterator<string> {
  for (const line of of) yield `${line}\n`;
}
