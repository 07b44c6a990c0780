import { z } from "zod";
import type { ChatMessage } from "../owl/index.ts";
import { pathKind, writeFileAtomically } from "../platform/index.ts";
import { permutation } from "../primitives/index.ts";
import {
  type BenchmarkResult,
  packageVersion,
  type RunIdentity,
  runIdentitySchema,
} from "./benchmark-result.ts";
import type { Benchmark, BenchmarkItem, ItemScore } from "./benchmarks/benchmark.ts";
import { EvaluationError, requireNoProblems } from "./error.ts";
import { openRowLog, type RowLog, readRows } from "./row-log.ts";
import { allShards, type Shard, shardPath, shareOf } from "./shard.ts";
import { bootstrapIntervals, type Statistics } from "./statistics.ts";
import type { ExaminedSystem } from "./system.ts";

export interface BenchmarkRunOptions {
  /** Where the items were read from; stands in the result. */
  readonly data: string;
  /** The result's file. Answers grow in `….answers.jsonl` beside it; a run that was stopped goes on with them. */
  readonly out: string;
  /** Ask so many items only, drawn at random. Default: all. */
  readonly limit?: number | undefined;
  /** Draws the items; a larger `limit` draws the same ones and more. Default 0. */
  readonly drawSeed?: number | undefined;
  /** What follows every question. Default: the benchmark's. */
  readonly instruction?: string | undefined;
  /** Conversations that are asked at once, about. Default 16. */
  readonly batchSize?: number | undefined;
  /** Samples for the intervals. Default 1,000. */
  readonly resamples?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told at the beginning and after every batch, in items. */
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
}

/** One item with what was answered, as it stands in the file of answers. */
const rowSchema = z.object({
  id: z.string(),
  questions: z.array(z.string()),
  answers: z.array(z.string()),
  /** Why each answer ended: `length` where it was cut. */
  finishReasons: z.array(z.string()),
});
type Row = z.infer<typeof rowSchema>;
const lineSchema = z.union([z.object({ run: runIdentitySchema }), rowSchema]);
type Line = z.infer<typeof lineSchema>;

/**
 * Asks a system the items of a benchmark, many at once, and scores the answers. Every batch is on the disk before the
 * next is asked; the same call goes on where it was stopped. Intervals are percentiles of bootstrap samples of whole
 * groups of items (pictures).
 *
 * @throws EvaluationError where pictures are missing, or the file holds answers of another run
 */
export async function runBenchmark<Item extends BenchmarkItem>(
  system: ExaminedSystem,
  benchmark: Benchmark<Item>,
  items: readonly Item[],
  options: BenchmarkRunOptions,
): Promise<BenchmarkResult> {
  const identity = identityOf(system, benchmark, options);
  const drawn = drawItems(items, options);
  await requirePictures(benchmark, drawn, options.data);
  const rows = await answersTo(system, benchmark, drawn, identity, options);
  return writeScored(benchmark, items.length, drawn, rows, identity, options);
}

/**
 * Asks a part of what {@link runBenchmark} asks; its answers have a file of their own (see {@link shardPath}). The parts
 * know of each other by these files alone: whichever is ready last scores all answers, and writes the result.
 *
 * @returns the result, or undefined where other parts are not ready
 * @throws EvaluationError as {@link runBenchmark}
 */
export async function runBenchmarkShard<Item extends BenchmarkItem>(
  system: ExaminedSystem,
  benchmark: Benchmark<Item>,
  items: readonly Item[],
  { shard, ...options }: BenchmarkRunOptions & { readonly shard: Shard },
): Promise<BenchmarkResult | undefined> {
  const identity = identityOf(system, benchmark, options);
  const drawn = drawItems(items, options);
  const share = shareOf(drawn, shard);
  await requirePictures(benchmark, share, options.data);
  await answersTo(system, benchmark, share, identity, { ...options, out: shardPath(options.out, shard) });
  const asked = questionsOf(benchmark, drawn, identity);
  const found = new Map<string, Row>();
  for (const one of allShards(shard.count)) {
    const path = answersPath(shardPath(options.out, one));
    if ((await pathKind(path)) !== "file") return undefined;
    const lines = await readRows(path, lineSchema);
    for (const [id, row] of rowsSoFar({ path, rows: lines }, identity, asked)) found.set(id, row);
  }
  const rows = drawn.flatMap(({ id }) => found.get(id) ?? []);
  if (rows.length < drawn.length) return undefined;
  return writeScored(benchmark, items.length, drawn, rows, identity, options);
}

