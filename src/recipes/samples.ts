import { startDirectory } from "../checkpoint/index.ts";
import type { BatchSizes } from "../data/index.ts";
import { checkImage, ImageError } from "../image/index.ts";
import { LoadedModel } from "../inference/index.ts";
import { type AttentionMaps, meanOverHeads } from "../inspection/index.ts";
import { modelScope } from "../model/index.ts";
import { type ChatMessage, Owl } from "../owl/index.ts";
import {
  joinPath,
  makeDirectory,
  newDigest,
  pathKind,
  readBytes,
  writeFileAtomically,
} from "../platform/index.ts";
import type { Device } from "../runtime/index.ts";
import { loadTokenizer } from "../tokenizer/index.ts";
import {
  type SampleAnswer,
  type SampleAttention,
  type Sampling,
  scopeOptions,
  type Trainer,
} from "../training/index.ts";
import type { BaseModel } from "./base-model.ts";
import { RecipeError, type RunPlan, type SampleQuestion } from "./recipe-file.ts";

/** In the directory of a run: the pictures of the fixed questions. */
export const samplesDirectory = "samples";

/** New tokens of an answer at most. */
const longestAnswer = 64;

/** Fixed questions that can be asked until they are closed. */
export interface OpenedSampling extends Sampling {
  close(): Promise<void>;
}

/**
 * Refuses questions that cannot be asked: of pictures that cannot be read, and of a model that is not in memory as programs need it
 * that answer.
 *
 * @throws RecipeError
 */
export async function requireAskable(
  path: string,
  { samples = [] }: RunPlan,
  { narrow, config }: BaseModel,
): Promise<void> {
  const problems: string[] = [];
  if (config.textOnly && samples.some(({ image }) => image.length > 0)) {
    problems.push("samples: must show no picture to a language model alone, got one; leave `image` out");
  }
  if (samples.length > 0 && narrow.size > 0) {
    problems.push(
      "samples: need weights in single precision, got a base model that stays in fewer bytes (it is quantised, or recompute keeps it as it is stored); leave samples out",
    );
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
 * later, and reads them. The model answers greedily with the weights of training, which programs read where they lie.
 *
 * @param trainer whose run has begun: `start/` holds the tokenizer
 * @returns undefined where the recipe has no questions; every process gets it, the first one alone can answer
 * @throws what reading a picture throws; a RangeError where a question does not fit the model
 */
export async function openSampling(
  plan: RunPlan,
  baseModel: BaseModel,
  trainer: Trainer<BatchSizes>,
  device: Device,
): Promise<OpenedSampling | undefined> {
  const { samples = [], sampleEvery, recipe } = plan;
  if (samples.length === 0) return undefined;
  const { communicator } = trainer;
  const asking = await communicator.agree(() =>
    communicator.rank === 0 ? openAsking(plan, baseModel, trainer, device) : undefined,
  );
  const { answer = answeredElsewhere, close = () => Promise.resolve() } = asking ?? {};
  return { every: sampleEvery ?? recipe.evaluateEvery, answer, close };
}

const answeredElsewhere: Sampling["answer"] = () =>
  Promise.reject(new Error("samples: are answered by the first process alone"));

async function openAsking(
  { samples = [], recipe, output }: RunPlan,
  { config, checkpoint, preprocessor }: BaseModel,
  trainer: Trainer<BatchSizes>,
  device: Device,
): Promise<Pick<OpenedSampling, "answer" | "close">> {
  const model = new LoadedModel(config, new Map(trainer.values), device, {
    newScope: () => modelScope(config, scopeOptions(recipe)),
    changes: true,
  });
  const settings = joinPath(output, startDirectory);
  const owl = Owl.over({
    directory: settings,
    model,
    tokenizer: await loadTokenizer(settings),
    preprocessor,
    generationConfig: checkpoint?.generationConfig,
    framesPerVideo: recipe.framesPerVideo,
  });
  const asked: Asked[] = [];
  for (const sample of samples) asked.push(await preparedQuestion(sample, output));
  // A question that is too long is told before the first step.
  for (const { messages } of asked) await owl.prompt(messages, { maxNewTokens: longestAnswer });
  return {
    answer: async () => {
      // The abstractor may have learned: what it made of a picture before is of no use.
      model.visualCache.clear();
      return answersOf(owl, asked);
    },
    close: () => owl.close(),
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
  for (const [i, { question, pictures, paths }] of asked.entries()) {
    const attention: SampleAttention[] = [];
    for (const path of paths) attention.push(allAttention(await owl.attention(path)));
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
