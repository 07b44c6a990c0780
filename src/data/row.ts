import { localPath, nearestName } from "../platform/index.ts";
import { imageMark, type RowText, videoMark } from "../prompt/index.ts";
import type { Picture } from "./picture.ts";
import { isEmpty, otherMedia, type RecordValue } from "./record.ts";
import type { RowLine } from "./row-lines.ts";
import { otherMarks, textDamage } from "./text-problems.ts";

/** What the texts of rows may be: conversations, captions of one picture or video each, or text alone. */
export const rowContents = ["conversation", "caption", "text"] as const;
export type RowContent = (typeof rowContents)[number];

/** One row of a file. */
export interface Row {
  /** Counted from 1. */
  readonly line: number;
  /** What errors call it in place of its number. */
  readonly label?: string | undefined;
  readonly text: RowText;
  /** Of a pair of answers the same conversation with the worse one; the text has the better one. */
  readonly rejected?: RowText | undefined;
  /** What the text is, where the format tells. */
  readonly content?: RowContent | undefined;
  /** The pictures, in order: paths, or what lies in the file of rows itself. */
  readonly images: readonly Picture[];
  /** Paths of the videos, in order. */
  readonly videos: readonly string[];
}

/** A row, or what is wrong with its line. */
export function parseRow(
  { number, text, invalidUtf8 }: Pick<RowLine, "number" | "text" | "invalidUtf8">,
  directory: string,
): Row | readonly string[] {
  if (text === undefined) return [`must be UTF-8, got ${invalidUtf8}; save the file as UTF-8`];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return [`must be JSON, got ${syntaxProblem(text, error)}`];
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return ["must be a JSON object"];
  return rowOf(value as Readonly<Record<string, unknown>>, number, directory);
}

function syntaxProblem(text: string, error: unknown): string {
  if (/,\s*$/.test(text)) return "a comma behind the object; a line holds the object alone";
  return (error instanceof Error ? error.message : String(error)).slice(0, 200);
}

function rowOf(
  value: Readonly<Record<string, unknown>>,
  line: number,
  directory: string,
): Row | readonly string[] {
  const { text } = value;
  const images = pathsOf(value.image, directory);
  const videos = pathsOf(value.video, directory);
  const problems = [
    ...(typeof text === "string" && text.trim() !== "" ? textDamage(text) : [textProblem(value)]),
    ...(typeof images === "string" ? [`"image" ${images}`] : []),
    ...(typeof videos === "string" ? [`"video" ${videos}`] : []),
    ...misnamedKeys(value),
  ];
  if (problems.length > 0 || typeof text !== "string" || !isList(images) || !isList(videos)) return problems;
  return { line, text, images, videos };
}

const isList = (paths: readonly string[] | string): paths is readonly string[] => typeof paths !== "string";

/** How other formats and slips of the pen call the keys. */
const otherNames: Readonly<Record<string, readonly string[]>> = {
  text: ["conversation", "conversations", "messages", "caption", "content", "prompt"],
  image: [
    "images",
    "img",
    "imgs",
    "picture",
    "pictures",
    "photo",
    "photos",
    "image_path",
    "image_file",
    "file_name",
  ],
  video: ["videos", "video_path", "video_file"],
};

function textProblem(value: Readonly<Record<string, unknown>>): string {
  const must = '"text" must be a text that is not empty';
  if (value.text !== undefined) return must;
  const found = keyFor("text", value);
  const keys = Object.keys(value).map((key) => JSON.stringify(key.slice(0, 40)));
  if (found === undefined)
    return `${must}, got ${keys.length > 0 ? `only ${keys.slice(0, 6).join(", ")}` : "no key"}`;
  const lines = Array.isArray(value[found]) ? "; write its turns as one text of lines" : "";
  return `${must}, got ${JSON.stringify(found)} in its place${lines}`;
}

