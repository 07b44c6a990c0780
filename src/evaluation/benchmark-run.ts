import { z } from "zod";
import type { ChatMessage } from "../owl/index.ts";
import { foundPath, pathKind, writeFileAtomically } from "../platform/index.ts";
import { permutation } from "../primitives/index.ts";
import {
  type BenchmarkResult,
  packageVersion,
  type RunIdentity,
  runIdentitySchema,
} from "./benchmark-result.ts";
import type { Benchmark, BenchmarkItem, ItemScore } from "./benchmarks/benchmark.ts";
import { EvaluationError, requireNoProblems } from "./error.ts";
import { type JsonlLog, openJsonlLog, readJsonl } from "./jsonl-log.ts";
import { allShards, inTurn, type Shard, shardItems, shardPath } from "./shard.ts";
import { bootstrapIntervals, type Statistics } from "./statistics.ts";
import type { EvaluatedSystem } from "./system.ts";

export interface BenchmarkRunOptions {
  /** The path that the items were read from, for the result. */
  readonly data: string;
  /** The result's file. Answers grow in `….answers.jsonl` beside it; a run that was stopped goes on with them. */
  readonly out: string;
  /** The size of a random sample of the items. Default: all. */
  readonly limit?: number | undefined;
  /** Draws the items; a larger `limit` draws the same ones and more. Default 0. */
  readonly drawSeed?: number | undefined;
  /** The instruction that follows every question. Default: the benchmark's. */
  readonly instruction?: string | undefined;
  /** Conversations that are asked at once, about. Default 16. */
  readonly batchSize?: number | undefined;
  /** Samples for the intervals. Default 1,000. */
  readonly resamples?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called at the beginning and after every batch with counts of items. */
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
}

/** A line of the file of answers: an item with its answers. */
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

/** A run: the items that are asked, and what their answers depend on. */
interface Run<Item extends BenchmarkItem> {
  readonly system: EvaluatedSystem;
  readonly benchmark: Benchmark<Item>;
  readonly itemsInSet: number;
  readonly items: readonly Item[];
  readonly identity: RunIdentity;
  /** By the item's id. */
  readonly questions: ReadonlyMap<string, readonly string[]>;
  readonly options: BenchmarkRunOptions;
}

function planRun<Item extends BenchmarkItem>(
  system: EvaluatedSystem,
  benchmark: Benchmark<Item>,
  all: readonly Item[],
  options: BenchmarkRunOptions,
): Run<Item> {
  const { name, checkpoint, settings, seed } = system;
  const { instruction = benchmark.instruction } = options;
  const items = sampleItems(all, options);
  const identity: RunIdentity = {
    benchmark: benchmark.name,
    system: name,
    checkpoint,
    settings: { ...settings },
    seed,
    instruction,
  };
  const questions = new Map(items.map((item) => [item.id, benchmark.questions(item, instruction)]));
  return { system, benchmark, itemsInSet: all.length, items, identity, questions, options };
}

/** What a benchmark would ask, before anything is asked. */
export interface BenchmarkPlan {
  /** Items that are asked. */
  readonly items: number;
  /** Whether any of them shows a picture. */
  readonly showsPictures: boolean;
  /** The names of its figures, the most important first. */
  readonly figures: readonly string[];
}

/**
 * Checks that a benchmark can be asked.
 *
 * @throws EvaluationError where pictures are missing
 */
export async function planBenchmark<Item extends BenchmarkItem>(
  benchmark: Benchmark<Item>,
  all: readonly Item[],
  options: Pick<BenchmarkRunOptions, "data" | "limit" | "drawSeed" | "instruction">,
): Promise<BenchmarkPlan> {
  const items = sampleItems(all, options);
  await requireImages({ benchmark, items, options });
  const { instruction = benchmark.instruction } = options;
  const nothing = items.map((item) => benchmark.questions(item, instruction).map(() => ""));
  return {
    items: items.length,
    showsPictures: items.some((item) => benchmark.pictures(item).length > 0),
    figures: Object.keys(benchmark.figures(benchmark.score(items, nothing))),
  };
}

/**
 * Asks a system the items of a benchmark, many at once, and scores the answers. Every batch is on the disk before the
 * next is asked; the same call goes on where it was stopped. Intervals are percentiles of bootstrap samples of whole
 * groups of items (pictures).
 *
 * @throws EvaluationError where pictures are missing, or the file holds answers of another run
 */
export async function runBenchmark<Item extends BenchmarkItem>(
  system: EvaluatedSystem,
  benchmark: Benchmark<Item>,
  items: readonly Item[],
  options: BenchmarkRunOptions,
): Promise<BenchmarkResult> {
  const run = planRun(system, benchmark, items, options);
  await requireImages(run);
  return writeScored(run, await collectAnswers(run, options.out));
}

