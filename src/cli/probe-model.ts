import type { Command } from "commander";
import { readSafetensors, writeSafetensors } from "../checkpoint/index.ts";
import { Owl, probeModel } from "../generation/index.ts";
import { UsageError } from "./failure.ts";
import {
  type DeviceName,
  deviceOption,
  requireAdapter,
  requireModel,
  type StageName,
  stageOption,
} from "./options.ts";

interface ProbeModelOptions {
  readonly inputs: string;
  readonly outputs: string;
  readonly prefix?: string;
  readonly stage?: StageName;
  readonly adapter?: string;
  readonly generate?: string;
  readonly device: DeviceName;
}

function generateSettings(text: string): object {
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
  const { device, prefix, stage } = options;
  const directory = await requireModel(model);
  const adapter = await requireAdapter(options.adapter);
  const generate = options.generate === undefined ? undefined : generateSettings(options.generate);
  const inputs = await readSafetensors(options.inputs);
  const owl = await Owl.load(directory, { device, adapter });
  try {
    await writeSafetensors(options.outputs, await probeModel(owl, inputs, { prefix, stage, generate }));
  } finally {
    await owl.close();
  }
}

/** `owl probe model`: hidden states, logits, loss, gradients and new tokens for given inputs. */
export function addProbeModel(probe: Command): void {
  probe
    .command("model")
    .argument("<model>", "a model directory; no tokenizer is needed")
    .requiredOption(
      "--inputs <file>",
      "safetensors with input_ids, pixel_values, num_images and masks, as far as there",
    )
    .requiredOption("--outputs <file>", "safetensors to write")
    .option("--prefix <text>", "what the inputs' names begin with, such as c_two_images.in.")
    .addOption(stageOption("also grad.<name> of every parameter that this stage trains"))
    .option("--adapter <path>", "a LoRA adapter in PEFT's layout")
    .option("--generate <json>", "also ids: new tokens with these generation settings")
    .addOption(deviceOption())
    .description("hidden states, logits, loss, gradients, new tokens for given inputs")
    .action(run);
}
