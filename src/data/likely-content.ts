import { imageMark, videoMark } from "../prompt/index.ts";
import type { DataFormat } from "./data-format.ts";
import type { ReadSettings } from "./read-settings.ts";
import type { RowContent } from "./row.ts";

const rowsTried = 20;
/** What begins a turn, well written or not. */
const turn = /^[\s>*#_[<|-]*(?:human|user|ai|assistant)\b[\s*_\]>|]*[:\uff1a]/im;

/** What the texts of a file are where no recipe says it, by its first rows. */
export async function likelyContent(
  path: string,
  format: DataFormat,
  settings: ReadSettings = {},
): Promise<RowContent> {
  let [tried, shows, read] = [0, false, false];
  for await (const { row } of format.read(path, settings)) {
    if ("text" in row) {
      read = true;
      const { text, images, videos } = row;
      if (typeof text !== "string" || turn.test(text)) return "conversation";
      if (text.includes(imageMark) || text.includes(videoMark)) return "conversation";
      shows ||= images.length + videos.length > 0;
    }
    if (++tried === rowsTried) break;
  }
  if (!read) return "conversation";
  return shows ? "caption" : "text";
}
