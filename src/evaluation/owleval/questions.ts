import { z } from "zod";
import { joinPath, pathKind } from "../../platform/index.ts";
import { EvaluationError, requireNoProblems } from "../error.ts";
import { groupBy } from "../group-by.ts";
import { readJsonl } from "../jsonl-log.ts";

/** What a question asks of a model (paper, section 4.1), by the letter that stands in the file. */
export const abilities = {
  a: "instruction understanding",
  b: "visual understanding",
  c: "optical character recognition",
  d: "knowledge transfer",
  e: "reasoning",
  f: "multi-turn dialogue",
} as const;

export type Ability = keyof typeof abilities;

/** What a question counts for: alone, as a part of a conversation, or both. */
export const categories = { single_turn: "single-turn", multi_turn: "multi-turn" } as const;

export type Category = keyof typeof categories;

export const abilityNames = Object.keys(abilities) as Ability[];
export const categoryNames = Object.keys(categories) as Category[];

/** `"a,b,e"` in the published files. */
export const abilitySchema = z
  .string()
  .regex(/^ *[a-f] *(, *[a-f] *)*$/, "must be letters from a to f with commas");

export const abilitiesOf = (text: string): Ability[] =>
  text.split(",").map((letter) => letter.trim() as Ability);

export const categorySchema = z.array(z.enum(categoryNames));

const questionSchema = z
  .object({
    image: z.string().regex(/^[^/\\]+$/, "must be a file's name without a directory"),
    question_id: z.int(),
    question: z.string().min(1),
    ability: abilitySchema,
    category: categorySchema,
  })
  .transform(({ question_id, ability, question, ...rest }) => ({
    ...rest,
    id: question_id,
    text: question.trim(),
    abilities: abilitiesOf(ability),
  }));

/** A question about a picture. */
export interface Question {
  readonly id: number;
  /** The picture's file name, such as `1.jpg`. */
  readonly image: string;
  readonly text: string;
  readonly abilities: readonly Ability[];
  readonly category: readonly Category[];
}

/** OwlEval in a directory: `questions.jsonl` and the pictures in `cases/`. */
export interface OwlEvalSet {
  readonly directory: string;
  readonly questions: readonly Question[];
  /** The questions of each picture in the order in which they are asked. */
  readonly conversations: readonly (readonly Question[])[];
  question(id: number): Question | undefined;
  /** The questions asked about the same picture before this one. */
  earlier(question: Question): readonly Question[];
  picturePath(question: Question): string;
}

/**
 * Reads OwlEval's questions; all of one picture are one conversation, in the order of the file.
 *
 * @param directory with `questions.jsonl` and `cases/`, as in the released repository
 * @throws EvaluationError naming every line that is no question, every question that stands there twice, and every
 *   missing picture
 */
export async function readOwlEval(directory: string): Promise<OwlEvalSet> {
  const path = joinPath(directory, "questions.jsonl");
  if ((await pathKind(path)) === "missing") {
    throw new EvaluationError(
      `${directory}: must hold OwlEval (questions.jsonl and cases/), got no questions.jsonl; \`owl eval get owleval --out DIR\` fetches it`,
    );
  }
  const questions: Question[] = await readJsonl(path, questionSchema);
  const byId = new Map(questions.map((question) => [question.id, question]));
  const byImage = groupBy(questions, ({ image }) => image);
  const picturePath = ({ image }: Question): string => joinPath(directory, "cases", image);
  const twice = questions.filter((question) => byId.get(question.id) !== question);
  const firsts = [...byImage.values()].map(([first]) => first);
  const kinds = await Promise.all(firsts.map((question) => pathKind(picturePath(question))));
  requireNoProblems(path, "must name every question once, and pictures that are in cases/", [
    ...twice.map(({ id }) => `question ${id} twice`),
    ...firsts.flatMap(({ image }, i) => (kinds[i] === "file" ? [] : [`no picture ${image}`])),
    ...(questions.length === 0 ? ["no question"] : []),
  ]);
  return {
    directory,
    questions,
    conversations: [...byImage.values()],
    question: (id) => byId.get(id),
    earlier: (question) => {
      const all = byImage.get(question.image) ?? [];
      return all.slice(0, all.indexOf(question));
    },
    picturePath,
  };
}
