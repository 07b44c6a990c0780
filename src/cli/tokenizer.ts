import type { Command } from "commander";
import { textsOf } from "../data/index.ts";
import { joinPath, makeDirectory, pathKind } from "../platform/index.ts";
import { createTokenizer, saveTokenizer, trainTokenizer } from "../tokenizer/index.ts";
import { UsageError } from "./failure.ts";
import { countOption } from "./options.ts";

interface TokenizerOptions {
  readonly out: string;
  readonly vocabSize?: number;
  readonly characters: number;
}

const mostTokens = 4096;

/** tokenizer_config.json of a new tokenizer; `owl train` replaces the template by the rows' own. */
const configuration = {
  bos_token: "<s>",
  eos_token: "</s>",
  unk_token: "<unk>",
  pad_token: "<unk>",
  prompt_template: { system: "", cut: "turns" },
};

async function makeTokenizer(files: readonly string[], options: TokenizerOptions): Promise<void> {
  const { out, vocabSize, characters } = options;
  if ((await pathKind(joinPath(out, "tokenizer.json"))) !== "missing") {
    throw new UsageError(
      `${out}: must hold no tokenizer yet, got tokenizer.json; --out names another directory`,
    );
  }
  const texts: string[] = [];
  for (const file of files) for (const text of await textsOf(file)) texts.push(text);
  const json = trainTokenizer(texts, {
    vocabularySize: vocabSize ?? mostTokens,
    orFewer: vocabSize === undefined,
    characters,
  });
  const tokenizer = createTokenizer(json, configuration);
  await makeDirectory(out);
  await saveTokenizer(tokenizer, out);
  const tokens = texts.reduce((sum, text) => sum + tokenizer.encode(text).length, 0);
  const letters = texts.reduce((sum, text) => sum + text.length, 0);
  process.stdout.write(
    `${out}: ${tokenizer.vocabularySize.toLocaleString("en")} tokens; ${(letters / Math.max(1, tokens)).toFixed(1)} letters a token in these texts\n` +
      `\`config: nano\` and \`tokenizer: ${out}\` in a recipe begin a model with it\n`,
  );
}

export function define(command: Command): void {
  command
    .argument("<files...>", "rows of training data (.jsonl) or plain text, one a line")
    .requiredOption("--out <directory>", "where tokenizer.json and tokenizer_config.json go")
    .option(
      "--vocab-size <tokens>",
      `vocabulary size (default: as many as the texts give, at most ${mostTokens})`,
      countOption,
    )
    .option(
      "--characters <count>",
      "most frequent characters that become tokens; others are encoded as bytes",
      countOption,
      256,
    )
    .addHelpText(
      "after",
      `
Three special tokens, 256 bytes, the most frequent characters, then merges of neighbouring tokens (byte-pair encoding).
Lower-case letters are merged into words; capitals and digits stay single tokens. The same texts give the same file.

Example:
  owl tokenizer rows.jsonl --out tokenizer`,
    )
    .action(makeTokenizer);
}
