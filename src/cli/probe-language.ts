import type { Command } from "commander";
import { readSafetensors, writeSafetensors } from "../checkpoint/index.ts";
import { probeLanguage } from "../inspection/index.ts";
import { type LoadingOptions, loadOwl } from "./load-owl.ts";
import { deviceOption, requireModel } from "./options.ts";
import { generateSettings } from "./probe-model.ts";

interface ProbeLanguageOptions extends LoadingOptions {
  readonly inputs: string;
  readonly outputs: string;
  readonly generate?: string;
}

async function run(model: string, options: ProbeLanguageOptions): Promise<void> {
  const directory = await requireModel(model);
  const generate = options.generate === undefined ? undefined : generateSettings(options.generate);
  const inputs = await readSafetensors(options.inputs);
  const owl = await loadOwl(directory, options);
  try {
    await writeSafetensors(options.outputs, await probeLanguage(owl, inputs, generate));
  } finally {
    await owl.close();
  }
}

/** `owl probe language`: logits of ids, or the tokens that follow them. */
export function define(command: Command): void {
  command
    .argument("<model>", "a directory of a language model, or of a whole model; no tokenizer is needed")
    .requiredOption("--inputs <file>", "safetensors file with input_ids [rows, tokens]")
    .requiredOption("--outputs <file>", "safetensors file to write logits to, or ids")
    .option(
      "--generate <json>",
      'write ids in place of logits: tokens generated with these settings, such as {"max_new_tokens": 8}',
    )
    .addOption(deviceOption())
    .action(run);
}