/** Keys that were meant to name pictures or videos: where the right one is not there, or with others beside it. */
function misnamedKeys(value: RecordValue): string[] {
  return ["image", "video"].flatMap((known) => {
    const must = `"${known}" names the files`;
    if (isEmpty(value[known])) {
      const found = value[known] === undefined ? keyFor(known, value) : undefined;
      return found === undefined ? [] : [`${must}, got ${JSON.stringify(found)} in its place`];
    }
    const meant = Object.keys(value).filter((key) => otherNames[known].includes(key.toLowerCase()));
    return otherMedia(value, known, meant).map(
      (key) => `${must}, got others in ${JSON.stringify(key)} beside it; write all of them into "${known}"`,
    );
  });
}

/** The key that stands in the place of a known one that is not there. */
function keyFor(known: string, value: Readonly<Record<string, unknown>>): string | undefined {
  return Object.keys(value).find((key) => {
    if (key in otherNames || value[key] === null) return false;
    if (otherNames[known].includes(key.toLowerCase())) return true;
    const near = nearestName(key, Object.keys(otherNames));
    return near === known && Math.abs(key.length - known.length) <= 1;
  });
}

/** Paths in a row are relative to its file; a `file:` URL is one. What is wrong with them is a text. */
function pathsOf(names: unknown, directory: string): string[] | string {
  const list = names ?? [];
  const must = "must be a list of file names";
  if (!Array.isArray(list) || !list.every((name) => typeof name === "string" && name !== "")) return must;
  const address = list.find((name) => /^(https?|data):/i.test(name));
  if (address !== undefined) {
    return `${must}, got an address (${JSON.stringify(address.slice(0, 40))}); fetch the file first`;
  }
  try {
    return list.map((name) => localPath(name, directory));
  } catch (error) {
    return `${must}, got ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** What does not fit between a row's marks and its pictures and videos. */
export function markProblems(row: Row, content: RowContent, takesVideos: boolean): string[] {
  const { text, images, videos } = row;
  return [
    ...(typeof text === "string"
      ? writtenProblems({ text, pictures: images.length, videos: videos.length }, content)
      : messageProblems(content)),
    ...(videos.length > 0 && !takesVideos
      ? ['"video" needs a model of the video version; give its frames as pictures']
      : []),
  ];
}

/** The messages of a conversation are in order where their format was read. */
function messageProblems(content: RowContent): string[] {
  return content === "conversation"
    ? []
    : [
        `must be ${content === "text" ? "plain text" : "a caption"}, got a conversation; say content: conversation`,
      ];
}

function writtenProblems(
  { text, pictures, videos }: { readonly text: string; readonly pictures: number; readonly videos: number },
  content: RowContent,
): string[] {
  const problems: string[] = [];
  const marks = text.split(imageMark).length - 1;
  const videoMarks = text.split(videoMark).length - 1;
  const all = pictures + videos;
  if (content === "text" && all > 0) problems.push(`plain text has no pictures, got ${all}`);
  if (content === "caption" && (all !== 1 || marks + videoMarks > 0)) {
    const meant = marks + videoMarks > 0 ? "; is it a conversation? Say `content: conversation`" : "";
    problems.push(
      `a caption has one picture and no <image> mark, got ${all} and ${marks + videoMarks}${otherMarks(text, false)}${meant}`,
    );
  }
  if (content === "caption" && /^Human: /m.test(text) && /^AI: /m.test(text)) {
    problems.push("a caption is learned as it is written, got a conversation; say content: conversation");
  }
  if (content === "conversation" && marks !== pictures) {
    problems.push(`needs one <image> mark a picture, got ${marks} for ${pictures}${otherMarks(text, false)}`);
  } else if (content === "conversation" && videoMarks === videos && otherMarks(text, true) !== "") {
    problems.push(`a picture's mark is <image>, a video's <|video|>${otherMarks(text, true)}`);
  }
  if (content === "conversation" && videoMarks !== videos) {
    problems.push(`needs one <|video|> mark a video, got ${videoMarks} for ${videos}`);
  }
  return problems;
}
