import { described } from "../platform/index.ts";
import { PromptError } from "./error.ts";
import type { EscapeRoleMarks } from "./escape-role-marks.ts";

/** A part of a message: text, or a picture or video in whatever form the caller handles them. */
export type ContentPart<Image, Video = never> =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image"; readonly image: Image }
  | { readonly type: "video"; readonly video: Video };

/**
 * A message of a conversation. Only a user's message may hold pictures and videos. System messages may stand anywhere: a
 * template has one place for them, in front, where their texts become one ({@link conversationOf}). Nothing that is written
 * in a text becomes a picture, a special token or the beginning of a turn.
 */
export interface Message<Image, Video = never> {
  readonly role: "system" | "user" | "assistant";
  readonly content: string | readonly ContentPart<Image, Video>[];
}

/**
 * What a training row says: a text in mPLUG-Owl's writing with its marks, or messages whose pictures and videos are numbers, in
 * their order. Nothing in the texts of messages is a mark.
 */
export type RowText = string | readonly Message<number, number>[];

/** What messages say, text by text. */
export function textsOf(messages: readonly Message<unknown, unknown>[]): string[] {
  return messages.flatMap(({ content }) =>
    typeof content === "string"
      ? [content]
      : content.flatMap((part) => (part.type === "text" ? [part.text] : [])),
  );
}

/** What visual tokens in a prompt stand for: a picture, a video, or a picture that is one frame of a video. */
export type MediaReference<Image, Video = never> =
  | { readonly type: "image"; readonly image: Image }
  | { readonly type: "video"; readonly video: Video }
  | { readonly type: "frame"; readonly video: Video; readonly index: number };

/** A line of a conversation: who speaks, and the text, or the picture or video with the text in front of it. */
export type Line<Image, Video = never> =
  | { readonly role: Message<Image>["role"]; readonly text: string }
  | { readonly role: "user"; readonly media: MediaReference<Image, Video>; readonly label: string };

/**
 * The lines of a conversation: one for each message and, in a user's message, for each picture and text in the order
 * given; neighbouring texts are one.
 *
 * @param escapeMarks keeps texts from being read as turns
 * @param framesPerVideo gives each video as so many numbered pictures, for models that take none
 */
export function linesOf<Image, Video>(
  messages: readonly Message<Image, Video>[],
  escapeMarks: EscapeRoleMarks,
  framesPerVideo?: number,
): Line<Image, Video>[] {
  return messages.flatMap(({ role, content }) =>
    partsOf(content).flatMap((part): Line<Image, Video>[] => {
      if (part.type === "text") return [{ role, text: escapeMarks(part.text, role) }];
      if (part.type === "video" && framesPerVideo !== undefined) return framesOf(part.video, framesPerVideo);
      return [{ role: "user", media: part, label: "" }];
    }),
  );
}

/**
 * Messages as a conversation: system messages, wherever they stand, become one in front, with a line for each text.
 * @throws PromptError listing every problem: roles, order, pictures in the wrong place
 */
export function conversationOf<Image, Video>(
  messages: readonly Message<Image, Video>[],
): readonly Message<Image, Video>[] {
  const problems = problemsOf(messages);
  if (problems.length > 0) {
    throw new PromptError(
      `messages: must be a conversation that ends with a user's message, got ${problems.join("; ")}`,
    );
  }
  const system = messages.filter(({ role }) => role === "system");
  if (system.length === 0) return messages;
  const others = messages.filter(({ role }) => role !== "system");
  const texts = system.flatMap(({ content }) => partsOf(content)).map((part) => textOf(part));
  return [{ role: "system", content: texts.filter((text) => text !== "").join("\n") }, ...others];
}

/**
 * The pictures and videos of a conversation in their order.
 *
 * @throws PromptError as {@link conversationOf}
 */
export function shownIn<Image, Video>(
  messages: readonly Message<Image, Video>[],
): Exclude<ContentPart<Image, Video>, { type: "text" }>[] {
  const parts = conversationOf(messages).flatMap(({ content }) =>
    typeof content === "string" ? [] : content,
  );
  return parts.filter((part) => part.type !== "text");
}

function textOf(part: ContentPart<unknown, unknown>): string {
  return part.type === "text" ? part.text : "";
}

/** A video as so many pictures, each on a line of its own that says which frame it is. */
function framesOf<Image, Video>(video: Video, frames: number): Line<Image, Video>[] {
  return Array.from({ length: frames }, (_, index) => ({
    role: "user",
    media: { type: "frame", video, index },
    label: `Frame ${index + 1} of ${frames}: `,
  }));
}

/** The parts in their order, neighbouring texts in one. */
function partsOf<Image, Video>(
  content: Message<Image, Video>["content"],
): readonly ContentPart<Image, Video>[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  const parts: ContentPart<Image, Video>[] = [];
  for (const part of content) {
    const last = parts.at(-1);
    if (part.type === "text" && last?.type === "text") {
      parts[parts.length - 1] = { type: "text", text: `${last.text}\n${part.text}` };
    } else parts.push(part);
  }
  return parts;
}

function problemsOf<Image, Video>(messages: readonly Message<Image, Video>[]): string[] {
  if (messages.length === 0) return ["no message"];
  const problems = messages.flatMap((message, index) => messageProblems(message, index));
  const { role } = messages.findLast((message) => message.role !== "system") ?? messages[0];
  if (role !== "user") problems.push(`a last message by ${described(role)}`);
  return problems;
}

function messageProblems<Image, Video>({ role, content }: Message<Image, Video>, index: number): string[] {
  const where = `message ${index}`;
  if (!["system", "user", "assistant"].includes(role)) return [`${where}: role ${described(role)}`];
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
    return `type ${described(type)}, not "text", "image" or "video"`;
  if (type === "text") return typeof text === "string" ? undefined : "a text part without text";
  if (type === "image" && image === undefined) return "an image part without image";
  if (type === "video" && video === undefined) return "a video part without video";
  return role === "user"
    ? undefined
    : `a ${type === "image" ? "picture" : "video"} in a message by "${role}"`;
}
