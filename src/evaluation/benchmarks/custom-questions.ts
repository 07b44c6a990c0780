import { z } from "zod";
import { joinPath, parentDirectory } from "../../platform/index.ts";
import { requireNoProblems } from "../error.ts";
import { readJsonl } from "../jsonl-log.ts";
import { anls } from "../metrics/anls.ts";
import { exactMatch } from "../metrics/exact-match.ts";
import { type Benchmark, type BenchmarkItem, withInstruction } from "./benchmark.ts";
import { meanOf, meansBy } from "./figures.ts";
import { dataFile } from "./files.ts";

const schema = z.object({
  image: z.array(z.string()).default([]),
  question: z.string().min(1),
  answers: z.array(z.string()).min(1),
  kind: z.string().default(""),
});

interface CustomItem extends BenchmarkItem {
  readonly question: string;
  readonly answers: readonly string[];
  readonly images: readonly string[];
  readonly kind: string;
}

/** For questions of one's own. */
export const customQuestions: Benchmark<CustomItem> = {
  name: "questions",
  description: "questions of your own: how often the answer is one of those given",
  files:
    'one *.jsonl, a line each: {"image": ["a.jpg"], "question": "…", "answers": ["…"], "kind": "…"}; image and kind may be absent',
  instruction: "",
  settings: { maxNewTokens: 32 },

  async read(data) {
    const file = await dataFile(data, /\.jsonl$/, "*.jsonl");
    const rows = await readJsonl(file, schema);
    requireNoProblems(file, "must hold questions", rows.length === 0 ? ["none"] : []);
    return rows.map(({ image, question, answers, kind }, i) => ({
      id: String(i + 1),
      group: image.length === 0 ? String(i + 1) : image.join(" "),
      expected: answers.join(" / "),
      question,
      answers,
      images: image.map((name) => joinPath(parentDirectory(file), name)),
      kind,
    }));
  },

  pictures: ({ images }) => images,
  questions: ({ question }, instruction) => [withInstruction(question, instruction)],
  score: (items, answers) =>
    items.map(({ answers: right, kind }, i) => ({
      value: Number(exactMatch(answers[i][0], right)),
      anls: anls(answers[i][0], right),
      kind,
    })),
  figures: (scores) => ({
    "exact match": meanOf(scores),
    ...meansBy(scores, "kind", "exact match"),
    ANLS: meanOf(scores, "anls"),
  }),
};
