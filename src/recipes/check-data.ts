import {
  type CheckedRows,
  checkRows,
  DataError,
  type DataFormatName,
  dataFormats,
  type FileCheckOptions,
  likelyContent,
  type Row,
  type RowContent,
  RowStore,
  recognisedFormat,
} from "../data/index.ts";
import { defaultFrames } from "../image/index.ts";
import { FileError, pathKind } from "../platform/index.ts";
import { loadTextModel } from "./base-model.ts";
import { type TextModel, videoFrames } from "./batches.ts";
import { CheckKeeper, checkPlace } from "./checked-data.ts";
import { checkedPlan } from "./checked-plan.ts";
import { textSettings, videosOf } from "./data-files.ts";
import { withinPositions } from "./positions.ts";
import type { DataFile, RunOverrides, RunPlan } from "./recipe-file.ts";
import { contentOfStage } from "./recipe-schema.ts";
import { templateOfRows } from "./template.ts";
import { TextCheck, type TextSettings } from "./text-check.ts";

/** What a check of one file found. */
export interface FileReport {
  /** The file, with the format and content that it was read by. */
  readonly file: DataFile;
  /** Whether nothing learns from it. */
  readonly isHeldOut: boolean;
  /** Why it cannot be read at all. */
  readonly failure?: string;
  readonly found?: { readonly rows: CheckedRows; readonly texts: TextCheck };
  /** Where the check is kept for a run, if it is. */
  readonly kept?: string;
}

/** What a check of data found, before any run. */
export interface DataReport {
  readonly files: readonly FileReport[];
  /** The longest row in tokens; absent: rows were not cut. */
  readonly maxTokens?: number;
  /** What keeps files that are good by themselves from being learned together. */
  readonly problem?: string;
}

export interface DataCheckOptions extends Pick<RunOverrides, "set" | "onPicture"> {
  /** Decode pictures instead of reading the beginnings of their files. */
  readonly decode: boolean;
  /** How many problems of each file are kept in full. */
  readonly problemsKept: number;
}

/** A file to be read. */
interface ReadFile {
  readonly file: DataFile;
  readonly isHeldOut: boolean;
  /** Keeps its check for a run. */
  readonly keeper?: () => Promise<CheckKeeper>;
}

/** What the rows of files are read by. */
export interface RowReading {
  readonly files: readonly ReadFile[];
  readonly model: TextModel | undefined;
  readonly plan: RunPlan | undefined;
}

/**
 * The data files of a recipe, with what its rows need of the model; no weights are read.
 *
 * @throws RecipeError with every problem of the recipe
 */
export async function readingOfRecipe(
  path: string,
  overrides: Pick<RunOverrides, "set">,
): Promise<RowReading & { readonly plan: RunPlan; readonly model: TextModel }> {
  const given = await checkedPlan(path, overrides);
  const { tokenizerFiles, ...model } = await loadTextModel(given);
  const plan = withinPositions(path, given, model.config);
  const filesOf = (kind: "data" | "evaluation"): ReadFile[] =>
    plan[kind].map((file, i) => ({
      file,
      isHeldOut: kind === "evaluation",
      keeper: () => CheckKeeper.begin(checkPlace(plan, kind, i), { file, plan, model, tokenizerFiles }),
    }));
  return { files: [...filesOf("data"), ...filesOf("evaluation")], plan, model };
}

/** Files of rows without a recipe; by a model's directory also their tokens. */
export async function readingOfFiles(
  files: readonly DataFile[],
  directory: string | undefined,
): Promise<RowReading> {
  const model =
    directory === undefined
      ? undefined
      : await loadTextModel({ model: directory, config: undefined, tokenizer: undefined });
  return { files: files.map((file) => ({ file, isHeldOut: false })), model, plan: undefined };
}

/** Checks all rows, pictures and texts of files, each problem by its row; nothing is trained. */
export async function checkData(reading: RowReading, options: DataCheckOptions): Promise<DataReport> {
  const files: FileReport[] = [];
  for (const file of reading.files) files.push(await checkFile(file, reading, options));
  const { plan } = reading;
  const problem = templateProblem(files, reading);
  return {
    files,
    ...(plan !== undefined && { maxTokens: plan.recipe.maxTokens }),
    ...(problem !== undefined && { problem }),
  };
}

async function checkFile(
  { file, isHeldOut, keeper: keeping }: ReadFile,
  reading: RowReading,
  { decode, problemsKept, onPicture }: DataCheckOptions,
): Promise<FileReport> {
  const keeper = await keeping?.();
  try {
    const known = await withFormat(file, reading.plan);
    const { file: path, format: name, weight: _, usualContent, ...settings } = known;
    const format = dataFormats[name];
    const texts = new TextCheck(path, settingsOf(reading));
    const store =
      keeper && new RowStore(path, { reader: await format.reader(path, settings), charactersKept: 0 });
    const options = {
      ...settings,
      usualContent,
      problemsKept,
      pictures: decode ? "whole" : "headers",
      onFile: onPicture?.(path),
      videos: videosFor(reading),
      textProblems: (row: Row, content: RowContent) => texts.problemsOf(row, content),
    } as const;
    const rows = await checkRows(path, format, options, store?.index && store);
    const index = rows.problems.count === 0 ? store?.index : undefined;
    const kept = index && (await keeper?.keep(rows, texts, { index, isDecoded: decode }));
    return {
      file: { ...file, format: name, content: rows.content },
      isHeldOut,
      found: { rows, texts },
      ...(kept && keeper && { kept: keeper.place }),
    };
  } catch (error) {
    if (!(error instanceof DataError) && !(error instanceof FileError)) throw error;
    return { file, isHeldOut, failure: error.message };
  }
}

/** A file whose format is known, and what its texts are where that does not tell. */
export interface RecognisedFile extends DataFile {
  readonly format: DataFormatName;
  readonly usualContent: RowContent;
}

/** Recognises the format of a file. @throws DataError where it is of none, or not there */
export async function withFormat(file: DataFile, plan: RunPlan | undefined): Promise<RecognisedFile> {
  if ((await pathKind(file.file)) === "missing") throw new DataError(`${file.file}: no such file`);
  const format = file.format ?? (await recognisedFormat(file.file, file));
  const usualContent =
    plan === undefined
      ? await likelyContent(file.file, dataFormats[format], file)
      : contentOfStage(plan.recipe.stage);
  return { ...file, format, usualContent };
}

/** How texts are checked: by the recipe, or whole. */
export function settingsOf({ model, plan }: RowReading): TextSettings {
  if (plan !== undefined && model !== undefined) return textSettings(plan, model);
  return { model, maxTokens: Number.MAX_SAFE_INTEGER };
}

/** How videos are decoded, as {@link videosOf} a run; without a model nothing says that there must be none. */
export function videosFor({ model, plan }: RowReading): FileCheckOptions["videos"] {
  if (model === undefined) return { frames: defaultFrames, size: 224 };
  if (plan !== undefined) return videosOf(plan, model.config);
  return videoFrames(model.config, defaultFrames);
}

/** Conversations of one run must begin alike. */
function templateProblem(files: readonly FileReport[], { model, plan }: RowReading): string | undefined {
  if (plan === undefined || model === undefined) return undefined;
  const written = files.flatMap(({ file, found }) =>
    found === undefined
      ? []
      : [{ file: file.file, content: found.rows.content, writing: found.texts.writing }],
  );
  try {
    templateOfRows(written, {
      tokenizer: model.tokenizer,
      isFresh: plan.model === undefined,
      system: plan.system,
    });
    return undefined;
  } catch (error) {
    if (error instanceof DataError) return error.message;
    throw error;
  }
}
