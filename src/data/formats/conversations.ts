import { type GivenTurn, placedByMarks, roleOf } from "../turns.ts";
import {
  type Fields,
  listOf,
  type Reading,
  type RecordFormat,
  RowProblem,
  requireRecords,
  requireText,
} from "./record-format.ts";

/** Keys of the media of a row. */
export const mediaFields = {
  image: ["image", "images", "image_path", "image_paths"],
  video: ["video", "videos", "video_path", "video_paths"],
} as const;

/**
 * Conversations as Vicuna's ShareGPT data and LLaVA's have them: `conversations` is a list of `{from, value}` (or `{role, content}`),
 * `image` one path or a list, and `<image>` in what people say is a picture's place. UReader's rows are such, too.
 */
export const conversations: RecordFormat = {
  fields: {
    conversations: ["conversations", "conversation"],
    ...mediaFields,
    system: ["system", "system_instruction"],
  },
  lists: ["conversations", "image", "video"],
  signature: ["conversations"],
  recognises: ({ conversations: turns }) => Array.isArray(turns) && turns.every(hasSpeaker),
  read: readConversations,
};

const hasSpeaker = (turn: unknown): boolean =>
  typeof turn === "object" && turn !== null && ("from" in turn || "role" in turn);

function readConversations({ conversations: given, image, video, system }: Fields): Reading {
  const problems: string[] = [];
  const turns = requireRecords(given, '"conversations"').flatMap((turn, i): GivenTurn[] => {
    const name = turn.from ?? turn.role ?? turn.user;
    const role = roleOf(name);
    const text = turn.value ?? turn.content ?? turn.text;
    if (role === undefined)
      problems.push(
        `turn ${i + 1} must be human's, gpt's or the system's, got ${JSON.stringify(name)}, which cannot be learned here`,
      );
    else if (typeof text !== "string") problems.push(`turn ${i + 1} must have a text as its value`);
    else if (turn.loss === false || turn.train === false || turn.weight === 0)
      problems.push(`turn ${i + 1} is not to be learned, which cannot be said here; leave it out`);
    else return [{ role, parts: [{ text }] }];
    return [];
  });
  if (problems.length > 0) throw new RowProblem(...problems);
  const [pictures, videos] = [listOf(image), listOf(video)];
  const shown = { pictures: pictures.length, videos: videos.length };
  return { says: placedByMarks([...systemTurn(system), ...turns], shown, "error"), pictures, videos };
}

/** The words of a row's own key for the system. */
export function systemTurn(system: unknown): GivenTurn[] {
  if (system === undefined || system === "") return [];
  return [{ role: "system", parts: [{ text: requireText(system, '"system"') }] }];
}
