import { fork } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readSafetensors } from "../src/checkpoint/index.ts";
import { openDevice } from "../src/runtime/index.ts";
import type { TrainingEvent } from "../src/training/index.ts";
import { runAblation, seededRunOf, unmeasured, writeAblation } from "./ablation/ablate.ts";
import { ABLATION_STEPS, idOf } from "./ablation/runs.ts";
import { COLORS } from "./concepts/colors.ts";
import { indefinite } from "./concepts/nouns.ts";
import { answererOf } from "./evaluation/answering.ts";
import { answererFromNotes } from "./evaluation/answering-notes.ts";
import {
  DOCS,
  makeQuestionFiles,
  measureAnswerer,
  measureDirectory,
  measureSet,
  recordShipped,
  SHIPPED,
  writeCard,
  writeReadme,
} from "./evaluation/commands.ts";
import { makeQuestions, SPLITS, type Split } from "./evaluation/question-set.ts";
import { type SingleThing, singleThings } from "./evaluation/single-things.ts";
import { visionAccuracy } from "./evaluation/vision-accuracy.ts";
import { validationSupply } from "./pictures/supplies.ts";
import { OWL_NANO, RECIPES, type StageName, TOKENIZER_TEXTS, VISION_SIZE } from "./recipes.ts";
import { saveModel, trainStage, weightsAfter } from "./training/pipeline.ts";
import {
  type Plan,
  planTokenizer,
  type StageOptions,
  shippedTokenizer,
  stageDirectory,
  trainedIn,
  visionConfig,
} from "./training/plan.ts";
import { loadMaterial } from "./training/sources.ts";
import { NOTED_STAGES, type NotedStage, perfectNotes } from "./training/text-sources.ts";
import { wordTokens } from "./training/tokenizer.ts";

/** Where all stages, logs and figures are kept. */
const DIRECTORY = fileURLToPath(new URL("../runs/owl-nano", import.meta.url));
const USAGE = `npm run owl-nano [-- --stage NAME] [-- --evaluate NAME] [-- --threads N]

Trains owl-nano from nothing: language, vision, layout, comparing, answers, phrasing, documents, counting, reading,
stage 1 and stage 2, then writes models/owl-nano and the
figures on the held-out pictures. Every stage goes on from where it was stopped (runs/owl-nano).

  --stage NAME     only this stage: language, vision, layout, comparing, answers, phrasing, documents, counting, reading,
                   align (stage 1), instruct (stage 2)
  --evaluate NAME  only measure: a stage (language and those up to counting, vision, align, instruct), or a model on "validation", on which choices are
                   made, or, when all are made, on "test" (owleval-nano)
  --model PATH     the model that is measured on validation or test (models/owl-nano)
  --out PATH       where its figures, answers and table go (runs/owl-nano/measured)
  --questions      only make owl-nano/owleval-nano anew from its seeds
  --record         only record what the shipped model reaches on the fixed sample of the tests
  --save           only write and measure the finished model
  --ablation       after all stages: the paper's ablation, from their vision and layout stages; when all of its runs are
                   measured it writes ablation.md and its chart in docs/
  --seeds N        of each run of the ablation (2; at most 3)
  --steps N        of stage 2 in the ablation (400)
  --run NAME       only this run of the ablation, such as A-1: run A with the first seed
  --threads N      threads of this process`;

async function openPlan(): Promise<Plan> {
  const material = await loadMaterial();
  return {
    config: OWL_NANO,
    recipes: RECIPES,
    material,
    tokenizerTexts: TOKENIZER_TEXTS,
    visionSize: VISION_SIZE,
    directory: DIRECTORY,
  };
}

/** A line every fifty steps. */
function print(event: TrainingEvent): void {
  if (event.kind === "step" && event.step % 50 === 0) {
    const left = `${Math.floor(event.secondsLeft / 60)} min ${Math.round(event.secondsLeft % 60)} s left`;
    const figures = `loss ${event.loss.toFixed(3)}  gradient ${event.gradientNorm.toFixed(2)}  ${Math.round(event.tokensPerSecond)} tokens/s`;
    console.log(`step ${event.step}/${event.steps}  ${figures}  ${left}`);
  } else if (event.kind !== "step") console.log(JSON.stringify(event));
}

