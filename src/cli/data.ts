import type { Command } from "commander";
import { type DataFormatName, dataFormatNames, type RowContent, rowContents } from "../data/index.ts";
import {
  checkData,
  isRecipeFile,
  type RowReading,
  readingOfFiles,
  readingOfRecipe,
  shownRows,
  writeFixedData,
} from "../recipes/index.ts";
import { fileLines, fixedLine, isBad } from "./data-report.ts";
import { ReportedError, UsageError } from "./failure.ts";
import { countOption, requireModel } from "./options.ts";
import { showPictureProgress } from "./picture-progress.ts";
import { isColored, rowLines } from "./shown-rows.ts";

interface ReadingOptions {
  readonly model?: string;
  readonly format?: DataFormatName;
  readonly images?: string;
  readonly content?: RowContent;
  readonly set?: readonly string[];
}

interface CheckOptions extends ReadingOptions {
  readonly decode: boolean;
  readonly problems: number;
  readonly fix?: string;
}

/** Whether a recipe is among the arguments. */
const haveRecipe = async (paths: readonly string[]): Promise<boolean> =>
  (await Promise.all(paths.map(isRecipeFile))).includes(true);

/** What the arguments name: one recipe with all of its files, or files of rows. */
async function readingOf(paths: readonly string[], options: ReadingOptions): Promise<RowReading> {
  const { model, format, images, content, set } = options;
  const [first, ...others] = paths;
  if (!(await haveRecipe(paths))) {
    if (set !== undefined)
      throw new UsageError("--set: is for the keys of a recipe, got files of rows alone");
    const directory = model === undefined ? undefined : await requireModel(model, undefined, "settings");
    return readingOfFiles(
      paths.map((file) => ({ file, format, images, content })),
      directory,
    );
  }
  if (others.length > 0)
    throw new UsageError(
      `data: takes one recipe or files of rows, got ${paths.join(", ")}; give a recipe alone`,
    );
  const given = Object.entries({ model, format, images, content }).find(([, value]) => value !== undefined);
  if (given !== undefined)
    throw new UsageError(
      `--${given[0]}: is for files without a recipe; ${first} says it (--set changes it for once)`,
    );
  return readingOfRecipe(first, { set });
}

async function check(paths: readonly string[], options: CheckOptions): Promise<void> {
  const { decode, problems, fix } = options;
  const reading = await readingOf(paths, options);
  const pictures = showPictureProgress();
  const report = await checkData(reading, {
    decode,
    problemsKept: problems,
    onPicture: pictures.forFile,
  }).finally(pictures.end);
  const { files, maxTokens, problem } = report;
  const told = files.map((file) => fileLines(file, { decode, maxTokens }).join("\n"));
  process.stdout.write(`${[...told, ...(problem === undefined ? [] : [problem])].join("\n\n")}\n`);
  const kept = files.flatMap((file) => file.kept ?? []);
  if (kept.length > 0) {
    const where = kept.map((path) => `\n  ${path}`).join("");
    process.stdout.write(
      `\nkept for \`owl train\`, which does not check these files again while nothing changes:${where}\n`,
    );
  }
  if (fix !== undefined) {
    const written = await writeFixedData(report, fix);
    for (const file of written) process.stdout.write(`${fixedLine(file)}\n`);
  }
  if (isBad(report)) throw new ReportedError("the data has problems");
}

const shownModel = "owl-nano";

async function show(
  paths: readonly string[],
  { rows, ...options }: ReadingOptions & { readonly rows: number },
): Promise<void> {
  const usual = (await haveRecipe(paths)) ? options : { model: shownModel, ...options };
  const { model, ...reading } = await readingOf(paths, usual);
  if (model === undefined) throw new UsageError("data show: needs a model; --model names it");
  const colored = isColored();
  process.stdout.write(
    `${colored ? "what is learned is green" : "what is learned stands in ⟦ ⟧"}${usual.model === undefined ? "" : `; as ${usual.model} sees it`}\n`,
  );
  let bad = false;
  for await (const row of shownRows({ ...reading, model }, rows)) {
    bad ||= row.problems.length > 0;
    process.stdout.write(`\n${rowLines(row, colored).join("\n")}\n`);
  }
  if (bad) throw new ReportedError("a row has problems");
}

const collected = (one: string, earlier: readonly string[] = []): readonly string[] => [...earlier, one];

function withReadingOptions(command: Command, modelHelp: string): Command {
  return command
    .argument("<paths...>", "one recipe (.yaml or .json) for all of its files, or files of rows")
    .option("--model <model>", `of files without a recipe: ${modelHelp}`)
    .addOption(
      command
        .createOption(
          "--format <format>",
          "of files without a recipe: how rows are written (default: recognised)",
        )
        .choices(dataFormatNames),
    )
    .option(
      "--images <directory>",
      "of files without a recipe: what paths of pictures are relative to (default: the file)",
    )
    .addOption(
      command
        .createOption(
          "--content <content>",
          "of files without a recipe: what texts are (default: by the first rows)",
        )
        .choices(rowContents),
    )
    .option(
      "--set <key=value>",
      "a key of the recipe that wins over the file's; may be given several times",
      collected,
    );
}

export function define(command: Command): void {
  withReadingOptions(command.command("check"), "the model by which tokens are counted")
    .option("--no-decode", "read only the beginnings of pictures' files, which is faster")
    .option("--problems <count>", "problems of each file that are shown", countOption, 20)
    .option(
      "--fix <out>",
      "write the good rows to a file that is not there yet; of several files, to a directory",
    )
    .description("check all rows and pictures before a run, and count what is in them")
    .addHelpText(
      "after",
      `
Every bad row is named with its line and the reason. Exit code 1 where one is bad, also with --fix.

Examples:
  owl data check mine.yaml                              what \`owl train mine.yaml\` would read
  owl data check rows.jsonl --model owl-nano            a file by itself, with its tokens
  owl data check rows.jsonl --fix good.jsonl`,
    )
    .action(check);
  withReadingOptions(command.command("show"), `whose tokens are shown (default: ${shownModel})`)
    .option("-n, --rows <count>", "rows of each file", countOption, 5)
    .description("print rows as the model will see them, with what is learned marked")
    .action(show);
}
