import { z } from "zod";
import { joinPath, parentDirectory } from "../../platform/index.ts";
import { EvaluationError, requireNoProblems } from "../error.ts";
import { chosenOption, optionLetter } from "../metrics/chosen-option.ts";
import { type Benchmark, type BenchmarkItem, withInstruction } from "./benchmark.ts";
import { meanOf, meansBy } from "./figures.ts";
import { dataFile, folderWith, readJsonAs } from "./files.ts";

const problemSchema = z
  .object({
    question: z.string(),
    choices: z.array(z.string()).min(2),
    answer: z.int().nonnegative(),
    hint: z.string(),
    image: z.string().nullable(),
    grade: z.string(),
    subject: z.string(),
    split: z.string(),
  })
  .refine(
    ({ answer, choices }) => answer < choices.length,
    "answer must be the number of one of the choices",
  );

const splitsSchema = z.record(z.string(), z.array(z.string()));

interface ScienceItem extends BenchmarkItem {
  readonly question: string;
  readonly options: readonly string[];
  readonly right: number;
  readonly hint: string;
  readonly picture: string | undefined;
  readonly subject: string;
  readonly context: "picture" | "text" | "none";
  readonly grades: string;
}

/** Lu et al., Learn to Explain: Multimodal Reasoning via Thought Chains for Science Question Answering, 2022. */
export const scienceQa: Benchmark<ScienceItem> = {
  name: "scienceqa",
  description: "ScienceQA, test split: choices between options, with and without a picture",
  files: "problems.json and pid_splits.json; pictures as images/test/ID/image.png or test/ID/image.png",
  instruction: "Answer with the option's letter from the given choices directly.",
  settings: { maxNewTokens: 32 },

  async read(data) {
    const file = await dataFile(data, /^problems\.json$/, "problems.json");
    const directory = parentDirectory(file);
    const problems = await readJsonAs(file, z.record(z.string(), problemSchema));
    const splits = await readJsonAs(joinPath(directory, "pid_splits.json"), splitsSchema);
    if (splits.test === undefined || splits.test.length === 0) {
      throw new EvaluationError(
        `${directory}/pid_splits.json: must name problems of the split test, got none`,
      );
    }
    requireNoProblems(
      file,
      "must hold every problem of the split test",
      splits.test.filter((id) => !(id in problems)).map((id) => `no ${id}`),
    );
    const pictured = splits.test.find((id) => problems[id].image !== null);
    const folders = ["images/test", "test"].map((name) => joinPath(directory, name));
    const first = pictured === undefined ? "" : joinPath(pictured, problems[pictured].image ?? "");
    const folder = await folderWith(first, folders);
    return splits.test.map((id) => readProblem(id, problems[id], folder));
  },

  pictures: ({ picture }) => (picture === undefined ? [] : [picture]),
  questions: ({ question, hint, options }, instruction) => {
    const choices = options.map((option, i) => `(${optionLetter(i)}) ${option}`).join(" ");
    const context = hint === "" ? "N/A" : hint;
    const text = `Question: ${question}\nContext: ${context}\nOptions: ${choices}`;
    return [withInstruction(text, instruction)];
  },
  score: (items, answers) =>
    items.map(({ options, right, subject, context, hint, grades }, i) => ({
      value: Number(chosenOption(answers[i][0], options) === right),
      unclear: Number(chosenOption(answers[i][0], options) === undefined),
      subject,
      context,
      hinted: hint === "" ? "" : "text",
      grades,
    })),
  figures(scores) {
    // As the paper reports: a problem with a text and a picture counts for both.
    const of = (name: string, holds: (score: (typeof scores)[number]) => boolean) => ({
      [`accuracy: ${name}`]: meanOf(scores.filter(holds)),
    });
    return {
      accuracy: meanOf(scores),
      ...meansBy(scores, "subject", "accuracy"),
      ...of("with a text", ({ hinted }) => hinted !== ""),
      ...of("with a picture", ({ context }) => context === "picture"),
      ...of("without either", ({ context }) => context === "none"),
      ...meansBy(scores, "grades", "accuracy"),
      "answers without a clear option": meanOf(scores, "unclear"),
    };
  },
};

function readProblem(id: string, problem: z.infer<typeof problemSchema>, folder: string): ScienceItem {
  const { question, choices, answer, hint, image, grade, subject } = problem;
  return {
    id,
    group: id,
    expected: choices[answer],
    question,
    options: choices,
    right: answer,
    hint,
    picture: image === null ? undefined : joinPath(folder, id, image),
    subject,
    context: image !== null ? "picture" : hint !== "" ? "text" : "none",
    grades: Number(grade.replace(/\D/g, "")) <= 6 ? "grades 1–6" : "grades 7–12",
  };
}
