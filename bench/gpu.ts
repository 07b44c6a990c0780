import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { TokenBatch } from "../src/data/index.ts";
import type { OwlConfig } from "../src/model/index.ts";
import { Owl } from "../src/owl/index.ts";
import { mulberry32 } from "../src/primitives/index.ts";
import { type Device, type DeviceOptions, openDevice } from "../src/runtime/index.ts";
import { createTrainer, languageObjective } from "../src/training/index.ts";
import { configurations } from "./configurations.ts";
import { printLine } from "./processor.ts";
import { median } from "./statistics.ts";
import { writeSynthetic } from "./synthetic.ts";
import { benchBatch, recipeOf } from "./train.ts";

/** Largest difference of a gradient from the CPU's, relative to its largest entry. */
const tolerance = 1e-3;
/** The check ends within five minutes: no part begins after this many. */
const lastStart = 3.5;

export interface GpuBenchOptions {
  readonly device: DeviceOptions;
  readonly config: OwlConfig;
  /** Repetitions that a median is taken of. */
  readonly runs: number;
}

/** One result a part; a part that fails says so, and the next one goes on. */
export async function* gpuBench(options: GpuBenchOptions): AsyncGenerator<Record<string, unknown>> {
  const began = performance.now();
  const parts: readonly [string, () => Promise<object>][] = [
    ["gradients", () => gradients(options, false)],
    ["gradients layer by layer", () => gradients(options, true)],
    ["step", () => step(options, false)],
    ["step layer by layer", () => step(options, true)],
    ["answer", () => answer(options)],
  ];
  for (const [part, run] of parts) {
    const about = { bench: "gpu", part, device: options.device.device };
    if (performance.now() - began > 60_000 * lastStart) {
      yield { ...about, left_out: "no time" };
      continue;
    }
    try {
      yield { ...about, ...(await run()) };
    } catch (error) {
      yield { ...about, failed: error instanceof Error ? error.message : String(error) };
    }
  }
}

const stage = 2;

function trainerOn(device: Device, config: OwlConfig, recompute: boolean) {
  const recipe = { ...recipeOf(stage), recompute };
  return createTrainer({ device, recipe, objective: languageObjective(config, recipe) });
}

/** Copies of a micro-batch's gradients on a device. */
async function gradientsOn(
  options: DeviceOptions,
  config: OwlConfig,
  recompute: boolean,
  batch: TokenBatch,
): Promise<Map<string, Float32Array>> {
  const trainer = await trainerOn(await openDevice(options), config, recompute);
  try {
    // A LoRA's first gradients are half zero; those after an update are not.
    await trainer.update([batch]);
    const { gradients } = await trainer.gradients([batch]);
    return new Map([...gradients].map(([name, { data }]) => [name, (data as Float32Array).slice()]));
  } finally {
    trainer.dispose();
  }
}

async function gradients({ device, config }: GpuBenchOptions, recompute: boolean): Promise<object> {
  const batch = benchBatch(config, stage);
  const expected = await gradientsOn({ device: "cpu" }, config, recompute, batch);
  const got = await gradientsOn(device, config, recompute, batch);
  let [worst, of] = [0, ""];
  for (const [name, values] of expected) {
    // A key's bias has no gradient but rounding noise.
    if (name.endsWith("attention.key.bias")) continue;
    const others = got.get(name)!;
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
    const difference =
      values.reduce((most, value, i) => Math.max(most, Math.abs(value - others[i])), 0) / largest;
    if (!(difference <= worst)) [worst, of] = [difference, name];
  }
  return { tensors: expected.size, worst, of, equal: worst <= tolerance };
}

async function step({ device, config, runs }: GpuBenchOptions, recompute: boolean): Promise<object> {
  const trainer = await trainerOn(await openDevice(device), config, recompute);
  const batch = benchBatch(config, stage);
  const times: number[] = [];
  for (let run = -2; run < runs; run++) {
    const began = performance.now();
    await trainer.update([batch]);
    if (run >= 0) times.push(performance.now() - began);
  }
  trainer.dispose();
  return { step_ms: median(times) };
}

const promptTokens = 64;
const newTokens = 16;

/** Prefill and decode of a model of random weights. */
async function answer({ device, config, runs }: GpuBenchOptions): Promise<object> {
  const directory = mkdtempSync(join(tmpdir(), "gpu-bench-"));
  try {
    await writeSynthetic(join(directory, "model"), config);
    await using owl = await Owl.load(join(directory, "model"), { device: device.device ?? "cpu" });
    const random = mulberry32(5);
    const settings = {
      eosTokenIds: [],
      promptLookupNumTokens: 0,
      doSample: false,
      repetitionPenalty: 1,
      numBeams: 1,
    } as const;
    const word = (): number => 3 + Math.floor((config.language.vocabulary - 3) * random());
    const promptOf = () => ({ ids: Array.from({ length: promptTokens }, word), pictures: [] });
    const timed = async (prompt: ReturnType<typeof promptOf>, maxNewTokens: number): Promise<number> => {
      const began = performance.now();
      await owl.generate(prompt, { ...settings, maxNewTokens });
      return performance.now() - began;
    };
    await timed(promptOf(), 2);
    const [prefills, decodes]: [number[], number[]] = [[], []];
    for (let run = 0; run < runs; run++) {
      const prompt = promptOf();
      prefills.push(await timed(prompt, 1));
      // The prompt is in the KV cache by now: what more tokens take more is decode.
      const one = await timed(prompt, 1);
      decodes.push(((await timed(prompt, newTokens + 1)) - one) / newTokens);
    }
    return {
      prefill_tokens: promptTokens,
      prefill_ms: median(prefills),
      decode_ms_per_token: median(decodes),
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The device that is named, or the first GPU that a session can be made on. */
async function chosenDevice(name: string | undefined): Promise<DeviceOptions> {
  const known = {
    // TF32 would round products to ten bits, which is no mistake of a gradient.
    cuda: { device: "cuda", providerOptions: { use_tf32: "0" } },
    webgpu: { device: "webgpu" },
    cpu: { device: "cpu" },
  } as const satisfies Record<string, DeviceOptions>;
  if (name !== undefined) {
    if (name in known) return known[name as keyof typeof known];
    throw new RangeError(`gpu: --device must be ${Object.keys(known).join(", ")}, got ${name}`);
  }
  const reasons: string[] = [];
  for (const options of [known.cuda, known.webgpu]) {
    try {
      const { dim, input, neg } = await import("../src/tensor/index.ts");
      const device = await openDevice(options);
      const y = neg(input("x", "float32", [dim("x", 1)]));
      (await device.compile({ name: "probe", outputs: { y } })).dispose();
      return options;
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(`gpu: found none; --device cpu is a dry run\n${reasons.join("\n")}`);
}

/**
 * `npx tsx bench/gpu.ts [--device cuda|webgpu|cpu] [--size nano|small]`: on the GPU it finds, whether gradients are the CPU's, and
 * what a training step, a prefill and a token take; JSON lines, in less than five minutes.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { device: { type: "string" }, size: { type: "string" } } });
  const { size = "nano" } = values;
  if (size !== "nano" && size !== "small")
    throw new RangeError(`gpu: --size must be nano or small, got ${size}`);
  const device = await chosenDevice(values.device);
  for await (const result of gpuBench({ device, config: configurations[size], runs: 5 })) {
    printLine({ ...result, size });
    if (result.failed !== undefined || result.equal === false) process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
