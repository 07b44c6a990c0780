import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Media, mediaFromPixels } from "../src/inference/index.ts";
import type { KvCacheDtype } from "../src/model/index.ts";
import { Owl } from "../src/owl/index.ts";
import { mulberry32 } from "../src/primitives/index.ts";
import { type ConversionSettings, convertCheckpoint } from "../src/quantization/index.ts";
import { configurations } from "./configurations.ts";
import { memory } from "./memory.ts";
import { printLine } from "./processor.ts";
import { median } from "./statistics.ts";
import { writeSynthetic } from "./synthetic.ts";

const config = configurations["7b"];

function directorySize(directory: string): number {
  return readdirSync(directory).reduce((sum, name) => sum + statSync(`${directory}/${name}`).size, 0);
}

const seconds = (since: number): number => (performance.now() - since) / 1000;

/** Writes the synthetic 7 B into a directory, unless it is there. */
async function generate(directory: string): Promise<Record<string, unknown>> {
  const began = performance.now();
  await writeSynthetic(directory, config);
  return { step: "generate", gb: directorySize(directory) / 1e9, seconds: seconds(began), ...memory() };
}

/** Converts it, unless that is done. */
async function convert(
  from: string,
  to: string,
  settings: ConversionSettings,
): Promise<Record<string, unknown>> {
  const began = performance.now();
  let told = began;
  const report = await convertCheckpoint(from, to, {
    ...settings,
    onProgress: (done, total) => {
      if (performance.now() - told < 20_000) return;
      told = performance.now();
      console.error(`converted ${((100 * done) / total).toFixed(1)} %`);
    },
  });
  return {
    step: "convert",
    gb_before: report.bytesBefore / 1e9,
    gb_after: directorySize(to) / 1e9,
    ...report.deviations,
    reused_files: report.reusedFiles,
    seconds: seconds(began),
    ...memory(),
  };
}

/** A prompt of 120 positions with one picture. */
async function prompt(seed: number): Promise<{ ids: number[]; pictures: Media[] }> {
  const random = mulberry32(seed);
  const word = (): number => 300 + Math.floor(random() * 31_000);
  const pixels = Float32Array.from({ length: 3 * config.vision.imageSize ** 2 }, () => 2 * random() - 1);
  const picture = new Array<number>(config.numQueryTokens + 1).fill(-1);
  const ids = [1, ...Array.from({ length: 20 }, word), ...picture, ...Array.from({ length: 34 }, word)];
  return { ids, pictures: [await mediaFromPixels(pixels)] };
}

/** Loads the converted model and answers, from a picture to tokens. */
async function chat(
  directory: string,
  newTokens: number,
  kvCacheDtype: KvCacheDtype,
): Promise<Record<string, unknown>> {
  const began = performance.now();
  const owl = await Owl.load(directory, { threads: 2, kvCacheDtype });
  const load_s = seconds(began);
  const loaded = memory();
  const settings = {
    eosTokenIds: [],
    promptLookupNumTokens: 0,
    repetitionPenalty: 1,
    doSample: false,
    numBeams: 1,
  };
  const prefills: number[] = [];
  for (const seed of [1, 2, 3]) {
    const asked = await prompt(seed);
    const start = performance.now();
    await owl.generate(asked, { ...settings, maxNewTokens: 1 });
    prefills.push(seconds(start));
  }
  // The same prompt with enough tokens to fill the KV cache: the time after the first token is decode.
  const again = await prompt(3);
  const start = performance.now();
  const { ids } = await owl.generate(again, { ...settings, maxNewTokens: newTokens });
  const decode_ms = (1000 * seconds(start)) / ids.length;
  const after = memory();
  await owl.close();
  return {
    step: "chat",
    kv_cache_dtype: kvCacheDtype,
    load_s,
    loaded_mb: loaded.resident_mb,
    prefill_first_s: prefills[0],
    prefill_s: median(prefills.slice(1)),
    new_tokens: ids.length,
    decode_ms_per_token: decode_ms,
    decode_tokens_per_s: 1000 / decode_ms,
    ...after,
  };
}

const self = fileURLToPath(import.meta.url);

/**
 * `bench seven-billion [directory] [new tokens] [KV cache]`: writes a synthetic 7 B, converts it to 4 bits, asks it about a
 * picture, with keys and values as `float32` or `int8`. Each part runs in a process of its own, so that its memory can be measured; existing files are reused.
 */
export async function sevenBillionBench([
  directory = cache,
  tokens = "900",
  kvCacheDtype = "float32",
]: readonly string[]): Promise<void> {
  const converted = `${directory}-q4`;
  const steps = [
    ["generate", directory],
    ...(existsSync(`${converted}/config.json`) ? [] : [["convert", directory, converted]]),
    ["chat", converted, tokens, kvCacheDtype],
  ];
  for (const words of steps) {
    execFileSync(process.execPath, ["--import", "tsx", self, ...words], { stdio: "inherit" });
  }
}

const cache = fileURLToPath(new URL("../.cache/owl-7b", import.meta.url));

if (process.argv[1] === self) {
  const [step, from, second = "", third = "float32"] = process.argv.slice(2);
  const steps: Record<string, () => Promise<Record<string, unknown>>> = {
    generate: () => generate(from),
    convert: () => convert(from, second, { quantize: "q4" }),
    chat: () => chat(from, Number(second), third as KvCacheDtype),
  };
  printLine(await steps[step]());
}