const answersPath = (out: string): string => `${out.replace(/\.json$/, "")}.answers.jsonl`;

function identityOf<Item extends BenchmarkItem>(
  { name, checkpoint, settings, seed }: ExaminedSystem,
  benchmark: Benchmark<Item>,
  { instruction = benchmark.instruction }: BenchmarkRunOptions,
): RunIdentity {
  return {
    benchmark: benchmark.name,
    system: name,
    checkpoint,
    settings: { ...settings },
    seed,
    instruction,
  };
}

/** What is asked of each item. */
const questionsOf = <Item extends BenchmarkItem>(
  benchmark: Benchmark<Item>,
  items: readonly Item[],
  { instruction }: RunIdentity,
): Map<string, readonly string[]> =>
  new Map(items.map((item) => [item.id, benchmark.questions(item, instruction)]));

/** Scores the answers to the items, row by row. */
function writeScored<Item extends BenchmarkItem>(
  benchmark: Benchmark<Item>,
  itemsInSet: number,
  items: readonly Item[],
  rows: readonly Row[],
  identity: RunIdentity,
  options: BenchmarkRunOptions,
): Promise<BenchmarkResult> {
  const scores = benchmark.score(
    items,
    rows.map(({ answers }) => answers),
  );
  const scored = items.map(({ id, group, expected }, i) => {
    const { questions, answers, finishReasons } = rows[i];
    return { id, group, expected, questions, answers, finishReasons, score: scores[i] };
  });
  return writeResult(identity, itemsInSet, scored, benchmark.figures, options);
}

/** The items that are asked, in the order of the set. */
export function drawItems<Item>(
  items: readonly Item[],
  { limit = items.length, drawSeed = 0 }: Pick<BenchmarkRunOptions, "limit" | "drawSeed">,
): Item[] {
  if (items.length === 0) throw new EvaluationError("benchmark: must have items, got none");
  const chosen = [...permutation(items.length, drawSeed).subarray(0, limit)];
  return chosen.sort((a, b) => a - b).map((i) => items[i]);
}

/** Computes the figures of scored items with their intervals, and writes all to the result's file. */
export async function writeResult(
  identity: RunIdentity,
  itemsInSet: number,
  items: readonly BenchmarkResult["items"][number][],
  figures: (scores: readonly ItemScore[]) => Statistics,
  { data, drawSeed = 0, resamples = 1000, out }: BenchmarkRunOptions,
): Promise<BenchmarkResult> {
  const result: BenchmarkResult = {
    ...identity,
    data,
    itemsInSet,
    drawSeed,
    date: new Date().toISOString(),
    version: await packageVersion(),
    resamples,
    figures: bootstrapIntervals(items, (some) => figures(some.map(({ score }) => score)), {
      resamples,
      groupOf: ({ group }) => group,
    }),
    items: [...items],
  };
  await writeFileAtomically(out, `${JSON.stringify(result, null, 1)}\n`);
  return result;
}

/** The answers to all items, those included that an earlier run left. */
async function answersTo<Item extends BenchmarkItem>(
  system: ExaminedSystem,
  benchmark: Benchmark<Item>,
  items: readonly Item[],
  identity: RunIdentity,
  options: BenchmarkRunOptions,
): Promise<Row[]> {
  const { out, batchSize = 16, signal, onProgress } = options;
  const asked = questionsOf(benchmark, items, identity);
  const log = await openRowLog<Line>(answersPath(out), lineSchema);
  try {
    const rows = rowsSoFar(log, identity, asked);
    if (log.rows.length === 0) await log.append({ run: identity });
    const due = items.filter(({ id }) => !rows.has(id));
    onProgress?.(items.length - due.length, items.length);
    let done = items.length - due.length;
    for (const batch of batchesOf(due, (item) => asked.get(item.id)!.length, batchSize)) {
      signal?.throwIfAborted();
      for (const row of await askBatch(system, benchmark, batch, asked, signal)) {
        await log.append(row);
        rows.set(row.id, row);
      }
      done += batch.length;
      onProgress?.(done, items.length);
    }
    return items.map(({ id }) => rows.get(id)!);
  } finally {
    await log.close();
  }
}

