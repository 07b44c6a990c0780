import { readFileSync } from "node:fs";
import { Command } from "commander";
import { addAssemble } from "./assemble.ts";
import { addChat } from "./chat.ts";
import { addConvert } from "./convert.ts";
import { addData } from "./data.ts";
import { addEval } from "./eval.ts";
import { addExport } from "./export.ts";
import { exitCodeOf, reportFailure } from "./failure.ts";
import { acceptFormerOptions } from "./former-options.ts";
import { addInspect } from "./inspect.ts";
import { addMerge } from "./merge.ts";
import { addProbe } from "./probe.ts";
import { addPull } from "./pull.ts";
import { addPush } from "./push.ts";
import { addRecipe } from "./recipe.ts";
import { addServe } from "./serve.ts";
import { addTokenizer } from "./tokenizer.ts";
import { addTrain } from "./train.ts";
import { addWatch } from "./watch.ts";

const manifest = new URL("../../package.json", import.meta.url);

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  return version;
}

export function newProgram(): Command {
  const program = new Command("owl")
    .description("mPLUG-Owl: train, run, serve and evaluate a vision-language model")
    .version(packageVersion())
    .showHelpAfterError("(--help shows what there is)")
    .addHelpText(
      "after",
      `
From model to answers:
  owl pull org/name                         fetch a published model
  owl assemble --vision … --language …      or make one from a CLIP and a language model
  owl recipe show stage-2 > mine.yaml       a published training recipe, with the reason for each number
  owl tokenizer rows.jsonl --out DIR        a tokenizer, for a model from nothing
  owl data check mine.yaml                  what is in the data and what is wrong with it, before a run
  owl train mine.yaml                       train from a recipe; --resume continues a stopped run
  owl watch runs/mine                       its curves and sample answers in a page, also while it trains
  owl merge org/name --adapter DIR --out …  merge an adapter into its model
  owl convert runs/mine/model --out small   quantise: less memory, faster answers
  owl push runs/mine org/mine               share it on the hub, with a model card made from the run
  owl export runs/mine/model --format …     for other programs: transformers.js, llama.cpp
  owl inspect runs/mine/model               list its parameters, and which of them a stage trains
  owl chat runs/mine/model --image cat.jpg  ask it
  owl serve runs/mine/model                 serve it over OpenAI's protocol
  owl eval run owleval --model …            evaluate it as the paper does

Exit codes: 0 done, 1 failed (the text says why), 2 wrong usage, 130 interrupted.
OWL_DEBUG=1 adds the stack to an error's text.`,
    )
    .exitOverride();
  addChat(program);
  addServe(program);
  addPull(program);
  addPush(program);
  addData(program);
  addTrain(program);
  addWatch(program);
  addAssemble(program);
  addRecipe(program);
  addTokenizer(program);
  addInspect(program);
  addMerge(program);
  addConvert(program);
  addExport(program);
  addProbe(program);
  addEval(program);
  acceptFormerOptions(program);
  return program;
}

/**
 * Runs the command line and returns its exit code.
 *
 * @param words what stands behind `owl`
 */
export async function runCli(words: readonly string[]): Promise<number> {
  try {
    await newProgram().parseAsync(words, { from: "user" });
    return 0;
  } catch (error) {
    reportFailure(error);
    return exitCodeOf(error);
  }
}
