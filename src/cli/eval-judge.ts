import type { Command } from "commander";
import { judgeAnswers } from "../evaluation/index.ts";
import { showCountProgress } from "./count-progress.ts";
import {
  answersArgument,
  dataOption,
  type EndpointOptions,
  endpointModelOption,
  endpointOf,
  endpointOption,
  readSetAndAnswers,
} from "./eval-options.ts";
import { InterruptedError, UsageError } from "./failure.ts";
import { interruptible } from "./interrupt.ts";
import { countOption } from "./options.ts";

interface EvalJudgeOptions extends EndpointOptions {
  readonly data: string;
  readonly out: string;
  readonly picture: boolean;
  readonly maxNewTokens?: number;
  readonly batch: number;
}

async function judge(paths: readonly string[], options: EvalJudgeOptions): Promise<void> {
  const { data, out, picture, maxNewTokens, batch } = options;
  const endpoint = endpointOf(options);
  if (endpoint === undefined) throw new UsageError("eval judge: must have --endpoint and --endpoint-model");
  const { set, systems } = await readSetAndAnswers(paths, data);
  const progress = showCountProgress("judgements");
  await interruptible(async (signal) => {
    const settings = { endpoint, out, withPicture: picture, maxNewTokens, batchSize: batch, signal };
    try {
      await judgeAnswers(set, systems, { ...settings, onProgress: progress.update });
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new InterruptedError(`interrupted; ${out} keeps the grades so far, the same command goes on`);
    } finally {
      progress.end();
    }
  });
  process.stdout.write(`${out}\n`);
}

export function define(command: Command): void {
  command
    .addArgument(answersArgument())
    .addOption(endpointOption())
    .addOption(endpointModelOption())
    .addOption(dataOption())
    .requiredOption("--out <file>", "the grades, one JSON object a line; an existing file is continued")
    .option("--no-picture", "do not send the picture: for a judge of text alone")
    .option("--max-new-tokens <count>", "longest reply of the judge (512 if absent)", countOption)
    .option("--batch <count>", "requests at once", countOption, 4)
    .addHelpText(
      "after",
      `
Example:
  owl eval judge owleval/answer/*.jsonl --endpoint https://api.example/v1 --endpoint-model NAME \\
    --data owleval --out judged.jsonl
  owl eval report grades.jsonl judged.jsonl --out report      how far it agrees with people, and with itself

Every question is judged twice, with the answers in one order and in the reverse; both grades are kept. OPENAI_API_KEY, if
it is set, is sent to the endpoint.`,
    )
    .action(judge);
}
