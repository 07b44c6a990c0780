import type { ChatMessage } from "../../owl/index.ts";
import { pathKind, writeFileAtomically } from "../../platform/index.ts";
import { RefusedError, requireNoProblems } from "../error.ts";
import { type JsonlLog, openJsonlLog, readJsonl } from "../jsonl-log.ts";
import { allShards, inTurn, type Shard, shardItems, shardPath } from "../shard.ts";
import type { EvaluatedSystem, SystemAnswer } from "../system.ts";
import { type AnswerRow, answerRowSchema, mismatch } from "./answers.ts";
import type { OwlEvalSet, Question } from "./questions.ts";

export interface OwlEvalRunOptions {
  /** The file of answers; an existing one is continued. */
  readonly out: string;
  /** Conversations that are asked at once. Default 16. */
  readonly batchSize?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called at the beginning and after every batch. */
  readonly onProgress?: ((answered: number, all: number) => void) | undefined;
}

/**
 * Asks a system every question of OwlEval. A question sees the earlier ones about its picture, and what this system
 * answered to them; conversations about different pictures go together. Where a system has no room for all of that, or
 * its server refuses it, the oldest turns are left out, and `left_out_turns` of the answer says how many. Every answer is in the file before the next
 * batch is asked, so a run that was stopped goes on with the same call. When all are there the file is sorted by
 * question, as the released ones are.
 *
 * @returns all answers
 * @throws EvaluationError where the file holds answers of another system or other settings, or answers to other questions
 */
export function runOwlEval(
  set: OwlEvalSet,
  system: EvaluatedSystem,
  options: OwlEvalRunOptions,
): Promise<readonly AnswerRow[]> {
  return collectAnswers(set.conversations, set, system, options);
}

/**
 * Asks a part of OwlEval, whole conversations, into a file of its own (see {@link shardPath}). The shards need no
 * other coordination than these files: the one that finishes last writes all answers to `out`.
 *
 * @returns all answers, or undefined where other parts are not ready
 * @throws EvaluationError as {@link runOwlEval}
 */
export async function runOwlEvalShard(
  set: OwlEvalSet,
  system: EvaluatedSystem,
  { shard, out, ...options }: OwlEvalRunOptions & { readonly shard: Shard },
): Promise<readonly AnswerRow[] | undefined> {
  if ((await pathKind(out)) === "file") {
    resumedAnswers({ path: out, rows: await readJsonl(out, answerRowSchema) }, set, system);
  }
  await collectAnswers(shardItems(set.conversations, shard), set, system, {
    ...options,
    out: shardPath(out, shard),
  });
  return inTurn(out, async () => {
    const rows: AnswerRow[] = [];
    for (const path of allShards(shard.count).map((one) => shardPath(out, one))) {
      if ((await pathKind(path)) !== "file") return undefined;
      rows.push(...(await readJsonl(path, answerRowSchema)));
    }
    resumedAnswers({ path: shardPath(out, shard), rows }, set, system);
    return rows.length < set.questions.length ? undefined : writeSorted(out, rows);
  });
}

/** Asks conversations turn by turn, each turn of all of them together. */
async function collectAnswers(
  conversations: OwlEvalSet["conversations"],
  set: OwlEvalSet,
  system: EvaluatedSystem,
  { out, batchSize = 16, signal, onProgress }: OwlEvalRunOptions,
): Promise<readonly AnswerRow[]> {
  const log = await openJsonlLog(out, answerRowSchema);
  try {
    const answers = resumedAnswers(log, set, system);
    const all = conversations.flat().length;
    const tell = (): void => onProgress?.(answers.size, all);
    tell();
    const longest = Math.max(0, ...conversations.map(({ length }) => length));
    for (let turn = 0; turn < longest; turn++) {
      const due = conversations
        .filter(({ length }) => turn < length)
        .map((questions) => questions[turn])
        .filter(({ id }) => !answers.has(id));
      for (let start = 0; start < due.length; start += batchSize) {
        signal?.throwIfAborted();
        const batch = due.slice(start, start + batchSize);
        for (const row of await askBatch(batch, set, system, answers, signal)) {
          await log.append(row);
          answers.set(row.question_id, row.answer);
        }
        tell();
      }
    }
  } finally {
    await log.close();
  }
  return writeSorted(out, log.rows);
}

