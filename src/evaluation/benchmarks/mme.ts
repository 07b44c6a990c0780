import { directoryEntries, joinPath, pathKind, readText } from "../../platform/index.ts";
import { EvaluationError, requireNoProblems } from "../error.ts";
import { mmeAnswer } from "../metrics/yes-no.ts";
import type { Statistics } from "../statistics.ts";
import { type Benchmark, type BenchmarkItem, type ItemScore, withInstruction } from "./benchmark.ts";
import { figuresBy, meanOf } from "./figures.ts";

const parts = {
  perception: "existence count position color posters celebrity scene landmark artwork OCR",
  cognition: "commonsense_reasoning numerical_calculation text_translation code_reasoning",
};

/** A picture with its two questions, which only together count as understood. */
interface MmeItem extends BenchmarkItem {
  readonly task: string;
  readonly picture: string;
  readonly asked: readonly { readonly question: string; readonly answer: "yes" | "no" }[];
}

const picture = /\.(?:jpe?g|png)$/i;

/** Fu et al., MME: A Comprehensive Evaluation Benchmark for Multimodal Large Language Models, 2023. */
export const mme: Benchmark<MmeItem> = {
  name: "mme",
  description: "MME: two yes-or-no questions about each picture, of fourteen kinds",
  files:
    "a folder for each task; in it NAME.txt (question, tab, Yes or No, a line each) beside NAME.jpg, or these in questions_answers_YN/ and images/",
  // MME's own questions end with "Please answer yes or no."
  instruction: "",
  settings: { maxNewTokens: 16 },

  async read(data) {
    const known = new Set(Object.values(parts).flatMap((names) => names.split(" ")));
    const tasks = (await directoryEntries(data)).filter((name) => known.has(name));
    if (tasks.length === 0) {
      throw new EvaluationError(
        `${data}: must hold folders named like MME's tasks (${[...known].join(", ")}), got none`,
      );
    }
    return (await Promise.all(tasks.map((task) => readTask(data, task)))).flat();
  },

  pictures: (item) => [item.picture],
  questions: ({ asked }, instruction) => asked.map(({ question }) => withInstruction(question, instruction)),
  score: (items, answers) =>
    items.map(({ task, asked }, i) => {
      const said = answers[i].map(mmeAnswer);
      const right = asked.filter(({ answer }, k) => said[k] === answer).length;
      const unclear = said.filter((answer) => answer === "other").length / asked.length;
      return { value: right / asked.length, both: Number(right === asked.length), unclear, task };
    }),
  figures(scores) {
    const tasks = figuresBy(scores, "task", taskFigures);
    const total = (names: string): number =>
      names.split(" ").reduce((sum, task) => sum + (tasks[`score: ${task}`] ?? 0), 0);
    return {
      perception: total(parts.perception),
      cognition: total(parts.cognition),
      ...tasks,
      "answers that are neither yes nor no": meanOf(scores, "unclear"),
    };
  },
};

/** MME's score of a task: 100 · (right answers + pictures with both answers right), at most 200. */
function taskFigures(scores: readonly ItemScore[]): Statistics {
  const accuracy = meanOf(scores);
  const both = meanOf(scores, "both");
  return { score: 100 * (accuracy + both), accuracy, "accuracy+": both };
}

async function readTask(data: string, task: string): Promise<MmeItem[]> {
  const directory = joinPath(data, task);
  const sub = async (name: string): Promise<string> =>
    (await pathKind(joinPath(directory, name))) === "directory" ? joinPath(directory, name) : directory;
  const [questions, images] = [await sub("questions_answers_YN"), await sub("images")];
  const pictures = (await directoryEntries(images)).filter((name) => picture.test(name));
  const texts = (await directoryEntries(questions)).filter((name) => name.endsWith(".txt"));
  const problems = texts.length === 0 ? ["no .txt file"] : [];
  const items: MmeItem[] = [];
  for (const name of texts) {
    const stem = name.slice(0, -".txt".length);
    const image = pictures.find((one) => one.replace(picture, "") === stem);
    const read = readQuestions(await readText(joinPath(questions, name)));
    if (image === undefined) problems.push(`no picture for ${name}`);
    else if (typeof read === "string") problems.push(`${name}: ${read}`);
    else {
      const id = `${task}/${stem}`;
      const expected = read.map(({ answer }) => answer).join(" / ");
      items.push({ id, group: id, expected, task, picture: joinPath(images, image), asked: read });
    }
  }
  requireNoProblems(directory, "must hold pictures and two questions for each", problems);
  return items;
}

function readQuestions(text: string): MmeItem["asked"] | string {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  if (lines.length !== 2) return `${lines.length} questions instead of 2`;
  const asked = lines.flatMap((line) => {
    const [question, answer] = line.split("\t").map((part) => part.trim());
    const said = answer?.toLowerCase();
    return said === "yes" || said === "no" ? [{ question, answer: said } as const] : [];
  });
  return asked.length === 2 ? asked : "a line that is not a question, a tab, and Yes or No";
}
