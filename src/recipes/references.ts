import { z } from "zod";
import { type BatchSizes, isInPart, type Source } from "../data/index.ts";
import { joinPath, pathKind, readJson, writeFileAtomically } from "../platform/index.ts";
import { partOf, ResumeError, type Trainer } from "../training/index.ts";
import type { BaseModel } from "./base-model.ts";
import { batchReader, type TaggedExample } from "./batches.ts";
import type { RunPlan } from "./recipe-file.ts";

/** In the directory of a run: what the model that it began with says of its pairs. */
export const referenceFile = "reference.json";

const schema = z.object({
  files: z.array(z.object({ rows: z.string(), ratios: z.array(z.number()) })),
});

/** Pairs of a run, file by file, held-out ones behind the others. */
interface Pairs {
  readonly sources: readonly Source<TaggedExample>[];
  /** Checksums of the rows of each file. */
  readonly fingerprints: readonly string[];
}

/**
 * The same rows, each with its reference: how much likelier its better answer is than the other one by the model that the run
 * began with. A run that begins computes all of them with the weights that it begins with, and writes them down; one that goes on
 * reads them, since its weights are others by then.
 *
 * @param isBegun whether the run goes on
 * @throws ResumeError where a run goes on without them, or with other rows
 */
export async function withReferences(
  plan: RunPlan,
  baseModel: BaseModel,
  trainer: Trainer<BatchSizes>,
  { pairs, isBegun }: { readonly pairs: Pairs; readonly isBegun: boolean },
): Promise<Source<TaggedExample>[]> {
  const { sources, fingerprints } = pairs;
  const path = joinPath(plan.output, referenceFile);
  const { communicator } = trainer;
  if (isBegun) {
    const files = await communicator.fromFirst(() => readReferences(path, fingerprints));
    return sources.map((source, i) => withRatios(source, files[i].ratios));
  }
  const ratios: number[][] = [];
  for (const source of sources) ratios.push(await ratiosOf(source, plan, baseModel, trainer));
  const files = ratios.map((ofFile, i) => ({ rows: fingerprints[i], ratios: ofFile }));
  await communicator.fromFirst(() => writeFileAtomically(path, `${JSON.stringify({ files })}\n`));
  return sources.map((source, i) => withRatios(source, ratios[i]));
}

/** As many pairs at once as a step has, in the order of the file; of several processes each computes its part. */
async function ratiosOf(
  source: Source<TaggedExample>,
  { recipe }: RunPlan,
  baseModel: BaseModel,
  trainer: Trainer<BatchSizes>,
): Promise<number[]> {
  const { communicator } = trainer;
  const { batch, microBatch: together = batch } = recipe;
  const unknown = withRatios(source, new Array<number>(source.length).fill(0));
  const groups = Array.from({ length: Math.ceil(source.length / together) }, (_, i) => i * together);
  const own = await communicator.agree(async () => {
    const ratios: number[] = [];
    for (const [i, first] of groups.entries()) {
      if (!isInPart(i, partOf(communicator))) continue;
      const options = {
        batch: Math.min(together, source.length - first),
        packing: "none" as const,
        augment: false,
      };
      const { batches } = await batchReader(recipe, baseModel, unknown, options)(first);
      for (const one of batches) ratios.push(...(await trainer.ratiosOf(one)));
    }
    return ratios;
  });
  const ofRanks = (await communicator.exchangeNumbers(Float64Array.from(own))).map((some) => [...some]);
  const next = ofRanks.map(() => 0);
  return groups.flatMap((first, i) => {
    const rank = i % ofRanks.length;
    const count = Math.min(together, source.length - first);
    next[rank] += count;
    return ofRanks[rank].slice(next[rank] - count, next[rank]);
  });
}

function withRatios(source: Source<TaggedExample>, ratios: readonly number[]): Source<TaggedExample> {
  return {
    ...source,
    example: async (index) => ({ ...(await source.example(index)), reference: ratios[index] }),
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
