import { type Command, Option } from "commander";
import { exportGguf, exportOnnx, ggufTypes } from "../export/index.ts";
import { InterruptedError, UsageError } from "./failure.ts";
import { interruptible } from "./interrupt.ts";
import { requireModel } from "./options.ts";
import { formatBytes, showTransferProgress, type TransferView } from "./transfer-progress.ts";

interface ExportCommandOptions {
  readonly format: keyof typeof formats;
  readonly out: string;
  readonly dtype?: string;
}

/** What a format is told. */
interface Running {
  readonly dtype: string | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (bytes: number, totalBytes: number, file: string) => void;
}

/** A format that a model is written in. */
interface Format {
  /** The choices of `--dtype`. */
  readonly dtypes: readonly string[];
  /** Writes the model and returns what is printed of it. */
  readonly write: (model: string, out: string, running: Running) => Promise<readonly string[]>;
}

const onnxTypes = ["f32", "f16", "q4"] as const;

async function writeOnnx(model: string, out: string, { dtype, ...rest }: Running): Promise<string[]> {
  const chosen = onnxTypes.find((one) => one === dtype);
  const { bytes, format, limits } = await exportOnnx(model, out, { dtype: chosen, ...rest });
  return [
    `${out}: ${formatBytes(bytes)} of weights in ${format}; transformers.js loads it as LlavaForConditionalGeneration, README.md shows how`,
    ...limits.map((limit) => `  ${limit}`),
  ];
}

async function writeGguf(model: string, out: string, { dtype, ...rest }: Running): Promise<string[]> {
  const chosen = ggufTypes.find((one) => one === dtype);
  const { bytes, leftOut } = await exportGguf(model, out, { dtype: chosen, ...rest });
  return [
    `${out}: ${formatBytes(bytes)}; llama.cpp, Ollama and LM Studio load it`,
    ...leftOut.map((one) => `  ${one}`),
  ];
}

/** The choices of `--format`. */
const formats = {
  onnx: { dtypes: onnxTypes, write: writeOnnx },
  gguf: { dtypes: ggufTypes, write: writeGguf },
} as const satisfies Readonly<Record<string, Format>>;

async function run(model: string, { format, out, dtype }: ExportCommandOptions): Promise<void> {
  const chosen: Format = formats[format];
  if (dtype !== undefined && !chosen.dtypes.includes(dtype)) {
    throw new UsageError(
      `export: --dtype of ${format} must be one of ${chosen.dtypes.join(", ")}, got ${dtype}`,
    );
  }
  const directory = await requireModel(model);
  let view: TransferView | undefined;
  const onProgress = (bytes: number, totalBytes: number, file: string): void => {
    view ??= showTransferProgress(totalBytes, bytes);
    view.update(bytes, file);
  };
  const lines = await interruptible(async (signal) => {
    try {
      return await chosen.write(directory, out, { dtype, signal, onProgress }).finally(() => view?.end());
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new InterruptedError(`interrupted; ${out} holds no whole model`);
    }
  });
  process.stdout.write(`${lines.join("\n")}\n`);
}

export function define(command: Command): void {
  command
    .argument("<model>", "a model directory or a repo in the hub's cache, with its adapter merged")
    .requiredOption(
      "--out <path>",
      "onnx: a directory that holds no model yet; gguf: a file that is not there yet",
    )
    .addOption(
      new Option(
        "--format <format>",
        "onnx: the owl, for transformers.js; gguf: its language model, for llama.cpp",
      )
        .choices(Object.keys(formats))
        .makeOptionMandatory(),
    )
    .option(
      "--dtype <format>",
      "number format of the weights (onnx: f32, f16, q4; default: as large as they are; gguf: f32, f16, bf16, q8_0, q4_0; default: f16)",
    )
    .addHelpText(
      "after",
      `
An adapter is merged first (owl merge). What a format cannot say is printed, or refused.

Examples:
  owl export owl-nano --format onnx --out nano-js
  owl export owl-nano --format onnx --dtype q4 --out nano-js-q4
  owl export models/mine --format gguf --dtype q8_0 --out mine.gguf`,
    )
    .action(run);
}
