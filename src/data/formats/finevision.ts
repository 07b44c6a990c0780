import { type GivenTurn, placedByMarks } from "../turns.ts";
import { questionAndAnswer } from "./alpaca.ts";
import { mediaFields } from "./conversations.ts";
import {
  type Fields,
  listOf,
  type Reading,
  type RecordFormat,
  requireRecords,
  requireText,
} from "./record-format.ts";

/**
 * FineVision's and the Cauldron's rows: `images`, and `texts`, a list of `{user, assistant}`. Pictures stand in front, or at their
 * `<image>` marks.
 */
export const finevision: RecordFormat = {
  fields: { texts: ["texts"], ...mediaFields },
  lists: ["texts", "image", "video"],
  signature: ["texts"],
  recognises: ({ texts }) =>
    Array.isArray(texts) &&
    texts.every((one) => one !== null && typeof one === "object" && "assistant" in one),
  read: readFinevision,
};

function readFinevision({ texts, image, video }: Fields): Reading {
  const turns = requireRecords(texts, '"texts"').flatMap(({ user, assistant }, i): GivenTurn[] =>
    questionAndAnswer(
      requireText(user, `what the user says in text ${i + 1}`),
      requireText(assistant, `the answer in text ${i + 1}`),
    ),
  );
  const [pictures, videos] = [listOf(image), listOf(video)];
  const shown = { pictures: pictures.length, videos: videos.length };
  return { says: placedByMarks(turns, shown, "front"), pictures, videos };
}
