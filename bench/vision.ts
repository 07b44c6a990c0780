import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openCheckpoint, readAll } from "../src/checkpoint/index.ts";
import { LoadedModel, storedParameters } from "../src/inference/index.ts";
import { parseConfig } from "../src/model/index.ts";
import { mulberry32 } from "../src/primitives/index.ts";
import { type ConversionSettings, convertCheckpoint } from "../src/quantization/index.ts";
import { openDevice } from "../src/runtime/index.ts";
import { float32 } from "../src/tensor/index.ts";
import { configurations } from "./configurations.ts";
import { median, roundNumbers } from "./statistics.ts";
import { writeSynthetic } from "./synthetic.ts";

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

async function load(variant: string): Promise<LoadedModel> {
  const { config: json, weights } = await openCheckpoint(directoryOf(variant));
  const config = parseConfig(json);
  const device = await openDevice({ threads: 2, spinning: true });
  if (config.quantization === undefined) return new LoadedModel(config, await readAll(weights), device);
  const stored = await storedParameters(weights);
  await weights.close();
  return new LoadedModel(config, new Map(), device, { stored });
}

/** Median milliseconds of one picture through the vision encoder and the abstractor. */
async function ours(variant: string, runs = 7): Promise<number> {
  const model = await load(variant);
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

function lastLine(command: string, words: readonly string[]): Record<string, number> {
  const stdio = ["ignore", "pipe", "ignore"] as ["ignore", "pipe", "ignore"];
  const output = execFileSync(command, words, { encoding: "utf8", stdio });
  return JSON.parse(output.trim().split("\n").at(-1)!);
}

/** `bench vision [rounds]`: one picture in ViT-L/14 and the abstractor, beside PyTorch; ratios above 1: ours is faster. */
export async function visionBench([rounds = "3"]: readonly string[]): Promise<void> {
  await writeSynthetic(source, configurations["vit-l"]);
  for (const [variant, settings] of Object.entries(variants)) {
    const directory = directoryOf(variant);
    if (settings && !existsSync(`${directory}/config.json`))
      await convertCheckpoint(source, directory, settings);
  }
  const python = path("../.peers/bin/python");
  const torch = path("../../shared/peers/owl_torch.py");
  const hasPeer = existsSync(python) && existsSync(torch);
  if (!hasPeer) console.error(`vision: without PyTorch, for want of ${python} or ${torch}`);
  const systems = new Map(
    [...Object.keys(variants), ...(hasPeer ? ["torch"] : [])].map((name) => [name, [] as number[]]),
  );
  for (let round = 0; round < Number(rounds); round++) {
    for (const [system, times] of systems) {
      const line =
        system === "torch"
          ? lastLine(python, [torch, "vision", "--config", "vit-l"])
          : lastLine(process.execPath, ["--import", "tsx", path("vision.ts"), "ours", system]);
      const ms = line.ms_per_image ?? line.picture_ms;
      times.push(ms);
      console.log(JSON.stringify({ round, system, ms }, roundNumbers));
    }
  }
  for (const [system, times] of systems) {
    const ms = median(times);
    const ratio = hasPeer && { ratio: median(systems.get("torch")!) / ms };
    console.log(JSON.stringify({ median: system, ms, ...ratio }, roundNumbers));
  }
}

if (process.argv[1] === path("vision.ts")) {
  const [what, variant] = process.argv.slice(2);
  if (what === "ours")
    console.log(JSON.stringify({ system: variant, picture_ms: await ours(variant) }, roundNumbers));
}
