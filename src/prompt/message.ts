import { PromptError } from "./error.ts";
import { imageMark, marksIn, videoMark } from "./pieces.ts";
import type { PromptTemplate } from "./template.ts";

/** A part of what a person says: text, or a picture or video in whatever form the caller handles them. */
export type Part<Image, Video = never> =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image"; readonly image: Image }
  | { readonly type: "video"; readonly video: Video };

/** One thing said. Only a user's message may hold pictures and videos; a system message comes first or not at all. */
export interface Message<Image, Video = never> {
  readonly role: "system" | "user" | "assistant";
  readonly content: string | readonly Part<Image, Video>[];
}

/** What visual tokens in a prompt stand for: a picture, a video, or a picture that is one frame of a video. */
export type Medium<Image, Video = never> =
  | { readonly type: "image"; readonly image: Image }
  | { readonly type: "video"; readonly video: Video }
  | { readonly type: "frame"; readonly video: Video; readonly index: number };

/** Pictures and videos for the marks that stand in texts. */
export interface Given<Image, Video> {
  readonly images: readonly Image[];
  readonly videos: readonly Video[];
  /** Give each video as so many numbered pictures: the model takes none. */
  readonly framesPerVideo?: number | undefined;
}

/**
 * Messages written out by a template, and their pictures and videos in reading order.
 * @throws PromptError listing every problem: roles, order, pictures too few, too many or in the wrong place
 */
export function readMessages<Image, Video>(
  messages: readonly Message<Image, Video>[],
  template: PromptTemplate,
  given: Given<Image, Video>,
): { text: string; media: Medium<Image, Video>[] } {
  const problems = problemsOf(messages);
  const said =
    messages[0]?.role === "system"
      ? messages
      : [{ role: "system", content: template.system } as const, ...messages];
  const lines: string[] = [];
  const media: Medium<Image, Video>[] = [];
  const open = { images: [...given.images], videos: [...given.videos] };
  const marks: string[] = [];
  for (const { role, content } of problems.length > 0 ? [] : said) {
    for (const part of partsOf(content)) {
      if (part.type === "text") {
        marks.push(...marksIn(part.text));
        media.push(...marksIn(part.text).map((mark) => takeFor(mark, open)));
      } else media.push(part);
      const line = part.type === "text" ? part.text : part.type === "image" ? imageMark : videoMark;
      if (role !== "system") lines.push(template[role] + line);
      else if (line !== "") lines.push(line);
    }
  }
  if (problems.length === 0) {
    problems.push(...countProblems("pictures", given.images, imageMark, marks));
    problems.push(...countProblems("videos", given.videos, videoMark, marks));
  }
  if (problems.length > 0) {
    throw new PromptError(
      `messages: must be a conversation that ends with a user's message, with one picture for each ${imageMark} mark, got ${problems.join("; ")}`,
    );
  }
  const text = [...lines, template.assistant].join("\n");
  return given.framesPerVideo === undefined
    ? { text, media }
    : asFrames(text, media, given.framesPerVideo, template);
}

/** The next picture or video for a mark; undefined in its place where there is none left. */
function takeFor<Image, Video>(
  mark: string,
  open: { images: Image[]; videos: Video[] },
): Medium<Image, Video> {
  return mark === imageMark
    ? { type: "image", image: open.images.shift()! }
    : { type: "video", video: open.videos.shift()! };
}

function countProblems(
  what: string,
  given: readonly unknown[],
  mark: string,
  marks: readonly string[],
): string[] {
  const used = marks.filter((one) => one === mark).length;
  return used === given.length
    ? []
    : [`${given.length} ${what} for the ${used} ${mark} marks in their texts`];
}

/** Every video as so many pictures, each on a line of its own that says which frame it is. */
function asFrames<Image, Video>(
  text: string,
  media: readonly Medium<Image, Video>[],
  frames: number,
  template: PromptTemplate,
): { text: string; media: Medium<Image, Video>[] } {
  const numbers = Array.from({ length: frames }, (_, index) => index);
  const lines = numbers.map((index) => `Frame ${index + 1} of ${frames}: ${imageMark}`);
  return {
    text: text.replaceAll(videoMark, lines.join(`\n${template.user}`)),
    media: media.flatMap((one) =>
      one.type === "video" ? numbers.map((index) => ({ ...one, type: "frame", index }) as const) : [one],
    ),
  };
}

/** Neighbouring texts in one, and pictures at the end before the text. */
function partsOf<Image, Video>(content: Message<Image, Video>["content"]): readonly Part<Image, Video>[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  const parts: Part<Image, Video>[] = [];
  for (const part of content) {
    const last = parts.at(-1);
    if (part.type === "text" && last?.type === "text") {
      parts[parts.length - 1] = { type: "text", text: `${last.text}\n${part.text}` };
    } else parts.push(part);
  }
  const lastText = parts.findLastIndex(({ type }) => type === "text");
  const trailing = parts.splice(lastText + 1);
  parts.splice(Math.max(0, lastText), 0, ...trailing);
  return parts;
}

function problemsOf<Image, Video>(messages: readonly Message<Image, Video>[]): string[] {
  if (messages.length === 0) return ["no message"];
  const problems = messages.flatMap((message, index) => messageProblems(message, index));
  if (messages.at(-1)?.role !== "user")
    problems.push(`a last message by ${JSON.stringify(messages.at(-1)?.role)}`);
  return problems;
}

function messageProblems<Image, Video>({ role, content }: Message<Image, Video>, index: number): string[] {
  const where = `message ${index}`;
  if (!["system", "user", "assistant"].includes(role)) return [`${where}: role ${JSON.stringify(role)}`];
  if (role === "system" && index > 0) return [`${where}: a system message that is not the first`];
  if (typeof content !== "string" && !Array.isArray(content))
    return [`${where}: content that is neither text nor parts`];
  if (content.length === 0 && role === "user") return [`${where}: no content`];
  const parts = typeof content === "string" ? [{ type: "text", text: content }] : content;
  return parts.flatMap((part, position) => {
    const problem = partProblem(part, role);
    return problem ? [`${where}, part ${position}: ${problem}`] : [];
  });
}

function partProblem(
  part: { type?: unknown; text?: unknown; image?: unknown; video?: unknown },
  role: string,
): string | undefined {
  const { type, text, image, video } = part;
  if (type !== "text" && type !== "image" && type !== "video")
    return `type ${JSON.stringify(type)}, not "text", "image" or "video"`;
  if (type === "text" && typeof text !== "string") return "a text part without text";
  if (type === "image" && image === undefined) return "an image part without image";
  if (type === "video" && video === undefined) return "a video part without video";
  if (role === "user") return undefined;
  const [mark] = type === "text" ? marksIn(String(text)) : [type === "image" ? imageMark : videoMark];
  return mark && `a ${mark === imageMark ? "picture" : "video"} in a message by "${role}"`;
}
