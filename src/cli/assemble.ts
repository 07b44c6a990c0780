import type { Command } from "commander";
import { type AssemblyReport, assembleOwl } from "../assembly/index.ts";
import { familyTitles, towerTitles } from "../model/index.ts";
import { InterruptedError } from "./failure.ts";
import { interruptible } from "./interrupt.ts";
import { countOption, numberOption, requireModel } from "./options.ts";
import { formatBytes, showTransferProgress, type TransferView } from "./transfer-progress.ts";

interface AssembleCommandOptions {
  readonly vision: string;
  readonly language: string;
  readonly out: string;
  readonly queries: number;
  readonly layers: number;
  readonly imageSize?: number;
  readonly seed: number;
}

function table({ parts, files }: AssemblyReport): string[] {
  const total = {
    module: "all",
    parameters: parts.reduce((sum, part) => sum + part.parameters, 0),
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
  };
  const lines = [...parts, total].map(({ module, parameters, bytes }) => {
    const count = `${(parameters / 1e6).toFixed(2)} M`.padStart(12);
    return `${module.padEnd(18)} ${count} ${formatBytes(bytes).padStart(12)}`;
  });
  return [...lines, `${files} file${files === 1 ? "" : "s"} of weights`];
}

async function assemble(options: AssembleCommandOptions): Promise<void> {
  const { out, queries, layers, imageSize, seed } = options;
  const vision = await requireModel(options.vision);
  const language = await requireModel(options.language);
  let view: TransferView | undefined;
  const onProgress = (bytes: number, totalBytes: number): void => {
    view ??= showTransferProgress(totalBytes, 0);
    view.update(bytes, "weights");
  };
  const report = await interruptible(async (signal) => {
    const sizes = { queries, abstractorLayers: layers, imageSize };
    const settings = { vision, language, ...sizes, seed, onProgress, signal };
    try {
      return await assembleOwl(out, settings).finally(() => view?.end());
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new InterruptedError(`interrupted; ${out} holds no whole model`);
    }
  });
  process.stdout.write(`${table(report).join("\n")}\n`);
  process.stderr.write(`${out} is ready for stage 1: \`owl recipe stage-1\` shows its numbers\n`);
}

export function define(command: Command): void {
  command
    .requiredOption(
      "--vision <model>",
      `a vision encoder of Hugging Face's layout, alone or in a model with texts: ${towerTitles()}`,
    )
    .requiredOption("--language <model>", `a language model with its tokenizer: ${familyTitles()}`)
    .requiredOption("--out <directory>", "output directory; must not hold a model yet")
    .option("--queries <count>", "learned queries per picture", countOption, 64)
    .option("--layers <count>", "layers of the visual abstractor", countOption, 6)
    .option(
      "--image-size <pixels>",
      "side of the pictures, if not as the vision encoder's preprocessing makes them; positions are interpolated",
      countOption,
    )
    .option("--seed <number>", "seed of the abstractor's initial weights", numberOption, 0)
    .addHelpText(
      "after",
      `
Examples:
  owl pull openai/clip-vit-large-patch14
  owl pull HuggingFaceTB/SmolLM-135M
  owl assemble --vision openai/clip-vit-large-patch14 --language HuggingFaceTB/SmolLM-135M --out models/mine
  owl train stage-1.yaml                       a recipe of stage 1 with "model: models/mine"

Weights keep their number formats and are streamed from file to file, so memory does not grow with the model.
Settings of either part that are not supported (another activation, attention biases, rope_scaling other than linear
and llama3, …) are one error that names them all.`,
    )
    .action(assemble);
}
