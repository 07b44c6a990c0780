import type { Benchmark } from "./benchmark.ts";
import { cocoCaptions, noCaps } from "./captions.ts";
import { mmBench } from "./mmbench.ts";
import { mme } from "./mme.ts";
import { ownQuestions } from "./own-questions.ts";
import { pope } from "./pope.ts";
import { scienceQa } from "./science-qa.ts";
import { textVqa } from "./text-vqa.ts";
import { vqaV2 } from "./vqa-v2.ts";

/** All benchmarks that ask questions, by name. */
export const benchmarks: Readonly<Record<string, Benchmark>> = Object.fromEntries(
  [vqaV2, cocoCaptions, noCaps, pope, mme, mmBench, scienceQa, textVqa, ownQuestions].map((benchmark) => [
    benchmark.name,
    benchmark as Benchmark,
  ]),
);
