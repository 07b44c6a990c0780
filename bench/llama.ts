import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Token } from "node-llama-cpp";
import { ownLine } from "./child.ts";
import { memory } from "./memory.ts";
import { printLine } from "./processor.ts";
import { writeRandomGguf } from "./random-gguf.ts";
import { prefillsOf, type TextSpeed, type TextWork } from "./text.ts";
import { placesOf, type TextModelName, textModels } from "./text-models.ts";

/**
 * llama.cpp with its own defaults, but on the processor and with a thread for each core: node-llama-cpp takes four at least, and on two
 * cores such threads, which wait by looping, need seconds for a token.
 */
export async function openLlama(file: string, contextSize: number) {
  const { getLlama, LlamaLogLevel } = await import("node-llama-cpp");
  const llama = await getLlama({
    gpu: false,
    build: "never",
    skipDownload: true,
    logLevel: LlamaLogLevel.error,
  });
  const began = performance.now();
  const model = await llama.loadModel({ modelPath: file });
  const context = await model.createContext({ contextSize, threads: llama.cpuMathCores });
  const load_s = (performance.now() - began) / 1000;
  return { model, load_s, sequence: context.getSequence() };
}

async function measureLlama(file: string, { contexts, newTokens }: TextWork): Promise<TextSpeed> {
  const { model, load_s, sequence } = await openLlama(file, Math.max(...contexts) + newTokens + 8);
  const loaded_mb = memory().resident_mb;
  const vocabulary = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
  let seed = 1;
  const promptOf = (length: number): Token[] => {
    seed++;
    return Array.from({ length }, (_, i) => (300 + ((seed * 131 + i * 7919) % (vocabulary - 300))) as Token);
  };
  const [prefill_ms, decode_ms]: number[][] = [[], []];
  await sequence.evaluateWithoutGeneratingNewTokens(promptOf(8));
  for (const length of contexts) {
    const prefills: number[] = [];
    for (let i = 0; i < prefillsOf(length); i++) {
      await sequence.clearHistory();
      const tokens = promptOf(length);
      const start = performance.now();
      await sequence.evaluateWithoutGeneratingNewTokens(tokens);
      prefills.push(performance.now() - start);
    }
    prefill_ms.push(Math.min(...prefills));
    let [count, start] = [0, 0];
    for await (const _ of sequence.evaluate([300 as Token], { temperature: 0, yieldEogToken: true })) {
      if (count === 0) start = performance.now();
      if (count++ === newTokens) break;
    }
    decode_ms.push((performance.now() - start) / newTokens);
  }
  return { load_s, loaded_mb, peak_mb: memory().peak_mb, prefill_ms, decode_ms };
}

const self = fileURLToPath(import.meta.url);

/** How llama.cpp is set up where it is missing; undefined where it is there. */
export function missingLlama(): string | undefined {
  const isThere = existsSync(fileURLToPath(new URL("../node_modules/node-llama-cpp", import.meta.url)));
  return isThere ? undefined : "llama.cpp: npm ci";
}

/** {@link measureLlama} in a process of its own, on the same shapes and the same number of bits. */
export async function llamaText(name: TextModelName, work: TextWork): Promise<TextSpeed> {
  const { gguf } = placesOf(name, work.gguf?.mix);
  await writeRandomGguf(gguf, textModels[name](), work.gguf?.mix);
  return ownLine(self, [gguf, JSON.stringify(work)]);
}

if (process.argv[1] === self) {
  const [file, work] = process.argv.slice(2);
  printLine(await measureLlama(file, JSON.parse(work)));
  process.exit(0);
}
