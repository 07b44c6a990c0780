import { z } from "zod";
import { fileName, joinPath, parentDirectory } from "../../platform/index.ts";
import { requireNoProblems } from "../error.ts";
import { readJsonl } from "../jsonl-log.ts";
import { popeAnswer, type YesNo, yesNoFigures } from "../metrics/yes-no.ts";
import type { Statistics } from "../statistics.ts";
import { type Benchmark, type BenchmarkItem, type ItemScore, withInstruction } from "./benchmark.ts";
import { figuresBy } from "./figures.ts";
import { dataFiles, folderWith } from "./files.ts";

const schema = z.object({
  question_id: z.int(),
  image: z.string(),
  text: z.string(),
  label: z.enum(["yes", "no"]),
});

interface PopeItem extends BenchmarkItem {
  readonly question: string;
  readonly picture: string;
  readonly label: "yes" | "no";
  readonly setting: string;
}

/** How the things that are not in the picture were chosen. */
const settings = /random|popular|adversarial/;

function figures(scores: readonly ItemScore[]): Statistics {
  const answers = scores.map(({ label, said }) => ({ truth: label as YesNo, said: said as YesNo }));
  const { f1, accuracy, precision, recall, yesRatio } = yesNoFigures(answers);
  return { F1: f1, accuracy, precision, recall, "answered with yes": yesRatio };
}

/** Li et al., Evaluating Object Hallucination in Large Vision-Language Models, 2023. */
export const pope: Benchmark<PopeItem> = {
  name: "pope",
  description: "POPE: whether things are in a picture that are, or only could be",
  files: "*pope_*.json, a question a line, one file or several; pictures in val2014/, images/ or beside them",
  instruction: "",
  settings: { maxNewTokens: 32 },

  async read(data) {
    const files = await dataFiles(data, /pope_.+\.jsonl?$/i, "*pope_*.json");
    const items = await Promise.all(files.map(readFile));
    return items.flat();
  },

  pictures: ({ picture }) => [picture],
  questions: ({ question }, instruction) => [withInstruction(question, instruction)],
  score: (items, answers) =>
    items.map(({ label, setting }, i) => {
      const said = popeAnswer(answers[i][0]);
      return { value: Number(said === label), label, said, setting };
    }),
  figures: (scores) => ({ ...figures(scores), ...figuresBy(scores, "setting", figures) }),
};

async function readFile(path: string): Promise<PopeItem[]> {
  const rows = await readJsonl(path, schema);
  requireNoProblems(path, "must hold questions", rows.length === 0 ? ["none"] : []);
  const setting = settings.exec(fileName(path))?.[0] ?? fileName(path);
  const folders = ["val2014", "images", "."].map((name) => joinPath(parentDirectory(path), name));
  const folder = await folderWith(rows[0].image, folders);
  return rows.map(({ question_id, image, text, label }) => ({
    id: `${setting}:${question_id}`,
    group: image,
    expected: label,
    question: text,
    picture: joinPath(folder, image),
    label,
    setting,
  }));
}
