import { readFileSync } from "node:fs";
import { Command } from "commander";
import type { CommandRow } from "./command-row.ts";
import { commands } from "./commands.ts";
import { exitCodeOf, reportFailure } from "./failure.ts";
import { acceptFormerOptions } from "./former-options.ts";

const manifest = new URL("../../package.json", import.meta.url);

function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  return version;
}

/** Adds commands to their parent; the one that the words name is defined, too, and so on below it. */
async function addCommands(
  parent: Command,
  rows: readonly CommandRow[],
  [word, ...words]: readonly string[],
): Promise<void> {
  for (const { name, summary, load } of rows) {
    const command = parent.command(name).description(summary);
    if (name !== word) continue;
    const { define, commands = [] } = await load();
    define(command);
    acceptFormerOptions(command);
    await addCommands(command, commands, words);
  }
}

/**
 * `owl` with all of its commands, of which those are defined that words name.
 *
 * @param words what stands behind `owl`
 */
export async function newProgram(words: readonly string[]): Promise<Command> {
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
    // A command that is not defined has no arguments to show.
    .configureHelp({ subcommandTerm: (command) => command.name() })
    .exitOverride();
  // Neither an option in front of a command nor `help` names one.
  const names = words.filter((word) => !word.startsWith("-") && word !== "help");
  await addCommands(program, commands, names);
  return program;
}

/**
 * Runs the command line and returns its exit code.
 *
 * @param words what stands behind `owl`
 */
export async function runCli(words: readonly string[]): Promise<number> {
  try {
    const program = await newProgram(words);
    await program.parseAsync(words, { from: "user" });
    return 0;
  } catch (error) {
    reportFailure(error);
    return exitCodeOf(error);
  }
}
