import { z } from "zod";
import {
  type BatchSizes,
  DataError,
  isInPart,
  rowName,
  type SkippedRows,
  type Source,
} from "../data/index.ts";
import { joinPath, pathKind, readJson, writeFileAtomically } from "../platform/index.ts";
import { partOf, ResumeError, type Trainer } from "../training/index.ts";
import type { BaseModel } from "./base-model.ts";
import { batchReader, type TaggedExample } from "./batches.ts";
import type { RunPlan } from "./recipe-file.ts";

/** In the directory of a run: what the model that it began with says of its pairs. */
export const referenceFile = "reference.json";

const schema = z.object({
  files: z.array(z.object({ rows: z.string(), ratios: z.array(z.number().nullable()) })),
});

/** Of every row of a file how much likelier its better answer is; null: the row could not be read when the run began. */
type Ratios = readonly (number | null)[];

/** Pairs of a run, file by file, held-out ones behind the others. */
interface Pairs {
  readonly sources: readonly Source<TaggedExample>[];
  /** Checksums of the rows of each file. */
  readonly fingerprints: readonly string[];
}

/**
 * The same rows, each with its reference: how much likelier its better answer is than the other one by the model that the run
 * began with. A run that begins computes all of them with the weights that it begins with, and writes them down; one that goes on
 * reads them, since its weights are others by then. A row that cannot be read is left out where that is allowed.
 *
 * @param isBegun whether the run goes on
 * @throws ResumeError where a run goes on without them, or with other rows
 */
export async function withReferences(
  plan: RunPlan,
  baseModel: BaseModel,
  trainer: Trainer<BatchSizes>,
  how: { readonly pairs: Pairs; readonly isBegun: boolean; readonly skipped: SkippedRows },
): Promise<Source<TaggedExample>[]> {
  const { pairs, isBegun, skipped } = how;
  const { sources, fingerprints } = pairs;
  const path = joinPath(plan.output, referenceFile);
  const { communicator } = trainer;
  if (isBegun) {
    const files = await communicator.fromFirst(() => readReferences(path, fingerprints));
    return sources.map((source, i) => withRatios(source, files[i].ratios));
  }
  const ratios: Ratios[] = [];
  for (const source of sources) ratios.push(await ratiosOf(source, plan, { baseModel, trainer, skipped }));
  const files = ratios.map((ofFile, i) => ({ rows: fingerprints[i], ratios: ofFile }));
  await communicator.fromFirst(() => writeFileAtomically(path, `${JSON.stringify({ files })}\n`));
  return sources.map((source, i) => withRatios(source, ratios[i]));
}

/** What computes references. */
interface Referring {
  readonly baseModel: BaseModel;
  readonly trainer: Trainer<BatchSizes>;
  readonly skipped: SkippedRows;
}

/** As many pairs at once as a step has, in the order of the file; of several processes each computes its part. */
async function ratiosOf(
  source: Source<TaggedExample>,
  { recipe }: RunPlan,
  { baseModel, trainer, skipped }: Referring,
): Promise<Ratios> {
  const { communicator } = trainer;
  const { batch, microBatch: together = batch } = recipe;
  const groups = Array.from({ length: Math.ceil(source.length / together) }, (_, i) => i * together);
  const countOf = (first: number): number => Math.min(together, source.length - first);
  const own = await communicator.agree(async () => {
    const ratios: number[] = [];
    for (const [i, first] of groups.entries()) {
      if (!isInPart(i, partOf(communicator))) continue;
      const rows = await readRows(source, first, { count: countOf(first), skipped });
      const options = { batch: rows.length, packing: "none" as const, augment: false };
      const found: number[] = [];
      if (rows.length > 0) {
        const { batches } = await batchReader(recipe, baseModel, rows, options)(0);
        for (const one of batches) found.push(...(await trainer.ratiosOf(one)));
        requireFinite(found, rows);
      }
      const ofGroup = new Array<number>(countOf(first)).fill(Number.NaN);
      for (const [at, place] of rows.places.entries()) ofGroup[place] = found[at];
      ratios.push(...ofGroup);
    }
    return ratios;
  });
  const ofRanks = (await communicator.exchangeNumbers(Float64Array.from(own))).map((some) => [...some]);
  const next = ofRanks.map(() => 0);
  return groups.flatMap((first, i) => {
    const rank = i % ofRanks.length;
    next[rank] += countOf(first);
    const ofGroup = ofRanks[rank].slice(next[rank] - countOf(first), next[rank]);
    return ofGroup.map((ratio) => (Number.isNaN(ratio) ? null : ratio));
  });
}

function requireFinite(ratios: readonly number[], rows: Source<TaggedExample>): void {
  const at = ratios.findIndex((ratio) => !Number.isFinite(ratio));
  if (at < 0) return;
  throw new RangeError(
    `${rowName(rows, at)}: the model that the run begins with must give both answers finite log-probabilities, got ${ratios[at]}; look at its weights`,
  );
}

/** The rows that can be read among some that follow each other, with their places among these. */
async function readRows(
  source: Source<TaggedExample>,
  first: number,
  { count, skipped }: { readonly count: number; readonly skipped: SkippedRows },
): Promise<Source<TaggedExample> & { readonly places: readonly number[] }> {
  const places: number[] = [];
  const examples: TaggedExample[] = [];
  for (let place = 0; place < count; place++) {
    try {
      // Nothing is compared with the reference while it is computed.
      examples.push({ ...(await source.example(first + place)), reference: 0 });
      places.push(place);
    } catch (error) {
      skipped.admit(rowName(source, first + place), error);
    }
  }
  return {
    places,
    length: examples.length,
    example: async (index) => examples[index],
    nameOf: (index) => rowName(source, first + places[index]),
  };
}

function withRatios(source: Source<TaggedExample>, ratios: Ratios): Source<TaggedExample> {
  return {
    ...source,
    example: async (index) => {
      const example = await source.example(index);
      const reference = ratios[index];
      if (reference !== null) return { ...example, reference };
      throw new DataError(
        `${rowName(source, index)}: could not be read when the run began, so that the model that it began with said nothing of it; leave it out (--skip-bad-rows), or begin a new run in another directory`,
      );
    },
  };
}

async function readReferences(
  path: string,
  fingerprints: readonly string[],
): Promise<z.infer<typeof schema>["files"]> {
  const must = `${path}: a run that learns from pairs goes on with the log-probabilities that it began with`;
  const next = "put the file and the rows back, or begin a new run in another directory";
  if ((await pathKind(path)) !== "file") throw new ResumeError(`${must}, got no such file; ${next}`);
  const { files } = schema.parse(await readJson(path));
  if (files.map(({ rows }) => rows).join() === fingerprints.join()) return files;
  throw new ResumeError(`${must}, got those of other rows; ${next}`);
}
