import { fileURLToPath } from "node:url";
import { completeSettings, type Engine } from "../src/generation/index.ts";
import type { Prompt } from "../src/inference/index.ts";
import { Owl } from "../src/owl/index.ts";
import { mulberry32 } from "../src/primitives/index.ts";
import { quantizationOf } from "../src/quantization/index.ts";
import { configurations } from "./configurations.ts";
import { printLine } from "./processor.ts";
import { median } from "./statistics.ts";
import { writeQuantized, writeSynthetic } from "./synthetic.ts";

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const streams = 8;
const promptTokens = 32;
const newTokens = 64;

/** Models by name: their directory, created if it is missing. */
const models: Readonly<Record<string, () => Promise<string>>> = {
  nano: async () => path("../models/owl-nano"),
  small: async () => {
    const directory = path("../.cache/serving-small");
    await writeSynthetic(directory, configurations.small);
    return directory;
  },
  /** Four layers of a 7 B as `owl convert` makes it. */
  "7b-4-layers": async () => {
    const { language, ...rest } = configurations["7b"];
    const quantization = quantizationOf({ quantize: "q4" })!;
    const directory = path("../.cache/decode-converted");
    await writeQuantized(directory, { ...rest, language: { ...language, layers: 4 }, quantization });
    return directory;
  },
};

const settings = completeSettings({ eosTokenIds: [], promptLookupNumTokens: 0, maxNewTokens: newTokens });

/** New tokens a second of so many concurrent answers; the time includes their prompts. */
async function speed(
  owl: Owl,
  seed: number,
  count: number,
  answer: (prompt: Prompt) => Promise<void>,
): Promise<number> {
  const random = mulberry32(seed);
  const { vocabulary } = owl.config.language;
  const prompts = Array.from({ length: count }, () => ({
    ids: Array.from({ length: promptTokens }, () => 3 + Math.floor((vocabulary - 3) * random())),
    pictures: [],
  }));
  const began = performance.now();
  await Promise.all(prompts.map(answer));
  return (1000 * count * newTokens) / (performance.now() - began);
}

async function answered(engine: Engine, prompt: Prompt): Promise<void> {
  for await (const _ of engine.generate({ prompt, settings })) void _;
}

/** Tokens a second, medians. */
export interface ServingSpeed {
  readonly model: string;
  readonly without_engine_tokens_per_s: number;
  readonly one_stream_tokens_per_s: number;
  readonly eight_streams_tokens_per_s: number;
  readonly ratio: number;
  readonly ratio_to_without_engine: number;
}

/** Alternating rounds of one stream without the engine, one with it and eight with it; medians and their ratios. */
export async function servingSpeed(name: string, rounds: number): Promise<ServingSpeed> {
  const owl = await Owl.load(await models[name]());
  // No cached prefixes: every prompt is computed.
  const engine = owl.engine({ maxRunning: streams, keyValueCacheBytes: 0 });
  const plain = async (prompt: Prompt): Promise<void> => void (await owl.generate(prompt, settings));
  const inEngine = (prompt: Prompt): Promise<void> => answered(engine, prompt);
  const speeds: Record<string, number[]> = { plain: [], one: [], eight: [] };
  for (let round = 0; round <= rounds; round++) {
    const figures = {
      plain: await speed(owl, 3 * round, 1, plain),
      one: await speed(owl, 3 * round + 1, 1, inEngine),
      eight: await speed(owl, 3 * round + 2, streams, inEngine),
    };
    // The first round compiles and warms up.
    if (round > 0) for (const [key, value] of Object.entries(figures)) speeds[key].push(value);
  }
  await engine.close();
  await owl.close();
  const [plainSpeed, one, eight] = ["plain", "one", "eight"].map((key) => median(speeds[key]));
  return {
    model: name,
    without_engine_tokens_per_s: plainSpeed,
    one_stream_tokens_per_s: one,
    eight_streams_tokens_per_s: eight,
    ratio: eight / one,
    ratio_to_without_engine: eight / plainSpeed,
  };
}

/** `bench serving [rounds] [model…]` */
export async function servingBench(words: readonly string[]): Promise<void> {
  const [rounds = "5", ...given] = words;
  const names = given.length > 0 ? given : ["nano", "small"];
  for (const name of names) {
    if (!(name in models)) {
      throw new RangeError(`serving: models are ${Object.keys(models).join(", ")}, got ${name}`);
    }
    printLine(await servingSpeed(name, Number(rounds)));
  }
}