async function askBatch<Item extends BenchmarkItem>(
  system: ExaminedSystem,
  benchmark: Benchmark<Item>,
  items: readonly Item[],
  asked: ReadonlyMap<string, readonly string[]>,
  signal: AbortSignal | undefined,
): Promise<Row[]> {
  const conversations = items.flatMap((item): ChatMessage[][] => {
    const pictures = benchmark.pictures(item).map((image) => ({ type: "image", image }) as const);
    return asked
      .get(item.id)!
      .map((text) => [{ role: "user", content: [...pictures, { type: "text", text }] }]);
  });
  const answers = await system.answerAll(conversations, signal);
  let next = 0;
  return items.map(({ id }) => {
    const questions = asked.get(id)!;
    const own = answers.slice(next, next + questions.length);
    next += questions.length;
    return {
      id,
      questions: [...questions],
      answers: own.map(({ text }) => text),
      finishReasons: own.map(({ finishReason }) => finishReason),
    };
  });
}

/** Items in order, as many together as have about so many questions. */
function batchesOf<Item>(
  items: readonly Item[],
  questionsOf: (item: Item) => number,
  size: number,
): Item[][] {
  const batches: Item[][] = [];
  let questions = size;
  for (const item of items) {
    if (questions >= size) {
      batches.push([]);
      questions = 0;
    }
    batches[batches.length - 1].push(item);
    questions += questionsOf(item);
  }
  return batches;
}

/** What the file holds already, if it is of the very same run; answers to items that are not asked now are passed over. */
function rowsSoFar(
  log: Pick<RowLog<Line>, "path" | "rows">,
  identity: RunIdentity,
  asked: ReadonlyMap<string, readonly string[]>,
): Map<string, Row> {
  const problems = new Set<string>();
  const rows = new Map<string, Row>();
  for (const line of log.rows) {
    if ("run" in line) for (const problem of differences(line.run, identity)) problems.add(problem);
    else if (rows.has(line.id)) problems.add(`item ${line.id} twice`);
    else {
      const questions = asked.get(line.id);
      if (questions !== undefined && !sameJson(questions, line.questions)) {
        problems.add(`item ${line.id} asked in other words`);
      }
      rows.set(line.id, line);
    }
  }
  if (log.rows.length > 0 && !("run" in log.rows[0])) problems.add("a first line that is not of a run");
  requireNoProblems(
    log.path,
    "must hold answers of the same run to go on with it (another --out begins anew)",
    [...problems],
  );
  return rows;
}

function differences(found: RunIdentity, wanted: RunIdentity): string[] {
  return runIdentitySchema
    .keyof()
    .options.filter((name) => !sameJson(found[name], wanted[name]))
    .map((name) => `${name} ${JSON.stringify(found[name])} instead of ${JSON.stringify(wanted[name])}`);
}

/** Whether two values are the same as JSON, whatever the order of names. */
function sameJson(a: unknown, b: unknown): boolean {
  const sorted = (_: string, value: unknown): unknown =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([x], [y]) => (x < y ? -1 : 1)))
      : value;
  return JSON.stringify(a, sorted) === JSON.stringify(b, sorted);
}

async function requirePictures<Item extends BenchmarkItem>(
  benchmark: Benchmark<Item>,
  items: readonly Item[],
  data: string,
): Promise<void> {
  const paths = new Set(
    items.flatMap((item) => benchmark.pictures(item)).filter((path) => typeof path === "string"),
  );
  const missing: string[] = [];
  for (const path of paths) if ((await pathKind(path)) !== "file") missing.push(path);
  requireNoProblems(
    data,
    `must have its pictures in place (${benchmark.files})`,
    missing.map((path) => `no ${path}`),
  );
}
