import { fork } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { readSafetensors } from "../src/checkpoint/index.ts";
import { openDevice } from "../src/runtime/index.ts";
import type { TrainingEvent } from "../src/training/index.ts";
import { COLORS } from "./concepts/colors.ts";
import { indefinite } from "./concepts/nouns.ts";
import { answererOf } from "./evaluation/answering.ts";
import {
  makeQuestionFiles,
  measureAnswerer,
  measureDirectory,
  recordShipped,
  SHIPPED,
  writeCard,
} from "./evaluation/commands.ts";
import { SPLITS, type Split } from "./evaluation/question-set.ts";
import { type SingleThing, singleThings } from "./evaluation/single-things.ts";
import { visionAccuracy } from "./evaluation/vision-accuracy.ts";
import { validationSupply } from "./pictures/supplies.ts";
import { OWL_NANO, RECIPES, type StageName, TOKENIZER_TEXTS, VISION_SIZE } from "./recipes.ts";
import { saveModel, trainStage, weightsAfter } from "./training/pipeline.ts";
import { type Plan, planTokenizer, shippedTokenizer, stageDirectory, visionConfig } from "./training/plan.ts";
import { loadMaterial } from "./training/sources.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const USAGE = `npm run owl-nano [-- --stage NAME] [-- --evaluate NAME] [-- --threads N]

Trains owl-nano from nothing: language, vision, layout, reading, stage 1 and stage 2, then writes models/owl-nano and the
figures on the held-out pictures. Every stage goes on from where it was stopped (runs/owl-nano).

  --stage NAME     only this stage: language, vision, layout, reading, align (stage 1), instruct (stage 2)
  --evaluate NAME  only measure: a stage (vision, align, instruct), or a model on "validation", on which choices are
                   made, or, when all are made, on "test" (owleval-nano)
  --model PATH     the model that is measured on validation or test (models/owl-nano)
  --out PATH       where its figures, answers and table go (runs/owl-nano/measured)
  --questions      only make owl-nano/owleval-nano anew from its seeds
  --record         only record what the shipped model reaches on the fixed sample of the tests
  --save           only write and measure the finished model
  --threads N      threads of this process`;

async function openPlan(): Promise<Plan> {
  const directory = join(ROOT, "runs", "owl-nano");
  const material = await loadMaterial();
  return {
    config: OWL_NANO,
    recipes: RECIPES,
    material,
    tokenizerTexts: TOKENIZER_TEXTS,
    visionSize: VISION_SIZE,
    directory,
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

async function runStage(stage: StageName, threads: number | undefined): Promise<boolean> {
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  process.once("SIGTERM", () => stop.abort());
  const plan = await openPlan();
  const options = { signal: stop.signal, onEvent: print };
  const { complete } = await trainStage(
    plan,
    stage,
    threads === undefined ? options : { ...options, threads },
  );
  return complete;
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

/** Measures the trained weights, before they are written as the model that ships. */
async function evaluateOwl(plan: Plan, split: Split): Promise<void> {
  const device = await openDevice();
  const owl = answererOf(plan.config, await weightsAfter(plan, "instruct"), shippedTokenizer(plan), device);
  await measureAnswerer(owl.answer, { drawings: plan.material.drawings, split, out: measuredIn(split) });
  await owl.close();
}

/** Where figures go if nothing is said. */
function measuredIn(split: Split): string {
  return join(ROOT, "runs", "owl-nano", "measured", split);
}

/** A stage in a process of its own, which gives back all its memory. */
function exitOf(stage: string): Promise<number> {
  const started = fork(fileURLToPath(import.meta.url), ["--stage", stage], { stdio: "pipe" });
  const relay = (chunk: Buffer): void => {
    for (const line of chunk.toString().split("\n")) if (line !== "") console.log(`${stage}: ${line}`);
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
  await recordShipped();
}

async function everything(): Promise<void> {
  const began = performance.now();
  const plan = await openPlan();
  planTokenizer(plan);
  for (const stage of Object.keys(RECIPES)) {
    if ((await exitOf(stage)) !== 0)
      throw new Error(`owl-nano: stage ${stage} must end well, and did not; its messages are above`);
  }
  await writeModel(plan);
  console.log(
    `owl-nano: trained and measured in ${((performance.now() - began) / 60_000).toFixed(0)} minutes`,
  );
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
  if (values.evaluate === "vision") return evaluateVision(await openPlan());
  if (values.evaluate === "align") return evaluateCaptions(await openPlan());
  if (values.evaluate === "instruct") return evaluateOwl(await openPlan(), "validation");
  if (values.stage === undefined) return everything();
  if (!isStage(values.stage))
    throw new Error(
      `owl-nano: --stage must be one of ${Object.keys(RECIPES).join(", ")}, got ${values.stage}`,
    );
  const complete = await runStage(
    values.stage,
    values.threads === undefined ? undefined : Number(values.threads),
  );
  if (!complete) process.exitCode = 130;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
