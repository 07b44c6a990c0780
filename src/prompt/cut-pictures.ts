import { hyperOf, type OwlConfig } from "../model/index.ts";
import type { ContentPart, Message } from "./message.ts";

// How mPLUG-Owl3 writes pictures that are cut, and videos, in a message: words around as many pictures as there are squares or frames.

/** A picture as it is shown: one square for each of its grid, row by row, and the whole behind them; or a video's frames. */
export interface ShownPictures<Image> {
  /** Absent: the only picture is shown whole. */
  readonly grid?: readonly [rows: number, columns: number] | undefined;
  readonly pictures: readonly Image[];
}

/** In which words pictures are written: those of the version of July 2024, or of the later ones. */
export type CutWords = "first" | "later";

/** In which words a version of mPLUG-Owl3 was taught about pictures. */
export function cutWordsOf(config: Pick<OwlConfig, "language">): CutWords {
  return hyperOf(config)?.gate === "context" ? "first" : "later";
}

/** Whether pictures are cut where so many pictures and videos are shown: the first version was taught to see one cut, and several whole. */
export function seesCut(words: CutWords, media: number): boolean {
  return words === "later" || media === 1;
}

/** What is said behind a picture begins a line, as the model was taught, unless it says itself how it goes on. */
export function onOwnLine<Image, Video>({ role, content }: Message<Image, Video>): Message<Image, Video> {
  if (typeof content === "string") return { role, content };
  const parts = content.map((part, i): ContentPart<Image, Video> => {
    const isBehind = i > 0 && content[i - 1].type !== "text";
    if (part.type !== "text" || !isBehind || /^\s/.test(part.text)) return part;
    return { type: "text", text: `\n${part.text}` };
  });
  return { role, content: parts };
}

/** What stands for pictures and videos in a conversation. */
export interface PicturesOf<Image, Video, Shown> {
  image(image: Image): ShownPictures<Shown>;
  video(video: Video): ShownPictures<Shown>;
}

/** A conversation with each picture as its squares, and each video as its frames, in the words that the model was taught with. */
export function withShownPictures<Image, Video, Shown>(
  messages: readonly Message<Image, Video>[],
  words: CutWords,
  shown: PicturesOf<Image, Video, Shown>,
): Message<Shown>[] {
  return messages.map(({ role, content }) => {
    if (typeof content === "string") return { role, content };
    const parts = content.flatMap((part, i): ContentPart<Shown>[] => {
      if (part.type === "image") return pictureParts(shown.image(part.image), words);
      if (part.type === "video") return videoParts(shown.video(part.video), words);
      // Texts side by side are lines.
      return [{ type: "text", text: content[i - 1]?.type === "text" ? `\n${part.text}` : part.text }];
    });
    return { role, content: joinedTexts(parts) };
  });
}

const text = (words: string): { readonly type: "text"; readonly text: string } => ({
  type: "text",
  text: words,
});
const picture = <Image>(image: Image): ContentPart<Image> => ({ type: "image", image });

function pictureParts<Image>(
  { grid, pictures }: ShownPictures<Image>,
  words: CutWords,
): ContentPart<Image>[] {
  if (grid === undefined) return pictures.map(picture);
  const [rows, columns] = grid;
  const isFirst = words === "first";
  const squares = pictures.slice(0, -1).flatMap((square, i): ContentPart<Image>[] => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const gap = column > 0 ? " " : row > 0 ? "\n" : "";
    return [text(isFirst ? `${gap}subimg(${row},${column})` : gap), picture(square)];
  });
  const [before, behind] = isFirst
    ? [`Cut to ${rows} rows ${columns} columns with a global view\n`, "\nglobal_view"]
    : [`<|start_cut|>${rows}*${columns}\n`, "\n"];
  const end = isFirst ? "" : "<|end_cut|>";
  return [text(before), ...squares, text(behind), picture(pictures[pictures.length - 1]), text(end)];
}

function videoParts<Image>({ pictures }: ShownPictures<Image>, words: CutWords): ContentPart<Image>[] {
  const frames = pictures.map(picture);
  return words === "first" ? frames : [text("<|start_video_frame|>"), ...frames, text("<|end_video_frame|>")];
}

/** Neighbouring texts in one, and no empty ones. */
function joinedTexts<Image>(parts: readonly ContentPart<Image>[]): ContentPart<Image>[] {
  const joined: ContentPart<Image>[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (part.type === "text" && last?.type === "text")
      joined[joined.length - 1] = text(last.text + part.text);
    else if (part.type !== "text" || part.text !== "") joined.push(part);
  }
  return joined;
}
