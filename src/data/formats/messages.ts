import { isEmpty, isRecord, type RecordValue } from "../record.ts";
import { type GivenPart, type GivenTurn, placedByMarks, roleOf } from "../turns.ts";
import { mediaFields, systemTurn } from "./conversations.ts";
import {
  type Fields,
  listOf,
  type Reading,
  type RecordFormat,
  RowProblem,
  requireRecords,
} from "./record-format.ts";

/**
 * OpenAI's chat format: `messages` with `role` and `content`, a text or parts. Pictures are parts (`image_url`, `image`,
 * `input_image`), by path, data: URL or base64; or they stand in the row's `images`, for parts without one or for `<image>` in texts.
 */
export const messages: RecordFormat = {
  fields: { messages: ["messages"], ...mediaFields, system: ["system"] },
  lists: ["messages", "image", "video"],
  signature: ["messages"],
  recognises: ({ messages: given }) =>
    Array.isArray(given) && given.every((message) => isRecord(message) && "role" in message),
  read: (fields) => readMessages(fields),
};

/** Keys of a message that hold more than its words; where they are filled, something would be left out. */
const unsupportedKeys = [
  "tool_calls",
  "function_call",
  "tool_call_id",
  "audio",
  "refusal",
  "reasoning",
  "reasoning_content",
  "thinking",
  "images",
];

/** What a message gives: its turn, and the pictures and videos of its parts. */
interface ReadMessage {
  readonly turn: GivenTurn;
  readonly pictures: readonly unknown[];
  readonly videos: readonly unknown[];
}

/** @param unmarked what it means that pictures of the row's own key have no place in texts, see {@link placedByMarks} */
export function readMessages(
  { messages: given, image, video, system }: Fields,
  unmarked: "front" | "error" = "error",
): Reading {
  const problems: string[] = [];
  const read = requireRecords(given, '"messages"').flatMap((message, i): ReadMessage[] => {
    const found = readMessage(message, `message ${i + 1}`);
    if (!Array.isArray(found)) return [found];
    problems.push(...found);
    return [];
  });
  if (problems.length > 0) throw new RowProblem(...problems);
  const turns = [...systemTurn(system), ...read.map(({ turn }) => turn)];
  const pictures = read.flatMap((message) => message.pictures);
  const videos = read.flatMap((message) => message.videos);
  const own = { pictures: listOf(image), videos: listOf(video) };
  if (own.pictures.length + own.videos.length === 0) return withAll(turns, pictures, videos);
  if (pictures.some((one) => one !== placeholder) || videos.some((one) => one !== placeholder))
    throw new RowProblem("pictures must stand in parts or in the row's own key, got both");
  const shown = { pictures: own.pictures.length, videos: own.videos.length };
  // Parts without a picture are places; where there are none, the texts have marks.
  const hasPlaces = pictures.length + videos.length > 0;
  return { says: hasPlaces ? turns : placedByMarks(turns, shown, unmarked), ...own };
}

/** A part that has a picture's place and no picture. */
const placeholder = Symbol("a picture of the row's own key");

function withAll(
  says: readonly GivenTurn[],
  pictures: readonly unknown[],
  videos: readonly unknown[],
): Reading {
  if ([...pictures, ...videos].includes(placeholder))
    throw new RowProblem('a part of type "image" must have a picture, got none, and the row has no "images"');
  return { says, pictures, videos };
}

function readMessage(message: RecordValue, where: string): ReadMessage | string[] {
  const role = roleOf(message.role);
  const problems = unsupportedKeys
    .filter((key) => !isEmpty(message[key]))
    .map(
      (key) => `${where} has "${key}", which cannot be learned here; leave the row out or write it as text`,
    );
  if (message.weight === 0)
    problems.push(`${where} has "weight" 0, an answer not to learn, which cannot be said here`);
  if (role === undefined)
    problems.push(
      `${where} must be the user's, the assistant's or the system's, got the role ${JSON.stringify(message.role)}`,
    );
  const content = message.content ?? [];
  if (typeof content !== "string" && !Array.isArray(content))
    problems.push(`${where} must have a text or parts as content`);
  const pictures: unknown[] = [];
  const videos: unknown[] = [];
  const parts = (typeof content === "string" ? [content] : listOf(content)).flatMap(
    (part, i): GivenPart[] => {
      const found = readPart(part);
      if (typeof found === "string") {
        problems.push(`${where}, part ${i + 1}: ${found}`);
        return [];
      }
      if ("shown" in found) (found.shown === "image" ? pictures : videos).push(found.value);
      return ["shown" in found ? { shown: found.shown } : found];
    },
  );
  if (problems.length > 0 || role === undefined) return problems;
  return { turn: { role, parts }, pictures, videos };
}

type ReadPart = { readonly text: string } | { readonly shown: "image" | "video"; readonly value: unknown };

/** A part of a message; what is wrong with it is a text. */
function readPart(part: unknown): ReadPart | string {
  if (typeof part === "string") return { text: part };
  if (!isRecord(part)) return "must be an object with a type";
  const { type } = part;
  if (type === "text" || type === "input_text" || type === "output_text")
    return typeof part.text === "string" ? { text: part.text } : "must have a text";
  for (const [kind, types] of Object.entries(mediaTypes)) {
    if (!types.includes(String(type))) continue;
    const value = types
      .concat("url", "path", "base64", "data", "bytes")
      .map((key) => part[key])
      .find((one) => !isEmpty(one));
    return { shown: kind as "image" | "video", value: value ?? placeholder };
  }
  return `must be of type "text", "image_url" or "image", got ${JSON.stringify(type)}, which cannot be learned here`;
}

const mediaTypes: Readonly<Record<"image" | "video", readonly string[]>> = {
  image: ["image_url", "image", "input_image"],
  video: ["video", "video_url"],
};