/**
 * Asks a part of what {@link runBenchmark} asks; its answers have a file of their own (see {@link shardPath}). The shards
 * need no other coordination than these files: the one that finishes last scores all answers and writes the result.
 *
 * @returns the result, or undefined where other parts are not ready
 * @throws EvaluationError as {@link runBenchmark}
 */
export async function runBenchmarkShard<Item extends BenchmarkItem>(
  system: EvaluatedSystem,
  benchmark: Benchmark<Item>,
  items: readonly Item[],
  { shard, ...options }: BenchmarkRunOptions & { readonly shard: Shard },
): Promise<BenchmarkResult | undefined> {
  const run = planRun(system, benchmark, items, options);
  const own = { ...run, items: shardItems(run.items, shard) };
  await requireImages(own);
  await collectAnswers(own, shardPath(options.out, shard));
  return inTurn(options.out, async () => {
    const found = new Map<string, Row>();
    for (const one of allShards(shard.count)) {
      const path = answersPath(shardPath(options.out, one));
      if ((await pathKind(path)) !== "file") return undefined;
      for (const [id, row] of resumedRows({ path, rows: await readJsonl(path, lineSchema) }, run)) {
        found.set(id, row);
      }
    }
    const rows = run.items.flatMap(({ id }) => found.get(id) ?? []);
    return rows.length < run.items.length ? undefined : writeScored(run, rows);
  });
}

/** The file in which the answers of a result grow. */
export const answersPath = (out: string): string => `${out.replace(/\.json$/, "")}.answers.jsonl`;

/** Scores the answers, one row for each item, and writes the result. */
function writeScored<Item extends BenchmarkItem>(
  { benchmark, items, itemsInSet, identity, options }: Run<Item>,
  rows: readonly Row[],
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

/** A random sample of `limit` items (all by default), in the order of the set. */
export function sampleItems<Item>(
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

/** The answers to the items of a run, those included that an earlier call left in the file. */
async function collectAnswers<Item extends BenchmarkItem>(run: Run<Item>, out: string): Promise<Row[]> {
  const { items, questions, identity, options } = run;
  const { batchSize = 16, signal, onProgress } = options;
  const log = await openJsonlLog<Line>(answersPath(out), lineSchema);
  try {
    const rows = resumedRows(log, run);
    if (log.rows.length === 0) await log.append({ run: identity });
    const remaining = items.filter(({ id }) => !rows.has(id));
    let done = items.length - remaining.length;
    onProgress?.(done, items.length);
    for (const batch of batchesOf(remaining, ({ id }) => questions.get(id)!.length, batchSize)) {
      signal?.throwIfAborted();
      for (const row of await askBatch(run, batch)) {
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
  { system, benchmark, questions, options }: Run<Item>,
  batch: readonly Item[],
): Promise<Row[]> {
  const conversations = batch.flatMap((item): ChatMessage[][] => {
    const images = benchmark.pictures(item).map((image) => ({ type: "image", image }) as const);
    return questions
      .get(item.id)!
      .map((text) => [{ role: "user", content: [...images, { type: "text", text }] }]);
  });
  const answers = await system.answerAll(conversations, options.signal);
  let next = 0;
  return batch.map(({ id }) => {
    const asked = questions.get(id)!;
    const own = answers.slice(next, next + asked.length);
    next += asked.length;
    return {
      id,
      questions: [...asked],
      answers: own.map(({ text }) => text),
      finishReasons: own.map(({ finishReason }) => finishReason),
    };
  });
}

/** Batches of items in order, each with about `size` questions. */
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

/**
 * The rows that a file of answers holds already. Answers to items that are not asked now are kept, too.
 *
 * @throws EvaluationError where they are of another run
 */
function resumedRows<Item extends BenchmarkItem>(
  log: Pick<JsonlLog<Line>, "path" | "rows">,
  { identity, questions }: Run<Item>,
): Map<string, Row> {
  const problems = new Set<string>();
  const rows = new Map<string, Row>();
  for (const line of log.rows) {
    if ("run" in line) for (const problem of differences(line.run, identity)) problems.add(problem);
    else if (rows.has(line.id)) problems.add(`item ${line.id} twice`);
    else {
      const asked = questions.get(line.id);
      if (asked !== undefined && !sameJson(asked, line.questions)) {
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

async function requireImages<Item extends BenchmarkItem>({
  benchmark,
  items,
  options,
}: Pick<Run<Item>, "benchmark" | "items"> & {
  readonly options: Pick<BenchmarkRunOptions, "data">;
}): Promise<void> {
  const paths = new Set(
    items.flatMap((item) => benchmark.pictures(item)).filter((path) => typeof path === "string"),
  );
  const missing: string[] = [];
  for (const path of paths) if ((await pathKind(await foundPath(path))) !== "file") missing.push(path);
  requireNoProblems(
    options.data,
    `must have its pictures in place (${benchmark.files})`,
    missing.map((path) => `no ${path}`),
  );
}
