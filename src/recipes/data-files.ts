import {
  DataError,
  type FileCheckOptions,
  type MediaReader,
  openKnownRows,
  openRows,
  type RowLengths,
  type RowSource,
  type Source,
} from "../data/index.ts";
import type { OwlConfig } from "../model/index.ts";
import type { RowText } from "../prompt/index.ts";
import type { BaseModel } from "./base-model.ts";
import { framesPerVideo, type TaggedExample, type TextModel, tagged, videoFrames } from "./batches.ts";
import { type CheckSubject, checkPlace, keptCheck } from "./checked-data.ts";
import type { RunOverrides, RunPlan } from "./recipe-file.ts";
import { contentOfStage } from "./recipe-schema.ts";
import type { WrittenRows } from "./template.ts";
import { TextCheck, type TextSettings } from "./text-check.ts";

/** A data file whose rows were read and checked. */
export interface OpenedFile extends WrittenRows {
  /** Number of rows that are used. */
  readonly length: number;
  readonly source: RowSource;
  /** How many tokens each row has. */
  readonly lengths: RowLengths;
  /** How many conversations are longer than `maxTokens` and lose their oldest turns. */
  readonly shortened: number;
  /** How many rows lose their end. */
  readonly cut: number;
  readonly hasVideos: boolean;
  /** Whether any row shows a picture or a video. */
  readonly showsSomething: boolean;
  /** Whether its rows were checked before, and not again. */
  readonly isKnown: boolean;
}

/** How data files are opened. */
interface OpenOptions extends Pick<RunOverrides, "checkPictures" | "onPicture"> {
  /** What decodes their pictures; this thread if absent. */
  readonly media?: MediaReader | undefined;
}

/**
 * Opens data files: tokenizes every text and looks at every picture once, unless `owl data check` has done so and nothing has
 * changed since.
 *
 * @throws DataError naming the rows of all of them that cannot be used
 */
export async function openDataFiles(
  plan: RunPlan,
  baseModel: BaseModel,
  kind: "data" | "evaluation",
  options: OpenOptions,
): Promise<OpenedFile[]> {
  const opened = await Promise.allSettled(
    plan[kind].map((file, i) => {
      const subject = { file, plan, model: baseModel, tokenizerFiles: baseModel.tokenizerFiles };
      return openDataFile(subject, checkPlace(plan, kind, i), options);
    }),
  );
  const failed = opened.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
  const other = failed.find((reason) => !(reason instanceof DataError));
  if (other !== undefined) throw other;
  if (failed.length > 0) throw new DataError(failed.map((reason) => reason.message).join("\n"));
  return opened.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

async function openDataFile(subject: CheckSubject, place: string, options: OpenOptions): Promise<OpenedFile> {
  const { file: given, plan, model } = subject;
  const { file, weight: _, ...settings } = given;
  const texts = new TextCheck(file, textSettings(plan, model));
  const known = await keptCheck(place, subject, { decoded: options.checkPictures ?? false });
  const source = await (known === undefined
    ? checkedSource(subject, texts, options)
    : openKnownRows(file, known, {
        ...settings,
        videos: videosOf(plan, model.config),
        mediaReader: options.media,
      }));
  const { length, content, media } = source;
  const { shortened, cut, writing, lengths } = known?.texts ?? texts;
  return {
    file,
    content,
    length,
    source: withTexts(source, (text) => texts.completed(text, content)),
    writing,
    lengths,
    shortened,
    cut,
    hasVideos: media.videos > 0,
    showsSomething: media.pictures + media.videos > 0,
    isKnown: known !== undefined,
  };
}

function checkedSource(
  { file: { file, weight: _, ...settings }, plan, model: { config } }: CheckSubject,
  texts: TextCheck,
  { checkPictures = false, onPicture, media }: OpenOptions,
): Promise<RowSource> {
  return openRows(file, {
    ...settings,
    usualContent: contentOfStage(plan.recipe.stage),
    pictures: checkPictures ? "whole" : "headers",
    onFile: onPicture?.(file),
    videos: videosOf(plan, config),
    textProblems: (row, content) => texts.problemsOf(row, content),
    mediaReader: media,
  });
}

/** How the texts of a run's rows are checked. */
export function textSettings({ system, recipe }: RunPlan, model: TextModel): TextSettings {
  return {
    system,
    maxTokens: recipe.maxTokens,
    model,
    framesPerVideo: recipe.framesPerVideo,
    learnsPairs: recipe.dpo !== undefined,
  };
}

/** How videos of a run's rows are decoded; undefined where its model takes none. */
export function videosOf(plan: RunPlan, config: OwlConfig): FileCheckOptions["videos"] {
  return videoFrames(config, framesPerVideo(plan));
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
export function exampleSources(
  files: readonly Pick<OpenedFile, "source" | "content" | "lengths">[],
): Source<TaggedExample>[] {
  return files.map(({ source, content, lengths }) => ({
    ...tagged(source, content),
    tokensOf: (row: number) => lengths.of(row),
  }));
}
