import { z } from "zod";
import type { Owl } from "../../owl/index.ts";
import { fileName, readText } from "../../platform/index.ts";
import { EvaluationError } from "../error.ts";
import { readJsonl } from "../jsonl-log.ts";
import { perplexity } from "../metrics/perplexity.ts";
import type { Statistics } from "../statistics.ts";
import type { BenchmarkItem, ItemScore, Measure } from "./benchmark.ts";
import { dataFile } from "./files.ts";

/** A piece of a text whose tokens are predicted from each other alone. */
export interface TextWindow extends BenchmarkItem {
  /** Token ids, without bos. */
  readonly ids: readonly number[];
}

/**
 * Cuts a text file, or the texts of a jsonl file (`{"text": "…"}` a line), into windows of so many tokens at most. Windows do
 * not overlap, and each begins with bos, so its first tokens have little context: a longer window gives a lower perplexity.
 *
 * @param data the file, or a directory with one such file
 * @param length tokens of a window, bos included; default 512, and never more than the model takes
 */
export async function readTextWindows(
  owl: Pick<Owl, "config" | "tokenizer">,
  data: string,
  length = 512,
): Promise<TextWindow[]> {
  const file = await dataFile(data, /\.(?:txt|jsonl)$/, "*.txt or *.jsonl");
  const texts = file.endsWith(".jsonl")
    ? (await readJsonl(file, z.object({ text: z.string() }))).map(({ text }) => text)
    : [await readText(file)];
  const size = Math.min(length, owl.config.language.maxPositions) - 1;
  if (size < 1) throw new RangeError(`perplexity: a window must have two tokens or more, got ${length}`);
  const windows = texts.flatMap((text, i) => {
    const ids = owl.tokenizer.encode(text, { splitSpecialTokens: true });
    const name = texts.length === 1 ? fileName(file) : String(i + 1);
    return Array.from({ length: Math.ceil(ids.length / size) }, (_, k): TextWindow => {
      const own = ids.slice(k * size, (k + 1) * size);
      return {
        id: `${name}:${k + 1}`,
        group: `${name}:${k + 1}`,
        expected: owl.tokenizer.decode(own),
        ids: own,
      };
    });
  });
  if (windows.length === 0) throw new EvaluationError(`${file}: must hold text, got none`);
  return windows;
}

/** The negative log-likelihood of a window's tokens; the value is the window's own perplexity. */
export async function scoreWindow(owl: Owl, { ids }: TextWindow): Promise<ItemScore> {
  const row = [...owl.tokenizer.start, ...ids];
  // The first token is predicted by nothing.
  const tokens = row.length - 1;
  const { loss } = await owl.forward({ ids: [row], lossMask: [row.map((_, i) => i > 0)] });
  if (loss === undefined) throw new Error("scoreWindow: the forward pass must give a loss, got none");
  return { value: Math.exp(loss), negativeLogLikelihood: loss * tokens, tokens };
}

function figures(scores: readonly ItemScore[]): Statistics {
  const texts = scores.map(({ negativeLogLikelihood, tokens }) => ({
    negativeLogLikelihood: Number(negativeLogLikelihood),
    tokens: Number(tokens),
  }));
  return { perplexity: perplexity(texts), "mean negative log-likelihood": Math.log(perplexity(texts)) };
}

/** Perplexity as a {@link Measure}; `runPerplexity` runs it, as it needs the model's probabilities instead of answers. */
export const perplexityMeasure: Measure = {
  name: "perplexity",
  description: "how well a model guesses the next token of a text",
  files: 'one *.txt, or one *.jsonl with {"text": "…"} a line',
  figures,
};
