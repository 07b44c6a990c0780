import type { Benchmark, Measure } from "./benchmark.ts";
import { cocoCaptions, noCaps } from "./captions.ts";
import { customQuestions } from "./custom-questions.ts";
import { mmBench } from "./mmbench.ts";
import { mme } from "./mme.ts";
import { perplexityMeasure } from "./perplexity.ts";
import { pope } from "./pope.ts";
import { scienceQa } from "./science-qa.ts";
import { textVqa } from "./text-vqa.ts";
import { vqaV2 } from "./vqa-v2.ts";

/** All benchmarks that ask questions, by name. */
export const benchmarks: Readonly<Record<string, Benchmark>> = Object.fromEntries(
  [vqaV2, cocoCaptions, noCaps, pope, mme, mmBench, scienceQa, textVqa, customQuestions].map((benchmark) => [
    benchmark.name,
    benchmark as Benchmark,
  ]),
);

/** All benchmarks, and perplexity, which asks nothing: it reads the probabilities of given text. */
export const measures: Readonly<Record<string, Measure>> = {
  ...benchmarks,
  [perplexityMeasure.name]: perplexityMeasure,
};
