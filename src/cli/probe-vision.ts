import type { Command } from "commander";
import { probeVision } from "../assembly/index.ts";
import { readSafetensors, writeSafetensors } from "../checkpoint/index.ts";
import type { ExecutionProvider } from "../platform/index.ts";
import { deviceOption, requireModel } from "./options.ts";

interface ProbeVisionOptions {
  readonly inputs: string;
  readonly outputs: string;
  readonly device: ExecutionProvider;
}

async function run(model: string, { inputs, outputs, device }: ProbeVisionOptions): Promise<void> {
  const directory = await requireModel(model, undefined, "base");
  const results = await probeVision(directory, await readSafetensors(inputs), { device });
  await writeSafetensors(outputs, results);
}

/** `owl probe vision`: a vision encoder's last hidden state for given pixels. */
export function define(command: Command): void {
  command
    .argument("<model>", "a vision encoder of Hugging Face's layout, a model with one, or an mPLUG-Owl")
    .requiredOption("--inputs <file>", "safetensors file with pixel_values [images, 3, side, side]")
    .requiredOption("--outputs <file>", "safetensors file to write last_hidden_state to")
    .addOption(deviceOption())
    .action(run);
}
