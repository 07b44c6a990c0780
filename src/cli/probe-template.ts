import type { Command } from "commander";
import { parseVariables, TemplateError } from "../jinja/index.ts";
import { PromptError, renderChat } from "../prompt/index.ts";
import { loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import { UsageError } from "./failure.ts";
import { jsonLines } from "./json-lines.ts";
import { requireModel } from "./options.ts";

const shape = '{"messages": […], "options": {…}, "now": "2025-03-07T09:05:02"}';

function timeOf(now: unknown, where: string): Date | undefined {
  if (now === undefined || now === null) return undefined;
  const time = new Date(typeof now === "number" ? now * 1000 : String(now));
  if (!Number.isNaN(time.getTime())) return time;
  throw new UsageError(
    `${where}: now must be a time such as 2025-03-07T09:05:02, got ${JSON.stringify(now)}`,
  );
}

function answer(tokenizer: Tokenizer, line: string, where: string): object {
  let request: unknown;
  try {
    request = parseVariables(line);
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`${where}: ${error.message}`);
    throw new UsageError(`${where}: must be JSON, ${shape}, got ${line.slice(0, 60)}`);
  }
  const { messages, options, now } = Object(request) as Record<string, unknown>;
  if (!Array.isArray(messages)) throw new UsageError(`${where}: must be ${shape}, got ${line.slice(0, 60)}`);
  const at = timeOf(now, where);
  try {
    return { text: renderChat(messages, tokenizer, { variables: Object(options ?? {}), now: at }) };
  } catch (error) {
    if (error instanceof TemplateError || error instanceof PromptError) return { error: error.message };
    throw error;
  }
}

async function run(model: string): Promise<void> {
  const tokenizer = await loadTokenizer(await requireModel(model, undefined, "settings"));
  for await (const { line, where } of jsonLines()) {
    process.stdout.write(`${JSON.stringify(answer(tokenizer, line, where))}\n`);
  }
}

/** `owl probe template`: messages as the model's chat template writes them. */
export function define(command: Command): void {
  command.argument("<model>", "a directory with a tokenizer and a chat template").action(run);
}