/** Trains until it is done or this process is told to stop. */
function stageOptions(threads: string | undefined): StageOptions {
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  process.once("SIGTERM", () => stop.abort());
  const options = { signal: stop.signal, onEvent: print };
  return threads === undefined ? options : { ...options, threads: Number(threads) };
}

/** Pictures that stages are measured on which cannot be asked yet. */
const PICTURES = 600;

function validationThings(plan: Plan, size: number): SingleThing[] {
  return singleThings(validationSupply(plan.material.drawings), PICTURES, size);
}

function tell(what: string, right: number, of: number): void {
  console.log(
    `${what}: ${((100 * right) / of).toFixed(1)} % of ${of} pictures of training's drawings, turned and bent`,
  );
}

async function evaluateVision(plan: Plan): Promise<void> {
  const weights = await readSafetensors(join(stageDirectory(plan, "vision"), "state", "model.safetensors"));
  const items = validationThings(plan, plan.visionSize);
  const device = await openDevice();
  const { right, of } = await visionAccuracy(
    visionConfig(plan),
    weights,
    plan.material.concepts.length,
    items,
    device,
  );
  tell("named by stage V's own head", right, of);
}

/** After stage 1 the owl cannot be asked yet: its captions are counted. */
async function evaluateCaptions(plan: Plan): Promise<void> {
  const weights = await weightsAfter(plan, "align");
  const owl = answererOf(plan.config, weights, shippedTokenizer(plan), await openDevice());
  const items = validationThings(plan, plan.config.vision.imageSize);
  const captions = await owl.caption(items.map(({ picture }) => picture));
  await owl.close();
  const says = (words: (item: SingleThing) => string): number =>
    items.filter((item, i) => captions[i].includes(words(item))).length;
  tell(
    "captions with the name",
    says(({ concept }) => indefinite(concept)),
    items.length,
  );
  tell(
    "captions with the background",
    says(({ background }) => `${COLORS[background].name} background`),
    items.length,
  );
}

/** What the language model answers about pictures of which it has perfect notes: no stage after it makes this better. */
async function evaluateLanguage(plan: Plan, stage: NotedStage): Promise<void> {
  const set = makeQuestions(plan.material.drawings, "validation");
  const { answer, close } = answererFromNotes({
    config: plan.config,
    weights: await trainedIn(plan, stage),
    tokenizer: shippedTokenizer(plan),
    device: await openDevice(),
    wordToken: wordTokens(planTokenizer(plan)),
    scenes: set.scenes,
    notesOf: perfectNotes(plan.material, stage),
  });
  await measureSet(set, answer, join(DIRECTORY, "measured", "notes"));
  await close();
}

/** Measures the trained weights, before they are written as the model that ships. */
async function evaluateOwl(plan: Plan, split: Split): Promise<void> {
  const device = await openDevice();
  const owl = answererOf(plan.config, await weightsAfter(plan, "instruct"), shippedTokenizer(plan), device);
  await measureAnswerer(owl.answer, { drawings: plan.material.drawings, split, out: measuredIn(split) });
  await owl.close();
}

/** Where figures go if nothing is said. */
function measuredIn(split: Split): string {
  return join(DIRECTORY, "measured", split);
}

/** A stage or run in a process of its own, which gives back all its memory. */
function exitOf(name: string, args: readonly string[]): Promise<number> {
  const started = fork(fileURLToPath(import.meta.url), args, { stdio: "pipe" });
  const relay = (chunk: Buffer): void => {
    for (const line of chunk.toString().split("\n")) if (line !== "") console.log(`${name}: ${line}`);
  };
  started.stdout?.on("data", relay);
  started.stderr?.on("data", relay);
  return new Promise((resolve) => started.once("exit", (code) => resolve(code ?? 1)));
}

