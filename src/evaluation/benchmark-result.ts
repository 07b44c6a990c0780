import { z } from "zod";
import { pathOfUrl, readJson } from "../platform/index.ts";
import { requireNoProblems } from "./error.ts";
import { issueText } from "./jsonl-log.ts";

// JSON has no way to write that a figure is not a number: it writes null.
const number = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);

const scoreSchema = z
  .record(z.string(), z.union([z.number(), z.string()]))
  .and(z.object({ value: z.number() }));

/** What the answers of a run depend on: a run is resumed only where all of it is the same. */
export const runIdentitySchema = z.object({
  benchmark: z.string(),
  /** The system's name. */
  system: z.string(),
  /** SHA-256 of the model's files (see `checkpointDigest`); null where they cannot be seen. */
  checkpoint: z.string().nullable(),
  settings: z.record(z.string(), z.unknown()),
  /** Of sampled answers; null where the best token is taken each time. */
  seed: z.number().nullable(),
  /** The instruction that followed every question. */
  instruction: z.string(),
});

export type RunIdentity = z.infer<typeof runIdentitySchema>;

const schema = runIdentitySchema.extend({
  /** Where the questions were read from. */
  data: z.string(),
  itemsInSet: z.int(),
  /** Which items were drawn, where not all were asked. */
  drawSeed: z.number(),
  date: z.string(),
  /** Of this package. */
  version: z.string(),
  resamples: z.int(),
  figures: z.record(
    z.string(),
    z.object({ estimate: number, low: number, high: number, confidence: z.number() }),
  ),
  items: z
    .array(
      z.object({
        id: z.string(),
        group: z.string(),
        expected: z.string(),
        questions: z.array(z.string()),
        answers: z.array(z.string()),
        /** Why each answer ended: `length` where it was cut. */
        finishReasons: z.array(z.string()),
        score: scoreSchema,
      }),
    )
    .min(1),
});

/** The result of a run: figures, every item with its answers and score, and what is needed to repeat it. */
export type BenchmarkResult = z.infer<typeof schema>;

/** @throws EvaluationError naming everything in the file that no result has */
export async function readBenchmarkResult(path: string): Promise<BenchmarkResult> {
  const parsed = schema.safeParse(await readJson(path));
  if (parsed.success) return parsed.data;
  requireNoProblems(path, "must be a result of `owl eval run`", parsed.error.issues.map(issueText));
  throw parsed.error;
}

/** The version of this package. */
export async function packageVersion(): Promise<string> {
  const manifest = pathOfUrl(new URL("../../package.json", import.meta.url));
  const { version } = z.object({ version: z.string() }).parse(await readJson(manifest ?? "package.json"));
  return version;
}
