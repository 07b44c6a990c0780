import type { Command } from "commander";
import { loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import { UsageError } from "./failure.ts";
import { jsonLines } from "./json-lines.ts";
import { requireModel } from "./options.ts";

function answer(tokenizer: Tokenizer, line: string, where: string): string {
  let request: unknown;
  try {
    request = JSON.parse(line);
  } catch {
    throw new UsageError(`${where}: must be JSON, {"text": "…"} or {"ids": […]}, got ${line.slice(0, 60)}`);
  }
  const { text, ids } = (request ?? {}) as { text?: unknown; ids?: unknown };
  if (typeof text === "string") return JSON.stringify({ ids: tokenizer.encode(text) });
  if (Array.isArray(ids) && ids.every((id) => Number.isInteger(id))) {
    return JSON.stringify({ text: tokenizer.decode(ids) });
  }
  throw new UsageError(
    `${where}: must be {"text": "…"} or {"ids": [whole numbers]}, got ${line.slice(0, 60)}`,
  );
}

async function probeText(model: string): Promise<void> {
  const tokenizer = await loadTokenizer(await requireModel(model, undefined, "settings"));
  for await (const { line, where } of jsonLines()) {
    process.stdout.write(`${answer(tokenizer, line, where)}\n`);
  }
}

/** `owl probe text`: text as ids, and ids as text. */
export function define(command: Command): void {
  command.argument("<model>", "a directory with tokenizer.json or tokenizer.model").action(probeText);
}
