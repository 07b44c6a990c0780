import { groupedByLength, type Source, type TokenRow, tokenReader } from "../src/data/index.ts";
import { type OwlConfig, spansOfPlaceholders } from "../src/model/index.ts";
import { mulberry32, seedOf } from "../src/primitives/index.ts";
import { openDevice } from "../src/runtime/index.ts";
import { createTrainer, languageObjective } from "../src/training/index.ts";
import { configurations } from "./configurations.ts";
import { printLine } from "./processor.ts";
import { median } from "./statistics.ts";
import { recipeOf } from "./train.ts";

const batch = 32;
const microBatch = 8;
const maxTokens = 256;

/** Rows of a picture and 10 to 200 tokens behind it, short ones more often, of which the last third is learned. */
function rowsOf(config: OwlConfig): Source<TokenRow> {
  const perImage = config.numQueryTokens + 1;
  const side = config.vision.imageSize;
  const wordsOf = (row: number): number => 10 + Math.floor(190 * mulberry32(seedOf("length", row))() ** 2);
  return {
    length: Number.POSITIVE_INFINITY,
    tokensOf: (row) => perImage + wordsOf(row),
    example: (row) => {
      const random = mulberry32(seedOf("row", row));
      const words = Array.from(
        { length: wordsOf(row) },
        () => 3 + Math.floor(random() * (config.language.vocabulary - 3)),
      );
      const ids = [...new Array<number>(perImage).fill(-1), ...words, 2];
      return {
        ids,
        spans: spansOfPlaceholders(ids, perImage),
        lossMask: ids.map((_, t) => t > (2 * ids.length) / 3),
        pixels: [Float32Array.from({ length: 3 * side * side }, () => random() * 2 - 1)],
        name: `row ${row}`,
      };
    },
  };
}

/**
 * `bench packing [nano|small]`: an update of 32 rows of a picture and 10 to 200 tokens in micro-batches of eight, with each row in a
 * sequence of its own, the update's rows ordered by length, and rows that share sequences; the three alternate.
 */
export async function packingBench([name = "nano"]: readonly string[]): Promise<void> {
  const config = configurations[name as keyof typeof configurations];
  if (config === undefined) throw new RangeError(`bench packing: knows nano and small, got ${name}`);
  const threads = 2;
  const device = await openDevice({ threads });
  const recipe = { ...recipeOf(2), batch, microBatch, maxTokens };
  const rows = rowsOf(config);
  const sizes = {
    batch,
    microBatch,
    tokensPerImage: config.numQueryTokens + 1,
    imageSize: config.vision.imageSize,
    rounding: { maxTokens },
    encode: (row: TokenRow) => row,
  };
  const byLength = groupedByLength(rows, { window: batch, batch, seed: 1 });
  const ways = {
    apart: tokenReader(rows, sizes),
    byLength: tokenReader(byLength, sizes),
    packed: tokenReader(rows, { ...sizes, sequenceTokens: maxTokens }),
  };
  const trainer = await createTrainer({ device, recipe, objective: languageObjective(config, recipe) });
  const times = new Map(Object.keys(ways).map((way) => [way, { seconds: [] as number[], positions: 0 }]));
  // The first updates compile programs for their sizes.
  for (let run = 0; run < 8; run++) {
    for (const [way, read] of Object.entries(ways)) {
      const { batches } = await read((run % 2) * batch);
      const began = performance.now();
      await trainer.update(batches);
      const measured = times.get(way)!;
      if (run >= 2) measured.seconds.push((performance.now() - began) / 1000);
      measured.positions += batches.reduce((sum, one) => sum + one.sizes.rows * one.sizes.tokens, 0) / 8;
    }
  }
  trainer.dispose();
  const results = Object.fromEntries(
    [...times].map(([way, { seconds, positions }]) => [way, { seconds: median(seconds), positions }]),
  );
  const speedup = (way: string): number => results.apart.seconds / results[way].seconds;
  const gained = { byLength: speedup("byLength"), packed: speedup("packed") };
  printLine({ config: name, stage: 2, ...results, gained, threads });
}
