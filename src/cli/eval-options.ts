import { Argument, InvalidArgumentError, Option } from "commander";
import {
  type Endpoint,
  type OwlEvalSet,
  readAnswers,
  readOwlEval,
  type Shard,
  type SystemAnswers,
} from "../evaluation/index.ts";
import { UsageError } from "./failure.ts";

/** The default directory of OwlEval. */
export const defaultData = "owleval";

export const dataOption = (): Option =>
  new Option("--data <directory>", "OwlEval: questions.jsonl and cases/").default(defaultData);

export const answersArgument = (): Argument =>
  new Argument("<answers...>", "files of answers, of `owl eval run` or as they were released");

export const endpointOption = (): Option =>
  new Option("--endpoint <url>", "a server that speaks OpenAI's protocol, such as http://127.0.0.1:8080/v1");

export const endpointModelOption = (): Option =>
  new Option("--endpoint-model <name>", "which of the server's models");

export interface EndpointOptions {
  readonly endpoint?: string;
  readonly endpointModel?: string;
}

/** The endpoint of both options; the key is OPENAI_API_KEY's. */
export function endpointOf({ endpoint, endpointModel }: EndpointOptions): Endpoint | undefined {
  if (endpoint === undefined && endpointModel === undefined) return undefined;
  if (endpoint === undefined || endpointModel === undefined) {
    throw new UsageError("--endpoint and --endpoint-model: must be given together, got one of them");
  }
  if (!/^https?:/.test(endpoint) || !URL.canParse(endpoint)) {
    throw new UsageError(`--endpoint: must be an http(s) address, got ${endpoint}`);
  }
  return { url: endpoint, model: endpointModel, key: process.env.OPENAI_API_KEY || undefined };
}

export const shardOption = (): Option =>
  new Option(
    "--shard <part>",
    "answer one of several shards, such as 1/4 (default under mpirun: by rank)",
  ).argParser((text): Shard => {
    const [index, count] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).slice(1).map(Number);
    if (index >= 1 && index <= count) return { index, count };
    throw new InvalidArgumentError("It must be a part and their number, from 1/N to N/N.");
  });

/** The shard of the option, or of this process under Open MPI's mpirun; undefined: everything. */
export function shardOf(given: Shard | undefined): Shard | undefined {
  if (given !== undefined) return given.count === 1 ? undefined : given;
  const count = Number(process.env.OMPI_COMM_WORLD_SIZE);
  return count > 1 ? { index: Number(process.env.OMPI_COMM_WORLD_RANK) + 1, count } : undefined;
}

/** What a progress bar counts. */
export const progressUnit = (things: string, shard: Shard | undefined): string =>
  shard === undefined ? things : `${things} of part ${shard.index}/${shard.count}`;

/** Reports that this shard is done and others are not. */
export function printShardDone({ index, count }: Shard, out: string): void {
  process.stderr.write(`part ${index} of ${count} is answered; the last one writes ${out}\n`);
}

/** The questions, and the answers of files to them. */
export async function readSetAndAnswers(
  paths: readonly string[],
  data: string,
): Promise<{ readonly set: OwlEvalSet; readonly systems: readonly SystemAnswers[] }> {
  const set = await readOwlEval(data);
  return { set, systems: await readAnswers(paths, set) };
}
