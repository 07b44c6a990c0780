import { isRecord } from "../record.ts";
import { type GivenTurn, placedByMarks } from "../turns.ts";
import { mediaFields, systemTurn } from "./conversations.ts";
import {
  type Fields,
  listOf,
  type Reading,
  type RecordFormat,
  RowProblem,
  requireText,
} from "./record-format.ts";

/**
 * Alpaca's instructions: `instruction`, `input` on the lines behind it where there is one, and the answer `output`. Earlier
 * questions and answers may stand in `history`, pictures in `image` with `<image>` at their places.
 */
export const alpaca: RecordFormat = {
  fields: {
    instruction: ["instruction"],
    input: ["input", "context"],
    output: ["output", "response"],
    history: ["history"],
    ...mediaFields,
    system: ["system"],
  },
  lists: ["history", "image", "video"],
  signature: ["instruction", "output"],
  recognises: ({ instruction, output }) => typeof instruction === "string" && typeof output === "string",
  read: readAlpaca,
};

function readAlpaca({ instruction, input, output, history, image, video, system }: Fields): Reading {
  const asked = [requireText(instruction, '"instruction"')];
  if (input !== undefined) asked.push(requireText(input, '"input"'));
  const answer = requireText(output, '"output"');
  const turns = [
    ...systemTurn(system),
    ...listOf(history).flatMap(turnsOfPair),
    ...questionAndAnswer(asked.join("\n"), answer),
  ];
  const [pictures, videos] = [listOf(image), listOf(video)];
  const shown = { pictures: pictures.length, videos: videos.length };
  return { says: placedByMarks(turns, shown, "error"), pictures, videos };
}

/** A question and its answer before the row's own. */
export function turnsOfPair(pair: unknown): GivenTurn[] {
  const [question, answer] = Array.isArray(pair)
    ? pair
    : isRecord(pair)
      ? [pair.instruction, pair.output]
      : [];
  if (typeof question === "string" && typeof answer === "string") return questionAndAnswer(question, answer);
  throw new RowProblem('"history" must be a list of pairs of a question and an answer');
}

export function questionAndAnswer(question: string, answer: string): GivenTurn[] {
  return [
    { role: "user", parts: [{ text: question }] },
    { role: "assistant", parts: [{ text: answer }] },
  ];
}
