import { z } from "zod";
import { fileName, joinPath, parentDirectory } from "../../platform/index.ts";
import { requireNoProblems } from "../error.ts";
import { vqaAccuracy } from "../metrics/vqa-answers.ts";
import { type Benchmark, type BenchmarkItem, withInstruction } from "./benchmark.ts";
import { meanOf, meansBy } from "./figures.ts";
import { dataFile, folderWith, readJsonAs } from "./files.ts";

const questionsSchema = z.object({
  data_subtype: z.string().default(""),
  questions: z.array(z.object({ image_id: z.int(), question: z.string(), question_id: z.int() })).min(1),
});

const annotationsSchema = z.object({
  annotations: z.array(
    z.object({
      question_id: z.int(),
      answer_type: z.string(),
      answers: z.array(z.object({ answer: z.string() })).min(2),
    }),
  ),
});

interface VqaItem extends BenchmarkItem {
  readonly question: string;
  readonly picture: string;
  readonly answerType: string;
  readonly annotations: readonly string[];
}

/** Goyal et al., Making the V in VQA Matter, 2017. */
export const vqaV2: Benchmark<VqaItem> = {
  name: "vqav2",
  description: "VQA v2: short answers, as many of ten people gave them",
  files:
    "*questions*.json and *annotations*.json of one split; pictures in a folder named like the split (val2014) or beside them",
  instruction: "Answer the question using a single word or phrase.",
  settings: { maxNewTokens: 16 },

  async read(data) {
    const questionsFile = await dataFile(data, /questions.*\.json$/i, "*questions*.json");
    const directory = parentDirectory(questionsFile);
    const { questions, data_subtype: split } = await readJsonAs(questionsFile, questionsSchema);
    const annotationsFile = await dataFile(
      directory,
      split === "" ? /annotations.*\.json$/i : new RegExp(`${split}.*annotations.*\\.json$`, "i"),
      `*${split}*annotations*.json`,
    );
    const { annotations } = await readJsonAs(annotationsFile, annotationsSchema);
    const byQuestion = new Map(annotations.map((annotation) => [annotation.question_id, annotation]));
    const unanswered = questions.filter(({ question_id }) => !byQuestion.has(question_id));
    requireNoProblems(
      annotationsFile,
      `must hold an annotation for every question of ${fileName(questionsFile)}`,
      unanswered.map(({ question_id }) => `none for ${question_id}`),
    );
    const name = (image: number): string =>
      `COCO_${split === "" ? "" : `${split}_`}${String(image).padStart(12, "0")}.jpg`;
    const folders = [split, "images", "."].filter((folder) => folder !== "");
    const folder = await folderWith(
      name(questions[0].image_id),
      folders.map((folder) => joinPath(directory, folder)),
    );
    return questions.map(({ question_id, image_id, question }) => {
      const { answer_type, answers } = byQuestion.get(question_id)!;
      const given = answers.map(({ answer }) => answer);
      return {
        id: String(question_id),
        group: String(image_id),
        expected: [...new Set(given)].join(" / "),
        question,
        picture: joinPath(folder, name(image_id)),
        answerType: answer_type,
        annotations: given,
      };
    });
  },

  pictures: ({ picture }) => [picture],
  questions: ({ question }, instruction) => [withInstruction(question, instruction)],
  score: (items, answers) =>
    items.map(({ annotations, answerType }, i) => ({
      value: vqaAccuracy(answers[i][0], annotations),
      answerType,
    })),
  figures: (scores) => ({ accuracy: meanOf(scores), ...meansBy(scores, "answerType", "accuracy") }),
};
