import { permutation, seedOf } from "../../primitives/index.ts";
import { EvaluationError, requireNoProblems } from "../error.ts";
import { type JsonlLog, openJsonlLog } from "../jsonl-log.ts";
import { answerDigest, type SystemAnswers } from "./answers.ts";
import {
  activeRecords,
  type Grade,
  type GradeRecord,
  gradedFields,
  gradeNames,
  gradeRecordSchema,
  grades,
} from "./grades.ts";
import type { OwlEvalSet, Question } from "./questions.ts";

/** What the page shows a rater: everything but the names of the systems. */
export interface RaterView {
  readonly rater: string;
  readonly grades: readonly { readonly grade: Grade; readonly means: string }[];
  readonly questions: readonly QuestionView[];
}

export interface QuestionView {
  readonly id: number;
  readonly text: string;
  /** Questions asked before about the same picture. */
  readonly earlier: readonly string[];
  readonly answers: readonly AnswerView[];
}

export interface AnswerView {
  readonly text: string;
  /** What the same system answered to the earlier questions. */
  readonly earlier: readonly string[];
  readonly grade: Grade | null;
  readonly note: string;
}

/** A rater's grade or note of an answer, by its place (from 0) among the answers to a question. */
export interface Judgement {
  readonly rater: string;
  readonly question: number;
  readonly place: number;
  readonly grade?: Grade | undefined;
  readonly note?: string | undefined;
}

/** An answer by question and place. */
export interface AnswerPosition {
  readonly question: number;
  readonly place: number;
}

/** A rater's grade and note of an answer. */
type Opinion = Pick<AnswerView, "grade" | "note">;

const noOpinion: Opinion = { grade: null, note: "" };

/**
 * Blind grading by any number of raters. Each sees the answers to a question in an order of their own, which follows
 * from the rater's name and the question, so it stays the same when a session is continued.
 */
export class RatingSession {
  readonly set: OwlEvalSet;
  readonly #systems: readonly SystemAnswers[];
  readonly #log: JsonlLog<GradeRecord>;

  private constructor(set: OwlEvalSet, systems: readonly SystemAnswers[], log: JsonlLog<GradeRecord>) {
    this.set = set;
    this.#systems = systems;
    this.#log = log;
  }

  /**
   * @param out the file of grades; an existing one is continued
   * @throws EvaluationError where it holds grades of other answers under the names of these systems
   */
  static async open(set: OwlEvalSet, systems: readonly SystemAnswers[], out: string): Promise<RatingSession> {
    const log = await openJsonlLog<GradeRecord>(out, gradeRecordSchema);
    const problems = new Set<string>();
    for (const record of log.rows) {
      if ("undo" in record || "problem" in record) continue;
      const answer = systems
        .find(({ system }) => system === record.model_id)
        ?.answers.get(record.question_id);
      if (answer !== undefined && answerDigest(answer) !== record.answer) {
        problems.add(`another answer of ${record.model_id} to question ${record.question_id}`);
      }
    }
    try {
      requireNoProblems(out, "must hold grades of these answers (--out names another file)", [...problems]);
    } catch (error) {
      await log.close();
      throw error;
    }
    return new RatingSession(set, systems, log);
  }

  /** All questions and answers in this rater's order, with the rater's grades and notes so far. */
  view(rater: string): RaterView {
    const said = this.#saidBy(rater);
    return {
      rater,
      grades: gradeNames.map((grade) => ({ grade, means: grades[grade] })),
      questions: this.set.questions
        .filter((question) => this.#order(rater, question).length > 0)
        .map((question) => this.#questionView(rater, question, said)),
    };
  }

  /**
   * Takes a grade, a note or both; returns when they are on the disk.
   *
   * @throws EvaluationError where there is no such answer
   */
  async record({ rater, question: id, place, grade, note }: Judgement): Promise<void> {
    const { question, asked } = this.#answerAt(rater, id, place);
    const answer = asked.answers.get(id) ?? "";
    const fields = {
      ...gradedFields(question, asked.system, answerDigest(answer)),
      rater,
      time: new Date().toISOString(),
    };
    if (grade !== undefined) await this.#append({ ...fields, grade });
    if (note !== undefined) await this.#append({ ...fields, note });
  }

  /** Undoes this rater's last grade or note and gives its place; undefined where there is none. */
  async undo(rater: string): Promise<AnswerPosition | undefined> {
    const last = this.#standing(rater).at(-1);
    if (last === undefined) return undefined;
    await this.#append({ undo: true, rater, time: new Date().toISOString() });
    const question = this.set.question(last.question_id);
    const order = question === undefined ? [] : this.#order(rater, question);
    return {
      question: last.question_id,
      place: order.findIndex(({ system }) => system === last.model_id),
    };
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  #append(record: GradeRecord): Promise<void> {
    return this.#log.append(record);
  }

  #standing(rater: string) {
    return activeRecords(this.#log.rows.filter((row) => row.rater === rater));
  }

  /** The systems that answered a question, in this rater's order. */
  #order(rater: string, question: Question): SystemAnswers[] {
    const present = this.#systems.filter(({ answers }) => answers.has(question.id));
    return [...permutation(present.length, seedOf("owleval", rater, question.id))].map((i) => present[i]);
  }

  #answerAt(rater: string, id: number, place: number): { question: Question; asked: SystemAnswers } {
    const question = this.set.question(id);
    const asked = question === undefined ? undefined : this.#order(rater, question)[place];
    if (question === undefined || asked === undefined) {
      throw new EvaluationError(
        `rating: must be of an answer that is there, got place ${place} of question ${id}`,
      );
    }
    return { question, asked };
  }

  #saidBy(rater: string): Map<string, Opinion> {
    const said = new Map<string, Opinion>();
    for (const record of this.#standing(rater)) {
      const key = keyOf(record.question_id, record.model_id);
      const before = said.get(key) ?? noOpinion;
      said.set(
        key,
        "grade" in record ? { ...before, grade: record.grade } : { ...before, note: record.note },
      );
    }
    return said;
  }

  #questionView(rater: string, question: Question, said: ReadonlyMap<string, Opinion>): QuestionView {
    const earlier = this.set.earlier(question);
    return {
      id: question.id,
      text: question.text,
      earlier: earlier.map(({ text }) => text),
      answers: this.#order(rater, question).map(({ system, answers }) => ({
        text: answers.get(question.id) ?? "",
        earlier: earlier.map(({ id }) => answers.get(id) ?? ""),
        ...(said.get(keyOf(question.id, system)) ?? noOpinion),
      })),
    };
  }
}

const keyOf = (question: number, system: string): string => JSON.stringify([question, system]);
