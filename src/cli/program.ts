import { readFileSync } from "node:fs";
import { Command } from "commander";
import { addAssemble } from "./assemble.ts";
import { addChat } from "./chat.ts";
import { addConvert } from "./convert.ts";
import { addEval } from "./eval.ts";
import { exitCodeOf, reportFailure } from "./failure.ts";
import { addInspect } from "./inspect.ts";
import { addMerge } from "./merge.ts";
import { addProbe } from "./probe.ts";
import { addPull } from "./pull.ts";
import { addRecipe } from "./recipe.ts";
import { addServe } from "./serve.ts";
import { addTokenizer } from "./tokenizer.ts";
import { addTrain } from "./train.ts";

const manifest = new URL("../../package.json", import.meta.url);

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  return version;
}

function newProgram(): Command {
  const program = new Command("owl")
    .description("mPLUG-Owl: train, ask and examine a vision-language model")
    .version(packageVersion())
    .showHelpAfterError("(--help shows what there is)")
    .addHelpText(
      "after",
      `
The way of a model:
  owl pull org/name                         fetch a published one
  owl assemble --vision … --language …      or make one of a CLIP and a language model
  owl recipe stage-2                        the numbers of a published run, each with its reason
  owl tokenizer rows.jsonl --out DIR        a tokenizer, for a model from nothing
  owl train mine.yaml                       learn from a recipe; --resume goes on where it stopped
  owl merge org/name --adapter DIR --out …  an adapter worked into its model
  owl convert runs/mine/model --out small   fewer bits a weight: less memory, faster
  owl inspect runs/mine/model               which parameters there are, and which a stage trains
  owl chat runs/mine/model --image cat.jpg  ask it
  owl serve runs/mine/model                 let others ask it, over OpenAI's protocol
  owl eval run owleval --model …            examine it as the paper does

Exit codes: 0 done, 1 could not be done (the text says why), 2 asked in a wrong way, 130 interrupted.
OWL_DEBUG=1 adds the stack to an error's text.`,
    )
    .exitOverride();
  addChat(program);
  addServe(program);
  addPull(program);
  addTrain(program);
  addAssemble(program);
  addRecipe(program);
  addTokenizer(program);
  addInspect(program);
  addMerge(program);
  addConvert(program);
  addProbe(program);
  addEval(program);
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
