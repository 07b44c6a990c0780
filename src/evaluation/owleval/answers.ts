import { z } from "zod";
import { newDigest } from "../../platform/index.ts";
import { requireNoProblems } from "../error.ts";
import { readJsonl } from "../jsonl-log.ts";
import type { OwlEvalSet, Question } from "./questions.ts";

/**
 * A line of a file of answers. The first five fields are those of the released files; the rest says how the answer came
 * about and is there where {@link runOwlEval} wrote it.
 */
export const answerRowSchema = z.object({
  image: z.string(),
  question_id: z.int(),
  question: z.string(),
  answer: z.string(),
  /** The system's name. */
  model_id: z.string().min(1),
  /** All that the system was asked with, earlier turns included, `<image>` for the picture. */
  prompt: z.string().optional(),
  /** Earlier turns, the oldest, that the system had no room for. */
  left_out_turns: z.int().optional(),
  settings: z.record(z.string(), z.unknown()).optional(),
  /** Of sampled answers; null where the best token was taken each time. */
  seed: z.int().nullable().optional(),
  /** SHA-256 of the model's files; null for a system behind an endpoint. */
  checkpoint: z.string().nullable().optional(),
  /** Why the answer ended: `length` where it was cut. */
  finish_reason: z.string().optional(),
  time: z.string().optional(),
});

export type AnswerRow = z.infer<typeof answerRowSchema>;

/** The answers of one system. */
export interface SystemAnswers {
  readonly system: string;
  /** By question; not every question need be there. */
  readonly answers: ReadonlyMap<number, string>;
}

/**
 * Reads files of answers, released or of {@link runOwlEval}, one system or several in each, and checks that they are
 * answers to these questions. Released files name pictures `1.png` that are `1.jpg` and spell questions in several
 * ways, so a question is known by its number, and its picture by its name without the ending.
 *
 * @returns systems in the order of their first answers
 * @throws EvaluationError naming everything in a file that fits no question, and answers that are there twice
 */
export async function readAnswers(paths: readonly string[], set: OwlEvalSet): Promise<SystemAnswers[]> {
  const systems = new Map<string, Map<number, string>>();
  for (const path of paths) {
    const problems: string[] = [];
    for (const row of await readJsonl(path, answerRowSchema)) {
      const answers = systems.get(row.model_id) ?? new Map<number, string>();
      systems.set(row.model_id, answers);
      const problem = mismatch(row, set.question(row.question_id));
      if (problem !== undefined) problems.push(problem);
      else if (answers.has(row.question_id)) {
        problems.push(`question ${row.question_id} answered twice by ${row.model_id}`);
      } else answers.set(row.question_id, row.answer);
    }
    requireNoProblems(path, `must hold one answer a question of ${set.directory}`, problems);
  }
  requireNoProblems(paths.join(", "), "must hold answers", systems.size === 0 ? ["none"] : []);
  return [...systems].map(([system, answers]) => ({ system, answers }));
}

/** Why an answer does not belong to a question of the set; undefined where it does. */
export function mismatch(row: AnswerRow, question: Question | undefined): string | undefined {
  if (question === undefined) return `question ${row.question_id}, which is not in the set`;
  if (stem(row.image) === stem(question.image)) return undefined;
  return `question ${question.id} about ${row.image} instead of ${question.image}`;
}

const stem = (image: string): string => image.replace(/\.[^.]*$/, "");

/** Identifies the text of an answer: the first 16 hexadecimal digits of its SHA-256. */
export function answerDigest(answer: string): string {
  const digest = newDigest("sha256");
  digest.update(new TextEncoder().encode(answer));
  return digest.hex().slice(0, 16);
}
