import { withLineFeeds } from "../../prompt/index.ts";
import type { ReadSettings } from "../read-settings.ts";
import { type GivenTurn, placedByMarks } from "../turns.ts";
import { questionAndAnswer } from "./alpaca.ts";
import { systemTurn } from "./conversations.ts";
import {
  type Fields,
  listOf,
  type Reading,
  type RecordFormat,
  RowProblem,
  requireText,
} from "./record-format.ts";

/**
 * Rows of columns, or objects of keys: a picture and its caption, or a picture, a question and its answer. Columns with other names
 * are named in the recipe.
 */
export const table: RecordFormat = {
  fields: {
    image: [
      "image",
      "images",
      "img",
      "picture",
      "photo",
      "image_path",
      "image_file",
      "file_name",
      "filename",
      "filepath",
      "path",
      "jpg",
      "png",
      "webp",
    ],
    text: ["text", "caption", "captions", "title", "description"],
    question: ["question", "query", "problem", "prompt"],
    further: ["choices", "options", "context", "hint", "passage"],
    answer: ["answer", "answers", "response", "completion", "label"],
    system: ["system"],
  },
  lists: ["image"],
  signature: ["image", "caption"],
  recognises: ({ image, text, question, answer }) =>
    text !== undefined ||
    (image !== undefined && answer !== undefined) ||
    (question !== undefined && answer !== undefined),
  read: readTable,
};

function readTable(fields: Fields, { question: asked, columns }: ReadSettings): Reading {
  const { image, answer, question = asked, system } = fields;
  const text = oneOf(fields.text, "text");
  const pictures = listOf(image);
  if (answer === undefined && question === undefined) {
    if (system !== undefined)
      throw new RowProblem('"system" is for conversations, and this row is a caption');
    return captionReading(requireText(text, '"text"'), pictures);
  }
  if (answer !== undefined && text !== undefined && fields.question === undefined)
    throw new RowProblem(
      "has both a text and an answer; name the one to learn in the recipe, columns: { answer: … } or columns: { text: … }",
    );
  if (question === undefined)
    throw new RowProblem(
      'has an answer and no question; name its column, columns: { question: … }, or say `question: "…"`',
    );
  if (fields.question === undefined && pictures.length === 0)
    throw new RowProblem("has no picture, and the recipe's question is about one");
  if (fields.further !== undefined && columns?.question === undefined)
    throw new RowProblem(
      "has choices, options or a context beside its question; write them into the question, or name its column in the recipe if it is meant alone",
    );
  const one = oneOf(answer, "answer") ?? text;
  const turns = [
    ...systemTurn(system),
    ...questionAndAnswer(requireText(question, '"question"'), requireText(one, '"answer"')),
  ];
  return conversationReading(turns, pictures);
}

function conversationReading(turns: readonly GivenTurn[], pictures: readonly unknown[]): Reading {
  return { says: placedByMarks(turns, { pictures: pictures.length, videos: 0 }, "front"), pictures };
}

function captionReading(text: string, pictures: readonly unknown[]): Reading {
  const caption = withLineFeeds(text).trim();
  if (caption === "") throw new RowProblem("a caption must say something, got an empty text");
  if (pictures.length > 1) throw new RowProblem(`a caption has one picture, got ${pictures.length}`);
  return { says: caption, pictures };
}

/** A value, or the only one of a list. */
function oneOf(value: unknown, what: string): unknown {
  const [one, ...others] = listOf(value);
  if (others.length > 0)
    throw new RowProblem(`must have one ${what}, got ${others.length + 1}; keep the one to learn`);
  return one;
}
