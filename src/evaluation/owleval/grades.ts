import { z } from "zod";
import { requireNoProblems } from "../error.ts";
import { readJsonl } from "../jsonl-log.ts";
import {
  type Ability,
  abilitiesOf,
  abilitySchema,
  type Category,
  categorySchema,
  type Question,
} from "./questions.ts";

/** The four grades of the paper, best first, and when an answer gets which (section 4.1). */
export const grades = {
  A: "Right and satisfying: it answers what was asked, and nothing in it is wrong.",
  B: "Acceptable: it answers what was asked, with small mistakes or gaps.",
  C: "It understands and takes up what was asked, but with serious mistakes.",
  D: "It misses what was asked, or is invalid: off the subject, empty, or unreadable.",
} as const;

export type Grade = keyof typeof grades;

export const gradeNames = Object.keys(grades) as Grade[];

const graded = {
  image: z.string(),
  question_id: z.int(),
  /** As in questions.jsonl, so that a report needs grades alone. */
  ability: abilitySchema,
  category: categorySchema,
  model_id: z.string().min(1),
  /** Of the text that was graded, see {@link answerMark}. */
  answer: z.string(),
  rater: z.string().min(1),
  /** Of a judge that grades everything twice: which of its two orders of the answers. */
  order: z.int().min(1).max(2).optional(),
  time: z.string(),
};

/**
 * A line of a file of grades: a grade, a note on an answer, the undo of this rater's last grade or note, or why a judge gave no
 * grades to the answers of a question in one of its orders. Lines are only ever added; {@link effectiveGrades} applies the undos.
 */
export const gradeRecordSchema = z.union([
  z.object({ ...graded, grade: z.enum(gradeNames) }),
  z.object({ ...graded, note: z.string() }),
  z.object({ undo: z.literal(true), rater: z.string().min(1), time: z.string() }),
  z.object({
    problem: z.string(),
    image: z.string(),
    question_id: z.int(),
    rater: z.string().min(1),
    order: z.int().min(1).max(2),
    time: z.string(),
  }),
]);

export type GradeRecord = z.infer<typeof gradeRecordSchema>;
type Opinion = Exclude<GradeRecord, { undo: true } | { problem: string }>;

/** One rater's grade of one answer. */
export interface GradedAnswer {
  readonly questionId: number;
  readonly image: string;
  readonly abilities: readonly Ability[];
  readonly category: readonly Category[];
  readonly system: string;
  readonly answer: string;
  readonly rater: string;
  /** Of a judge that grades in two orders: which. */
  readonly order: number | undefined;
  readonly grade: Grade;
}

/** The fields of a grade's line that say which answer was graded. */
export function gradedFields(question: Question, system: string, answer: string) {
  return {
    image: question.image,
    question_id: question.id,
    ability: question.abilities.join(","),
    category: [...question.category],
    model_id: system,
    answer,
  };
}

/** Grades and notes that were not undone, oldest first. */
export function activeRecords(records: readonly GradeRecord[]): Opinion[] {
  const said: (Opinion | undefined)[] = [];
  const places = new Map<string, number[]>();
  for (const record of records) {
    const own = places.get(record.rater) ?? [];
    places.set(record.rater, own);
    if ("problem" in record) continue;
    if ("undo" in record) {
      const last = own.pop();
      if (last !== undefined) said[last] = undefined;
    } else own.push(said.push(record) - 1);
  }
  return said.filter((record) => record !== undefined);
}

/** Identifies what was graded, by whom and in which of a judge's orders. */
export const subjectOf = ({ rater, order, question_id, model_id }: Opinion): string =>
  JSON.stringify([rater, order ?? 0, question_id, model_id]);

/** The grades that count: of several by one rater for one answer the last. */
export function effectiveGrades(records: readonly GradeRecord[]): GradedAnswer[] {
  const last = new Map<string, GradedAnswer>();
  for (const record of activeRecords(records)) {
    if (!("grade" in record)) continue;
    last.set(subjectOf(record), {
      questionId: record.question_id,
      image: record.image,
      abilities: abilitiesOf(record.ability),
      category: record.category,
      system: record.model_id,
      answer: record.answer,
      rater: record.rater,
      order: record.order,
      grade: record.grade,
    });
  }
  return [...last.values()];
}

/** A question to whose answers a judge gave no grades in one of its two orders. */
export interface Ungraded {
  readonly judge: string;
  readonly questionId: number;
  readonly order: number;
  /** The reason. */
  readonly problem: string;
}

/** The questions that a judge gave no grades to, and has not since. */
export function ungradedQuestions(records: readonly GradeRecord[]): Ungraded[] {
  const open = new Map<string, Ungraded>();
  for (const record of records) {
    if ("undo" in record || "note" in record) continue;
    const { rater: judge, question_id: questionId, order = 0 } = record;
    const key = JSON.stringify([judge, questionId, order]);
    if ("problem" in record) open.set(key, { judge, questionId, order, problem: record.problem });
    else open.delete(key);
  }
  return [...open.values()];
}

/** {@link ungradedQuestions} of several files. */
export async function readUngraded(paths: readonly string[]): Promise<Ungraded[]> {
  const files = await Promise.all(paths.map((path) => readJsonl(path, gradeRecordSchema)));
  return files.flatMap(ungradedQuestions);
}

/**
 * The grades of several files together.
 *
 * @throws EvaluationError naming every line that is no grade; or where an answer was graded that is not the one that
 *   others graded under the same name
 */
export async function readGrades(paths: readonly string[]): Promise<GradedAnswer[]> {
  const found: GradedAnswer[] = [];
  const marks = new Map<string, string>();
  const problems = new Set<string>();
  for (const path of paths) {
    for (const graded of effectiveGrades(await readJsonl(path, gradeRecordSchema))) {
      const { system, questionId, answer } = graded;
      const key = JSON.stringify([system, questionId]);
      const mark = marks.get(key) ?? answer;
      marks.set(key, mark);
      if (mark !== answer) problems.add(`two answers of ${system} to question ${questionId}`);
      found.push(graded);
    }
  }
  if (found.length === 0) problems.add("none");
  requireNoProblems(paths.join(", "), "must hold grades, all of the same answers", [...problems]);
  return found;
}
