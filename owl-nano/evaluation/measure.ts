import { greyPicture, type Picture } from "../pictures/drawn-scene.ts";
import type { Turn } from "../texts/conversation.ts";
import type { Answerer } from "./answering.ts";
import { type Judgement, judge } from "./judging.ts";
import { QUESTION_PICTURE_SIZE } from "./question-scenes.ts";
import type { QuestionRow, QuestionSet } from "./rows.ts";

/** An answer and how it was judged. */
export interface Answered extends Judgement {
  readonly said: string;
}

/** A row with the answers to its turns. */
export interface MeasuredRow {
  readonly row: QuestionRow;
  readonly answers: readonly Answered[];
}

export interface AskOptions {
  /** An even grey in place of every picture: what can be guessed without seeing. */
  readonly blind?: boolean;
  readonly onProgress?: (answered: number, of: number) => void;
}

/** Questions that are handed to the answerer at once. */
const AT_ONCE = 256;

/** Asks every row, turn by turn, each on the owl's own earlier answers. */
export async function askRows(
  { rows, pictureOf }: QuestionSet,
  answer: Answerer,
  { blind = false, onProgress }: AskOptions = {},
): Promise<MeasuredRow[]> {
  const grey = greyPicture(QUESTION_PICTURE_SIZE);
  const shown = (file: string): Picture => (blind ? grey : pictureOf(file));
  const said: string[][] = rows.map(() => []);
  const of = rows.reduce((sum, { turns }) => sum + turns.length, 0);
  let answered = 0;
  for (let turn = 0; ; turn++) {
    const waiting = [...rows.keys()].filter((i) => rows[i].turns.length > turn);
    if (waiting.length === 0) break;
    for (let start = 0; start < waiting.length; start += AT_ONCE) {
      const some = waiting.slice(start, start + AT_ONCE);
      const answers = await answer(
        some.map((i) => ({
          pictures: rows[i].pictures.map(shown),
          earlier: earlierTurns(rows[i], said[i]),
          question: rows[i].turns[turn].question,
        })),
      );
      for (const [k, i] of some.entries()) said[i].push(answers[k]);
      answered += some.length;
      onProgress?.(answered, of);
    }
  }
  return rows.map((row, i) => ({
    row,
    answers: row.turns.map((turn, t) => ({ said: said[i][t], ...judge(turn, said[i][t]) })),
  }));
}

function earlierTurns({ turns }: QuestionRow, said: readonly string[]): Turn[] {
  return said.map((answer, t) => ({ question: turns[t].question, answer }));
}
