import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openCheckpoint, readAll } from "../src/checkpoint/index.ts";
import { LoadedModel, storedParameters } from "../src/inference/index.ts";
import { parseConfig } from "../src/model/index.ts";
import { mulberry32 } from "../src/primitives/index.ts";
import { type ConversionSettings, convertCheckpoint } from "../src/quantization/index.ts";
import { openDevice } from "../src/runtime/index.ts";
import { float32 } from "../src/tensor/index.ts";
import { ownLine } from "./child.ts";
import { configurations } from "./configurations.ts";
import { printLine } from "./processor.ts";
import { median } from "./statistics.ts";
import { writeSynthetic } from "./synthetic.ts";
import { missingTorch, torchLine } from "./torch.ts";

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const source = path("../.cache/vit-l");

/** How the weights are stored: in memory, as `Owl.load` reads a checkpoint, or converted and memory-mapped. */
const variants: Readonly<Record<string, ConversionSettings | undefined>> = {
  float32: undefined,
  "float32, mapped": { quantize: "q8", vision: "f32" },
  q8: { quantize: "q8", vision: "q8" },
};

const directoryOf = (variant: string): string =>
  variants[variant] === undefined ? source : `${source}-${variant.replace(/\W+/g, "-")}`;

async function load(variant: string, tuned: boolean): Promise<LoadedModel> {
  const { config: json, weights } = await openCheckpoint(directoryOf(variant));
  const config = parseConfig(json);
  const device = await openDevice(tuned ? { spinning: true } : {});
  if (config.quantization === undefined) return new LoadedModel(config, await readAll(weights), device);
  const stored = await storedParameters(weights);
  await weights.close();
  return new LoadedModel(config, new Map(), device, { stored });
}

/** Median milliseconds of one picture through the vision encoder and the abstractor. */
async function ours(variant: string, tuned: boolean, runs = 7): Promise<number> {
  const model = await load(variant, tuned);
  const { program, parameters } = await model.visionProgram();
  const random = mulberry32(3);
  const size = 3 * model.config.vision.imageSize ** 2;
  const times: number[] = [];
  for (let run = -2; run < runs; run++) {
    const numbers = Float32Array.from({ length: size }, () => 2 * random() - 1);
    const pixel_values = float32(numbers, [
      1,
      3,
      model.config.vision.imageSize,
      model.config.vision.imageSize,
    ]);
    const start = performance.now();
    await program.run({ ...parameters, pixel_values });
    if (run >= 0) times.push(performance.now() - start);
  }
  await model.close();
  return median(times);
}

const self = path("vision.ts");

/** Median milliseconds by system. */
export interface VisionTimes {
  readonly system: string;
  readonly ours: number;
  readonly tuned: number;
  readonly torch: number | undefined;
}

/** One picture in ViT-L/14 and the abstractor: each variant by default and with spinning threads, beside PyTorch, alternating. */
export async function visionTimes(rounds: number): Promise<VisionTimes[]> {
  await writeSynthetic(source, configurations["vit-l"]);
  for (const [variant, settings] of Object.entries(variants)) {
    const directory = directoryOf(variant);
    if (settings && !existsSync(`${directory}/config.json`))
      await convertCheckpoint(source, directory, settings);
  }
  const ourTime = (variant: string, configuration: string): number =>
    ownLine<{ picture_ms: number }>(self, [variant, configuration]).picture_ms;
  const torch: number[] = [];
  const times = Object.keys(variants).map((system) => ({
    system,
    ours: [] as number[],
    tuned: [] as number[],
  }));
  for (let round = 0; round < rounds; round++) {
    for (const { system, ours, tuned } of times) {
      ours.push(ourTime(system, "default"));
      tuned.push(ourTime(system, "tuned"));
    }
    if (missingTorch() === undefined) {
      torch.push(torchLine<{ ms_per_image: number }>("vision", "--config", "vit-l").ms_per_image);
    }
  }
  return times.map(({ system, ours, tuned }) => ({
    system,
    ours: median(ours),
    tuned: median(tuned),
    torch: torch.length > 0 ? median(torch) : undefined,
  }));
}

/** `bench vision [rounds]`: {@link visionTimes}; ratios above 1: ours is faster. */
export async function visionBench([rounds = "3"]: readonly string[]): Promise<void> {
  const missing = missingTorch();
  if (missing) console.error(`vision: without a peer. ${missing}`);
  for (const times of await visionTimes(Number(rounds))) {
    printLine({ ...times, ...(times.torch && { ratio: times.torch / times.ours }) });
  }
}

if (process.argv[1] === self) {
  const [variant, configuration] = process.argv.slice(2);
  printLine({ system: variant, picture_ms: await ours(variant, configuration === "tuned") });
}
