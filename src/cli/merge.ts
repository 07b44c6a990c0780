import { type Command, Option } from "commander";
import { mergeCheckpoint } from "../assembly/index.ts";
import { InterruptedError } from "./failure.ts";
import { interruptible } from "./interrupt.ts";
import { printWarning } from "./load-owl.ts";
import { requireAdapter, requireModel } from "./options.ts";
import { formatBytes, showTransferProgress, type TransferView } from "./transfer-progress.ts";

interface MergeCommandOptions {
  readonly adapter: string;
  readonly out: string;
  readonly dtype: keyof typeof formats;
}

/** The choices of `--dtype`. */
const formats = { keep: undefined, f32: "F32", f16: "F16", bf16: "BF16" } as const;

async function merge(model: string, { adapter, out, dtype }: MergeCommandOptions): Promise<void> {
  const directory = await requireModel(model);
  const adapterPath = await requireAdapter(adapter);
  let view: TransferView | undefined;
  const onProgress = (bytes: number, totalBytes: number, file: string): void => {
    view ??= showTransferProgress(totalBytes, bytes);
    view.update(bytes, file);
  };
  const { layers, replaced, bytes, files, warnings } = await interruptible(async (signal) => {
    const settings = { adapter: adapterPath, floatType: formats[dtype], onProgress, signal };
    try {
      return await mergeCheckpoint(directory, out, settings).finally(() => view?.end());
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new InterruptedError(`interrupted; ${out} holds no whole model`);
    }
  });
  for (const warning of warnings) printWarning(warning);
  const whole = replaced > 0 ? `, ${replaced} tensors replaced as a whole` : "";
  const written = `${formatBytes(bytes)} in ${files} file${files === 1 ? "" : "s"}`;
  process.stdout.write(`LoRA merged into ${layers} layers${whole}; ${written}\n`);
  process.stdout.write(`${out}: \`owl chat ${out}\` asks it, without an adapter\n`);
}

export function define(command: Command): void {
  command
    .argument("<model>", "a model directory or a repo in the hub's cache, in floating point")
    .requiredOption("--adapter <path>", "a LoRA adapter in PEFT's layout, as `owl train` writes one")
    .requiredOption("--out <directory>", "output directory; must not hold a model yet")
    .addOption(
      new Option("--dtype <format>", "number format of the weights; keep: the model's own")
        .choices(Object.keys(formats))
        .default("keep"),
    )
    .addHelpText(
      "after",
      `
The result answers as the model with --adapter does, up to the rounding of the merged weights to their number format.
Weights are streamed from file to file: memory holds the adapter and some tens of megabytes more. A quantised model
cannot be merged into: merge into the one that it was converted from, then convert the result.

Examples:
  owl merge owl-nano --adapter runs/mine/adapter --out mine
  owl merge owl-7b --adapter runs/mine/adapter --out mine --dtype bf16
  owl convert mine --out mine-q4                  then quantised to four bits`,
    )
    .action(merge);
}
