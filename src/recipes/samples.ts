import { checkImage, ImageError } from "../image/index.ts";
import { type AttentionMaps, meanOverHeads } from "../inspection/index.ts";
import type { ChatMessage, Owl } from "../owl/index.ts";
import {
  joinPath,
  makeDirectory,
  newDigest,
  pathKind,
  readBytes,
  writeFileAtomically,
} from "../platform/index.ts";
import type { SampleAnswer, SampleAttention, Sampling } from "../training/index.ts";
import type { BaseModel } from "./base-model.ts";
import { notAskable, type OwlInTraining } from "./owl-in-training.ts";
import { RecipeError, type RunPlan, type SampleQuestion } from "./recipe-file.ts";

/** In the directory of a run: the pictures of the fixed questions. */
export const samplesDirectory = "samples";

/** New tokens of an answer at most. */
const longestAnswer = 64;

/**
 * Refuses questions that cannot be asked, benchmarks' included: of pictures that cannot be read, and of a model that is not in memory
 * as programs need it that answer.
 *
 * @throws RecipeError
 */
export async function requireAskable(
  path: string,
  { samples = [], benchmarks = [] }: RunPlan,
  baseModel: BaseModel,
): Promise<void> {
  const problems: string[] = [];
  if (baseModel.config.textOnly && samples.some(({ image }) => image.length > 0)) {
    problems.push("samples: must show no picture to a language model alone, got one; leave `image` out");
  }
  const problem = notAskable(baseModel);
  for (const [key, all] of Object.entries({ samples, benchmarks })) {
    if (all.length > 0 && problem !== undefined) problems.push(`${key}: ${problem}`);
  }
  for (const file of new Set(samples.flatMap(({ image }) => image))) {
    await checkImage(file, { whole: true }).catch((error: unknown) => {
      if (!(error instanceof ImageError)) throw error;
      problems.push(`samples: ${error.message}`);
    });
  }
  if (problems.length > 0) throw new RecipeError(path, problems);
}

/**
 * Prepares the recipe's fixed questions: copies their pictures into the run's directory, so that they can be shown beside the answers
 * later, and reads them. The model answers greedily.
 *
 * @param opened undefined in other processes than the first one, which alone is asked
 * @returns undefined where the recipe has no questions
 * @throws what reading a picture throws; a RangeError where a question does not fit the model
 */
export async function openSampling(
  { samples = [], sampleEvery, recipe, output }: RunPlan,
  opened: OwlInTraining | undefined,
): Promise<Sampling | undefined> {
  if (samples.length === 0) return undefined;
  const asked: Asked[] = [];
  if (opened !== undefined) {
    for (const sample of samples) asked.push(await preparedQuestion(sample, output));
    // A question that is too long is told before the first step.
    for (const { messages } of asked) await opened.owl.prompt(messages, { maxNewTokens: longestAnswer });
  }
  return {
    every: sampleEvery ?? recipe.evaluateEvery,
    answer: async () => {
      if (opened === undefined) throw new Error("samples: are answered by the first process alone");
      opened.forget();
      return answersOf(opened.owl, asked);
    },
  };
}

/** A question with its pictures in the run's directory. */
interface Asked {
  readonly question: string;
  /** Relative to the run's directory. */
  readonly pictures: readonly string[];
  readonly paths: readonly string[];
  readonly messages: readonly ChatMessage[];
}

async function preparedQuestion({ image, question }: SampleQuestion, output: string): Promise<Asked> {
  const pictures: string[] = [];
  for (const path of image) pictures.push(await copied(path, output));
  const paths = pictures.map((picture) => joinPath(output, picture));
  const media = paths.map((path) => ({ type: "image" as const, image: path }));
  const messages: ChatMessage[] = [{ role: "user", content: [...media, { type: "text", text: question }] }];
  return { question, pictures, paths, messages };
}

/** Copies a picture into the run's directory under a name by its content; returns its path there. */
async function copied(path: string, output: string): Promise<string> {
  const bytes = await readBytes(path);
  const digest = newDigest("sha256");
  digest.update(bytes);
  const extension = /\.\w{1,5}$/.exec(path)?.[0].toLowerCase() ?? "";
  const name = joinPath(samplesDirectory, `${digest.hex().slice(0, 16)}${extension}`);
  const target = joinPath(output, name);
  if ((await pathKind(target)) === "file") return name;
  await makeDirectory(joinPath(output, samplesDirectory));
  await writeFileAtomically(target, bytes);
  return name;
}

async function answersOf(owl: Owl, asked: readonly Asked[]): Promise<SampleAnswer[]> {
  const conversations = asked.map(({ messages }) => messages);
  const greedy = { doSample: false, numBeams: 1, maxNewTokens: longestAnswer };
  const answers = await owl.chatAll(conversations, greedy);
  const told: SampleAnswer[] = [];
  // A model without an abstractor has no maps of it.
  const hasMaps = owl.config.projector === undefined;
  for (const [i, { question, pictures, paths }] of asked.entries()) {
    const attention: SampleAttention[] = [];
    for (const path of hasMaps ? paths : []) attention.push(allAttention(await owl.attention(path)));
    const { text, finishReason } = answers[i];
    told.push({ question, pictures, answer: text, isCut: finishReason === "length", attention });
  }
  return told;
}

/** The attention of all layers, heads and visual tokens on each patch, relative to the patch with the most. */
function allAttention(maps: AttentionMaps): SampleAttention {
  const { rows, columns, framing } = maps;
  const shares = new Array<number>(rows * columns).fill(0);
  for (const layer of meanOverHeads(maps)) {
    for (const map of layer) for (const [patch, share] of map.entries()) shares[patch] += share;
  }
  const most = Math.max(...shares) || 1;
  return { rows, columns, framing, shares: shares.map((share) => Number((share / most).toFixed(2))) };
}