/** Writes answers by question, as the released ones are. */
async function writeSorted(out: string, rows: readonly AnswerRow[]): Promise<readonly AnswerRow[]> {
  const sorted = rows.toSorted((a, b) => a.question_id - b.question_id);
  await writeFileAtomically(out, sorted.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return sorted;
}

/** A question with the earlier turns of its picture but for the first few; the picture stands in the first one left. */
function conversationFor(
  question: Question,
  set: OwlEvalSet,
  answers: ReadonlyMap<number, string>,
  leftOut: number,
): ChatMessage[] {
  return [...set.earlier(question).slice(leftOut), question].flatMap((asked, turn): ChatMessage[] => [
    {
      role: "user",
      content:
        turn > 0
          ? asked.text
          : [
              { type: "image", image: set.picturePath(asked) },
              { type: "text", text: asked.text },
            ],
    },
    ...(asked === question ? [] : [{ role: "assistant", content: answers.get(asked.id) ?? "" } as const]),
  ]);
}

/** A question as a conversation, with as many of the earlier turns as fit. */
interface Asked {
  readonly conversation: ChatMessage[];
  readonly leftOut: number;
}

async function longestThatFits(
  question: Question,
  set: OwlEvalSet,
  system: EvaluatedSystem,
  answers: ReadonlyMap<number, string>,
): Promise<Asked> {
  const turns = set.earlier(question).length;
  for (let leftOut = 0; ; leftOut++) {
    const conversation = conversationFor(question, set, answers, leftOut);
    if (leftOut === turns || ((await system.hasRoomFor?.(conversation)) ?? true)) {
      return { conversation, leftOut };
    }
  }
}

async function askBatch(
  questions: readonly Question[],
  set: OwlEvalSet,
  system: EvaluatedSystem,
  answers: ReadonlyMap<number, string>,
  signal: AbortSignal | undefined,
): Promise<AnswerRow[]> {
  const asked: Asked[] = [];
  for (const question of questions) asked.push(await longestThatFits(question, set, system, answers));
  const conversations = asked.map(({ conversation }) => conversation);
  try {
    const given = await system.answerAll(conversations, signal);
    return questions.map((question, i) => rowOf(question, system, asked[i], given[i]));
  } catch (error) {
    const isShortest = asked.every(({ leftOut }, i) => leftOut === set.earlier(questions[i]).length);
    if (isShortest || !(error instanceof RefusedError && error.isOfRequest)) throw error;
  }
  const rows: AnswerRow[] = [];
  for (const question of questions) rows.push(await askAlone(question, set, system, answers, signal));
  return rows;
}

/** Asks with fewer and fewer earlier turns until the server does not refuse. */
async function askAlone(
  question: Question,
  set: OwlEvalSet,
  system: EvaluatedSystem,
  answers: ReadonlyMap<number, string>,
  signal: AbortSignal | undefined,
): Promise<AnswerRow> {
  const turns = set.earlier(question).length;
  for (let leftOut = 0; ; leftOut++) {
    const conversation = conversationFor(question, set, answers, leftOut);
    try {
      const [answer] = await system.answerAll([conversation], signal);
      return rowOf(question, system, { conversation, leftOut }, answer);
    } catch (error) {
      if (leftOut === turns || !(error instanceof RefusedError && error.isOfRequest)) throw error;
    }
  }
}

function rowOf(
  { id, image, text }: Question,
  system: EvaluatedSystem,
  { conversation, leftOut }: Asked,
  answer: SystemAnswer,
): AnswerRow {
  return {
    image,
    question_id: id,
    question: text,
    answer: answer.text,
    model_id: system.name,
    prompt: system.promptOf(conversation),
    ...(leftOut > 0 && { left_out_turns: leftOut }),
    settings: { ...system.settings },
    seed: system.seed,
    checkpoint: system.checkpoint,
    finish_reason: answer.finishReason,
    time: new Date().toISOString(),
  };
}

/** The answers that the file holds already. */
function resumedAnswers(
  log: Pick<JsonlLog<AnswerRow>, "path" | "rows">,
  set: OwlEvalSet,
  system: EvaluatedSystem,
): Map<number, string> {
  const wanted = runConditions({ ...system, model_id: system.name });
  const problems = new Set<string>();
  const answers = new Map<number, string>();
  for (const row of log.rows) {
    const problem = mismatch(row, set.question(row.question_id));
    if (problem !== undefined) problems.add(problem);
    if (answers.has(row.question_id)) problems.add(`question ${row.question_id} twice`);
    answers.set(row.question_id, row.answer);
    const found = runConditions(row);
    for (const name of new Set([...wanted.keys(), ...found.keys()])) {
      const [is, must] = [found.get(name), wanted.get(name)];
      if (is !== must) problems.add(`${name} ${is ?? "unknown"} instead of ${must ?? "none"}`);
    }
  }
  requireNoProblems(
    log.path,
    "must hold answers of the same examination to go on with it (another file begins anew)",
    [...problems],
  );
  return answers;
}

/** All that an answer depends on, name by name, as JSON. */
function runConditions(
  row: Pick<AnswerRow, "model_id" | "checkpoint" | "seed"> & {
    settings?: Readonly<Record<string, unknown>> | undefined;
  },
): Map<string, string> {
  const { model_id, checkpoint = null, seed = null, settings = {} } = row;
  const named = Object.entries({ model_id, checkpoint, seed, ...settings });
  return new Map(
    named.flatMap(([name, value]) => (value === undefined ? [] : [[name, JSON.stringify(value)] as const])),
  );
}
