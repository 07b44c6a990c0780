import type { Command } from "commander";
import type { GenerationSettings } from "../generation/index.ts";
import { countOption, numberOption } from "./options.ts";

/** What the options say of how answers are made. */
export interface AnswerOptions {
  readonly maxNewTokens?: number | undefined;
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly beams?: number;
  readonly seed?: number;
}

/** Adds the options that every command has which asks a model. */
export function withAnswerOptions(command: Command): Command {
  return command
    .option("--max-new-tokens <count>", "longest answer", countOption)
    .option("--temperature <value>", "sample, with this temperature", numberOption)
    .option("--top-p <sum>", "sample among the best tokens up to this probability", numberOption);
}

/** The settings that were given; a setting of sampling asks for sampling. */
export function answerSettings(options: AnswerOptions): Partial<GenerationSettings> {
  const { maxNewTokens, temperature, topK, topP, beams, seed } = options;
  const samples = temperature !== undefined || topK !== undefined || topP !== undefined;
  const given = { maxNewTokens, temperature, topK, topP, numBeams: beams, seed };
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(present), ...(samples && { doSample: true }) };
}
