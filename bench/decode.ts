import { existsSync } from "node:fs";
import { convertCheckpoint } from "../src/quantization/index.ts";
import { llamaText, missingLlama } from "./llama.ts";
import { printLine } from "./processor.ts";
import { writeRandomGguf } from "./random-gguf.ts";
import { median } from "./statistics.ts";
import { ourText, type TextSpeed, type TextWork } from "./text.ts";
import { placesOf, type TextModelName, textModelNamed, textModels, writeTextModel } from "./text-models.ts";

/** Medians of this package by default and with threads that wait by looping, and of llama.cpp by default where it is there. */
export interface TextSpeeds {
  readonly ours: TextSpeed;
  readonly tuned: TextSpeed;
  readonly llama: TextSpeed | undefined;
}

function medians(speeds: readonly TextSpeed[]): TextSpeed {
  const of = (key: "load_s" | "loaded_mb" | "peak_mb"): number => median(speeds.map((one) => one[key]));
  const each = (key: "prefill_ms" | "decode_ms"): number[] =>
    speeds[0][key].map((_, i) => median(speeds.map((one) => one[key][i])));
  return {
    load_s: of("load_s"),
    loaded_mb: of("loaded_mb"),
    peak_mb: of("peak_mb"),
    prefill_ms: each("prefill_ms"),
    decode_ms: each("decode_ms"),
  };
}

/** Alternating runs, each in a process of its own. */
export async function textSpeeds(name: TextModelName, work: TextWork, rounds: number): Promise<TextSpeeds> {
  const { gguf, converted } = placesOf(name, work.gguf?.mix);
  if (work.gguf) await writeRandomGguf(gguf, textModels[name](), work.gguf.mix);
  else await writeTextModel(name);
  if (work.gguf?.converted && !existsSync(`${converted}/config.json`)) {
    await convertCheckpoint(gguf, converted, { quantize: "none" });
  }
  const runs: Record<"ours" | "tuned" | "llama", TextSpeed[]> = { ours: [], tuned: [], llama: [] };
  for (let round = 0; round < rounds; round++) {
    runs.ours.push(ourText(name, work, false));
    runs.tuned.push(ourText(name, work, true));
    if (missingLlama() === undefined) runs.llama.push(await llamaText(name, work));
  }
  return {
    ours: medians(runs.ours),
    tuned: medians(runs.tuned),
    llama: runs.llama.length > 0 ? medians(runs.llama) : undefined,
  };
}

/**
 * `bench decode [rounds] [model] [contexts]`: prefill of a prompt and decode after it by the length of the context, such as
 * `128,2048`, beside llama.cpp; ratios above 1: ours, by default, is faster.
 */
export async function decodeBench([
  rounds = "5",
  model = "7b-4-layers",
  contexts = "128",
]: readonly string[]): Promise<void> {
  const missing = missingLlama();
  if (missing) console.error(`decode: without a peer. ${missing}`);
  const work = { contexts: contexts.split(",").map(Number), newTokens: 16 };
  const { ours, tuned, llama } = await textSpeeds(textModelNamed(model), work, Number(rounds));
  for (const [system, speed] of Object.entries({ ours, tuned, ...(llama && { llama }) })) {
    printLine({ model, system, contexts: work.contexts, ...speed });
  }
  if (llama === undefined) return;
  const ratios = (key: "prefill_ms" | "decode_ms"): number[] =>
    ours[key].map((value, i) => llama[key][i] / value);
  printLine({ model, prefill_ratio: ratios("prefill_ms"), decode_ratio: ratios("decode_ms") });
}
