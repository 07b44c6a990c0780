import { allBench } from "./all.ts";
import { browserBench } from "./browser.ts";
import { dataBench } from "./data.ts";
import { decodeBench } from "./decode.ts";
import { lookupBench } from "./lookup.ts";
import { owl3Bench } from "./owl3.ts";
import { packingBench } from "./packing.ts";
import { pairedBench } from "./paired.ts";
import { printLine } from "./processor.ts";
import { servingBench } from "./serving.ts";
import { sevenBillionBench } from "./seven-billion.ts";
import { soakBench } from "./soak.ts";
import { startBench } from "./start.ts";
import { tokenizerBench } from "./tokenizer.ts";
import { measureStep, usualShape } from "./train.ts";
import { trainMpiBench } from "./train-mpi.ts";
import { trainQ4Bench } from "./train-q4.ts";
import { visionBench } from "./vision.ts";

/** `bench train [nano|small] [stage] [default|tuned] [rows] [tokens]`: the median step of training. */
async function trainBench(words: readonly string[]): Promise<void> {
  const [onlyConfig, onlyStage, how = "tuned", rows = usualShape.rows, tokens = usualShape.tokens] = words;
  const shape = { rows: Number(rows), tokens: Number(tokens) };
  for (const config of ["nano", "small"] as const) {
    for (const stage of [0, 1, 2]) {
      if (onlyConfig !== undefined && onlyConfig !== config) continue;
      if (onlyStage !== undefined && Number(onlyStage) !== stage) continue;
      printLine({ ...(await measureStep(config, stage, { tuned: how === "tuned", shape })), how });
    }
  }
}

/** Each prints JSON lines, with the processor; `all` prints a table. */
const benches: Readonly<Record<string, (words: readonly string[]) => Promise<void>>> = {
  all: allBench,
  train: trainBench,
  "train-mpi": trainMpiBench,
  "train-q4": trainQ4Bench,
  packing: packingBench,
  decode: decodeBench,
  paired: pairedBench,
  lookup: lookupBench,
  vision: visionBench,
  serving: servingBench,
  browser: browserBench,
  owl3: owl3Bench,
  soak: soakBench,
  start: startBench,
  tokenizer: tokenizerBench,
  data: ([rows = "100000"]) => dataBench(Number(rows)),
  "seven-billion": sevenBillionBench,
};

const [what = "train", ...words] = process.argv.slice(2);
const bench = benches[what];
if (bench === undefined) {
  console.error(`bench: knows ${Object.keys(benches).join(", ")}, got "${what}"`);
  process.exit(2);
}
await bench(words);
