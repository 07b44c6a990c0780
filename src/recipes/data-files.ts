import { DataError, type FileCheckOptions, openRows, type RowSource, type Source } from "../data/index.ts";
import type { OwlConfig } from "../model/index.ts";
import type { RowText } from "../prompt/index.ts";
import type { BaseModel } from "./base-model.ts";
import { framesPerVideo, type TaggedExample, type TextModel, tagged } from "./batches.ts";
import type { DataFile, RunOverrides, RunPlan } from "./recipe-file.ts";
import { contentOfStage } from "./recipe-schema.ts";
import type { WrittenRows } from "./template.ts";
import { TextCheck, type TextSettings } from "./text-check.ts";

/** A data file whose rows were read and checked. */
export interface OpenedFile extends WrittenRows {
  /** Number of rows that are used. */
  readonly length: number;
  readonly source: RowSource;
  /** How many conversations are longer than `maxTokens` and lose their oldest turns. */
  readonly shortened: number;
  /** How many rows lose their end. */
  readonly cut: number;
  readonly hasVideos: boolean;
  /** Whether any row shows a picture or a video. */
  readonly showsSomething: boolean;
}

/**
 * Opens data files and tokenizes every text once.
 *
 * @throws DataError naming the rows of all of them that cannot be used
 */
export async function openDataFiles(
  plan: RunPlan,
  baseModel: BaseModel,
  files: readonly DataFile[],
  options: RunOverrides,
): Promise<OpenedFile[]> {
  const opened = await Promise.allSettled(files.map((file) => openDataFile(plan, baseModel, file, options)));
  const failed = opened.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
  const other = failed.find((reason) => !(reason instanceof DataError));
  if (other !== undefined) throw other;
  if (failed.length > 0) throw new DataError(failed.map((reason) => reason.message).join("\n"));
  return opened.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

async function openDataFile(
  plan: RunPlan,
  baseModel: BaseModel,
  { file, weight: _, ...settings }: DataFile,
  { checkPictures = false, onPicture }: RunOverrides,
): Promise<OpenedFile> {
  const { config } = baseModel;
  const texts = new TextCheck(file, textSettings(plan, baseModel));
  const source = await openRows(file, {
    ...settings,
    usualContent: contentOfStage(plan.recipe.stage),
    pictures: checkPictures ? "whole" : "headers",
    onFile: onPicture?.(file),
    videos: videosOf(plan, config),
    textProblems: (row, content) => texts.problemsOf(row, content),
  });
  const { length, content, media } = source;
  const { shortened, cut, writing } = texts;
  return {
    file,
    content,
    length,
    source: withTexts(source, (text) => texts.completed(text, content)),
    writing,
    shortened,
    cut,
    hasVideos: media.videos > 0,
    showsSomething: media.pictures + media.videos > 0,
  };
}

/** How the texts of a run's rows are checked. */
export function textSettings({ system, recipe }: RunPlan, model: TextModel): TextSettings {
  return { system, maxTokens: recipe.maxTokens, model, learnsPairs: recipe.dpo !== undefined };
}

/** How videos of a run's rows are decoded; undefined where its model takes none. */
export function videosOf(plan: RunPlan, config: OwlConfig): FileCheckOptions["videos"] {
  return config.video ? { frames: framesPerVideo(plan), size: config.vision.imageSize } : undefined;
}

/** The same rows with their texts changed. */
function withTexts(source: RowSource, change: (text: RowText) => RowText): RowSource {
  return {
    ...source,
    textOf: async (row) => change(await source.textOf(row)),
    example: async (row) => {
      const example = await source.example(row);
      const { text, rejected } = example;
      return {
        ...example,
        text: change(text),
        ...(rejected !== undefined && { rejected: change(rejected) }),
      };
    },
  };
}

/** The examples of opened files, file by file. */
export function exampleSources(files: readonly OpenedFile[]): Source<TaggedExample>[] {
  return files.map(({ source, content }) => tagged(source, content));
}
