import { z } from "zod";
import { joinPath, parentDirectory } from "../../platform/index.ts";
import { anls } from "../metrics/anls.ts";
import { exactMatch } from "../metrics/exact-match.ts";
import { vqaAccuracy } from "../metrics/vqa-answers.ts";
import { type Benchmark, type BenchmarkItem, withInstruction } from "./benchmark.ts";
import { meanOf } from "./figures.ts";
import { dataFile, folderWith, readJsonAs } from "./files.ts";

const schema = z.object({
  data: z
    .array(
      z.object({
        question_id: z.int(),
        question: z.string(),
        image_id: z.string(),
        answers: z.array(z.string()).min(2),
      }),
    )
    .min(1),
});

interface TextVqaItem extends BenchmarkItem {
  readonly question: string;
  readonly picture: string;
  readonly annotations: readonly string[];
}

/** Singh et al., Towards VQA Models That Can Read, 2019. */
export const textVqa: Benchmark<TextVqaItem> = {
  name: "textvqa",
  description: "TextVQA: questions about text in pictures",
  files:
    "TextVQA_*.json of one split; pictures as train_images/ID.jpg (as published), images/ID.jpg or ID.jpg",
  instruction: "Answer the question using a single word or phrase.",
  settings: { maxNewTokens: 32 },

  async read(data) {
    const file = await dataFile(data, /^textvqa_.*\.json$/i, "TextVQA_*.json");
    const { data: rows } = await readJsonAs(file, schema);
    const folders = ["train_images", "images", "."].map((folder) => joinPath(parentDirectory(file), folder));
    const folder = await folderWith(`${rows[0].image_id}.jpg`, folders);
    return rows.map(({ question_id, question, image_id, answers }) => ({
      id: String(question_id),
      group: image_id,
      expected: [...new Set(answers)].join(" / "),
      question,
      picture: joinPath(folder, `${image_id}.jpg`),
      annotations: answers,
    }));
  },

  pictures: ({ picture }) => [picture],
  questions: ({ question }, instruction) => [withInstruction(question, instruction)],
  score: (items, answers) =>
    items.map(({ annotations }, i) => ({
      value: vqaAccuracy(answers[i][0], annotations),
      anls: anls(answers[i][0], annotations),
      exact: Number(exactMatch(answers[i][0], annotations)),
    })),
  figures: (scores) => ({
    "VQA accuracy": meanOf(scores),
    ANLS: meanOf(scores, "anls"),
    "exact match with any annotator": meanOf(scores, "exact"),
  }),
};
