import { type Command, Option } from "commander";
import { readModelConfig } from "../checkpoint/index.ts";
import { textLogits } from "../inference/index.ts";
import { encodeConversation, withModelTemplate } from "../prompt/index.ts";
import {
  type BlockSize,
  type ConversionReport,
  type ConversionSettings,
  convertCheckpoint,
} from "../quantization/index.ts";
import { openDevice } from "../runtime/index.ts";
import type { HostTensor } from "../tensor/index.ts";
import { loadTokenizer } from "../tokenizer/index.ts";
import { InterruptedError, UsageError } from "./failure.ts";
import { interruptible } from "./interrupt.ts";
import { requireModel } from "./options.ts";
import { formatBytes, showTransferProgress, type TransferView } from "./transfer-progress.ts";

const blockSizes = ["32", "64", "128", "row"] as const;
type TypedBlockSize = (typeof blockSizes)[number];

const sizeOf = (typed: TypedBlockSize): BlockSize =>
  typed === "row" ? typed : (Number(typed) as Exclude<BlockSize, "row">);

interface ConvertCommandOptions {
  readonly out: string;
  readonly quantize: ConversionSettings["quantize"];
  readonly vision?: ConversionSettings["vision"];
  readonly blockSize: TypedBlockSize;
  readonly visionBlockSize?: TypedBlockSize;
  readonly check?: readonly string[];
}

const printLine = (text: string): void => void process.stdout.write(`${text}\n`);

async function convert(model: string, options: ConvertCommandOptions): Promise<void> {
  if (options.blockSize === "row" && options.quantize === "q4") {
    throw new UsageError("convert: --block-size row wants --quantize q8: rows are whole bytes, got q4");
  }
  const directory = await requireModel(model);
  const began = performance.now();
  const report = await convertInterruptibly(directory, options);
  printReport(report, options.out, (performance.now() - began) / 1000);
  if (options.check !== undefined) await checkLogits(directory, options.out, options.check);
}

function convertInterruptibly(directory: string, options: ConvertCommandOptions): Promise<ConversionReport> {
  const { out, quantize, vision } = options;
  const blockSize = sizeOf(options.blockSize);
  const visionBlockSize = options.visionBlockSize && sizeOf(options.visionBlockSize);
  return interruptible(async (signal) => {
    let view: TransferView | undefined;
    const onProgress = (bytes: number, totalBytes: number, file: string): void => {
      view ??= showTransferProgress(totalBytes, bytes);
      view.update(bytes, file);
    };
    const settings = { quantize, vision, blockSize, visionBlockSize, onProgress, signal };
    try {
      return await convertCheckpoint(directory, out, settings).finally(() => view?.end());
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new InterruptedError(
        "interrupted; whole files are kept, and the same command goes on from there",
      );
    }
  });
}

function printReport(report: ConversionReport, out: string, seconds: number): void {
  const { bytesBefore, bytesAfter, files, reusedFiles, deviations } = report;
  const kept = reusedFiles > 0 ? `, ${reusedFiles} of them from before` : "";
  printLine(
    `${formatBytes(bytesBefore)} became ${formatBytes(bytesAfter)} in ${files} file${files === 1 ? "" : "s"}${kept}, ${seconds.toFixed(1)} s`,
  );
  for (const [part, deviation] of Object.entries(deviations)) {
    printLine(`  ${part.padEnd(20)} weights changed by ${(100 * deviation).toFixed(2)} % (root mean square)`);
  }
  printLine(`${out}: \`owl chat ${out}\` asks it`);
}

/** How quantisation changes the logits of some prompts, and whether the likeliest token stays the same. */
async function checkLogits(before: string, after: string, prompts: readonly string[]): Promise<void> {
  const device = await openDevice();
  const tokenizer = withModelTemplate(await loadTokenizer(after), await readModelConfig(after));
  const rows = prompts.map(
    (content) => encodeConversation([{ role: "user", content }], tokenizer, { tokensPerImage: 0 }).ids,
  );
  const given = await textLogits(before, rows, device);
  const got = await textLogits(after, rows, device);
  for (const [i, prompt] of prompts.entries()) {
    const { rms, same, positions } = compare(given[i], got[i]);
    printLine(
      `${JSON.stringify(prompt)}: logits changed by ${(100 * rms).toFixed(2)} % (root mean square), the likeliest token is the same at ${same} of ${positions} positions`,
    );
  }
}

function compare(given: HostTensor, got: HostTensor): { rms: number; same: number; positions: number } {
  const [, positions, vocabulary] = given.dims;
  let [error, sum, same] = [0, 0, 0];
  for (let position = 0; position < positions; position++) {
    const rows = [given, got].map(({ data }) =>
      (data as Float32Array).subarray(position * vocabulary, (position + 1) * vocabulary),
    );
    const mean = rows[0].reduce((total, value) => total + value, 0) / vocabulary;
    for (let i = 0; i < vocabulary; i++) {
      error += (rows[1][i] - rows[0][i]) ** 2;
      sum += (rows[0][i] - mean) ** 2;
    }
    const [likeliest, likeliestNow] = rows.map((row) => row.indexOf(row.reduce((a, b) => Math.max(a, b))));
    if (likeliest === likeliestNow) same++;
  }
  return { rms: Math.sqrt(error / sum), same, positions };
}

/** The value of an option that may be given several times. */
function collect(value: string, before: readonly string[] = []): readonly string[] {
  if (value.trim() === "") throw new UsageError("convert: --check wants a prompt, got an empty one");
  return [...before, value];
}

export function define(command: Command): void {
  command
    .argument(
      "<model>",
      "a model directory, a repo in the hub's cache, or a GGUF file; safetensors or PyTorch's .bin",
    )
    .requiredOption("--out <directory>", "output directory; must not hold a model yet")
    .addOption(
      new Option("--quantize <format>", "the language model's weights: 4 or 8 bits, float16, or as stored")
        .choices(["q4", "q8", "f16", "none"])
        .default("q4"),
    )
    .addOption(
      new Option(
        "--vision <format>",
        "vision encoder and abstractor (default: q8 beside q4 and q8, else as the rest)",
      ).choices(["f32", "f16", "q8"]),
    )
    .addOption(
      new Option(
        "--block-size <numbers>",
        "weights of the language model that share a scale: smaller blocks are more exact and slower; row: all of a row, with q8 alone, multiplied in whole numbers: for browsers without WebGPU",
      )
        .choices(blockSizes)
        .default("128"),
    )
    .addOption(
      new Option(
        "--vision-block-size <numbers>",
        "the same of vision encoder and abstractor (default: --block-size)",
      ).choices(blockSizes),
    )
    .option("--check <prompt>", "also print how this prompt's logits change; repeatable", collect)
    .addHelpText(
      "after",
      `
Memory: some hundred megabytes whatever the model's size, and six bytes a number of the largest weight with rows; --check takes a layer at a time: 1 GB for a 7 B.
The same command resumes a stopped conversion.

Examples:
  owl convert owl-7b --out owl-7b-q4                          4 bits, for a machine with 8 GB
  owl convert owl-7b --quantize none --out owl-7b-safetensors  changes the file format alone
  owl convert owl-1b --out owl-1b-rows --quantize q8 --block-size row   for browsers without WebGPU
  owl convert owl-nano --out nano-q8 --quantize q8 --check "what do cats eat?"`,
    )
    .action(convert);
}