/** The model directory with its card, which holds the figures. */
async function writeModel(plan: Plan): Promise<void> {
  await saveModel(plan, SHIPPED);
  const { drawings } = plan.material;
  const measured = await measureDirectory(SHIPPED, { drawings, split: "test", out: measuredIn("test") });
  await writeCard({ config: plan.config, weights: "float16", drawings, runs: plan.directory, measured });
  writeReadme(measured);
  await recordShipped();
}

async function everything(): Promise<void> {
  const began = performance.now();
  const plan = await openPlan();
  planTokenizer(plan);
  for (const stage of Object.keys(RECIPES)) {
    if ((await exitOf(stage, ["--stage", stage])) !== 0)
      throw new Error(`owl-nano: stage ${stage} must end well, and did not; its messages are above`);
  }
  await writeModel(plan);
  console.log(
    `owl-nano: trained and measured in ${((performance.now() - began) / 60_000).toFixed(0)} minutes`,
  );
}

/** A whole number from 1 on. */
function countOf(option: string, text: string | undefined, usual: number, most = Infinity): number {
  const count = Number(text ?? usual);
  if (Number.isInteger(count) && count >= 1 && count <= most) return count;
  const range = most === Infinity ? "at least 1" : `1 to ${most}`;
  throw new Error(`owl-nano: --${option} must be a whole number, ${range}, got ${text}`);
}

/** All runs of the ablation that are not measured yet, one after the other, and the document about them. */
async function ablation(seeds: number, steps: number, threads: string | undefined): Promise<void> {
  for (const seeded of unmeasured(DIRECTORY, seeds, steps)) {
    const id = idOf(seeded);
    const args = [
      "--run",
      id,
      "--steps",
      `${steps}`,
      ...(threads === undefined ? [] : ["--threads", threads]),
    ];
    if ((await exitOf(id, args)) !== 0)
      throw new Error(`owl-nano: run ${id} must end well, and did not; its messages are above`);
  }
  writeAblation(DIRECTORY, DOCS, seeds, steps);
}

function isStage(name: string): name is StageName {
  return Object.hasOwn(RECIPES, name);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      stage: { type: "string" },
      evaluate: { type: "string" },
      threads: { type: "string" },
      model: { type: "string" },
      out: { type: "string" },
      questions: { type: "boolean" },
      record: { type: "boolean" },
      save: { type: "boolean" },
      ablation: { type: "boolean" },
      seeds: { type: "string" },
      steps: { type: "string" },
      run: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return console.log(USAGE);
  if (values.save) return writeModel(await openPlan());
  if (values.record) return recordShipped();
  if (values.questions) return makeQuestionFiles((await loadMaterial()).drawings);
  const split = SPLITS.find((one) => one === values.evaluate);
  if (split !== undefined) {
    const { drawings } = await loadMaterial();
    const options = { drawings, split, out: values.out ?? measuredIn(split) };
    return void (await measureDirectory(values.model ?? SHIPPED, options));
  }
  const noted = NOTED_STAGES.find((stage) => stage === values.evaluate);
  if (noted !== undefined) return evaluateLanguage(await openPlan(), noted);
  if (values.evaluate === "vision") return evaluateVision(await openPlan());
  if (values.evaluate === "align") return evaluateCaptions(await openPlan());
  if (values.evaluate === "instruct") return evaluateOwl(await openPlan(), "validation");
  const steps = countOf("steps", values.steps, ABLATION_STEPS.instruct);
  if (values.ablation) return ablation(countOf("seeds", values.seeds, 2, 3), steps, values.threads);
  if (values.run !== undefined)
    return reportEnd(
      await runAblation(await openPlan(), seededRunOf(values.run, steps), stageOptions(values.threads)),
    );
  if (values.stage === undefined) return everything();
  if (!isStage(values.stage))
    throw new Error(
      `owl-nano: --stage must be one of ${Object.keys(RECIPES).join(", ")}, got ${values.stage}`,
    );
  const { complete } = await trainStage(await openPlan(), values.stage, stageOptions(values.threads));
  reportEnd(complete);
}

/** Whoever stopped a training knows it by the exit status. */
function reportEnd(complete: boolean): void {
  if (!complete) process.exitCode = 130;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
