import type { Command } from "commander";
import { readSafetensors, writeSafetensors } from "../checkpoint/index.ts";
import { probeModel } from "../inspection/index.ts";
import { UsageError } from "./failure.ts";
import { adapterOption, type LoadingOptions, loadOwl } from "./load-owl.ts";
import { deviceOption, requireModel } from "./options.ts";
import { type StageName, stageOf, stageOption } from "./stage-option.ts";

interface ProbeModelOptions extends LoadingOptions {
  readonly inputs: string;
  readonly outputs: string;
  readonly prefix?: string;
  readonly stage?: StageName;
  readonly generate?: string;
}

/** The settings of `--generate`. */
export function generateSettings(text: string): object {
  let settings: unknown;
  try {
    settings = JSON.parse(text);
  } catch (error) {
    throw new UsageError(
      `--generate: must be a JSON object such as {"max_new_tokens": 8}, got ${text} (${error})`,
    );
  }
  if (typeof settings === "object" && settings !== null && !Array.isArray(settings)) return settings;
  throw new UsageError(`--generate: must be a JSON object such as {"max_new_tokens": 8}, got ${text}`);
}

async function run(model: string, options: ProbeModelOptions): Promise<void> {
  const { prefix } = options;
  const stage = options.stage === undefined ? undefined : stageOf(options.stage);
  const directory = await requireModel(model);
  const generate = options.generate === undefined ? undefined : generateSettings(options.generate);
  const inputs = await readSafetensors(options.inputs);
  const owl = await loadOwl(directory, options);
  try {
    await writeSafetensors(options.outputs, await probeModel(owl, inputs, { prefix, stage, generate }));
  } finally {
    await owl.close();
  }
}

/** `owl probe model`: hidden states, logits, loss, gradients and new tokens for given inputs. */
export function define(command: Command): void {
  command
    .argument("<model>", "a model directory; no tokenizer is needed")
    .requiredOption(
      "--inputs <file>",
      "safetensors file with input_ids, and with pixel_values, num_images and masks if there are any",
    )
    .requiredOption("--outputs <file>", "safetensors file to write")
    .option("--prefix <text>", "prefix of the inputs' names, such as c_two_images.in.")
    .addOption(stageOption("also write grad.<name>, the gradient of every parameter that this stage trains"))
    .addOption(adapterOption())
    .option(
      "--generate <json>",
      'also write ids: tokens generated with these settings, such as {"max_new_tokens": 8}',
    )
    .addOption(deviceOption())
    .action(run);
}
