import {
  DataError,
  encodeText,
  nameOf,
  openRows,
  type Row,
  type RowContent,
  type RowSource,
  type Source,
} from "../data/index.ts";
import { imageMark, PromptError, promptTemplate, type RowText, videoMark } from "../prompt/index.ts";
import type { BaseModel } from "./base-model.ts";
import { framesPerVideo, type TaggedExample, tagged, textOptions } from "./batches.ts";
import type { DataFile, RunOverrides, RunPlan } from "./recipe-file.ts";
import { contentOfStage } from "./recipe-schema.ts";
import { type WrittenRows, withSystem } from "./template.ts";

/** A data file whose rows were read and checked. */
export interface OpenedFile extends WrittenRows {
  readonly source: RowSource;
  /** How many conversations are longer than `maxTokens` and lose their oldest turns. */
  readonly shortened: number;
  /** How many rows lose their end. */
  readonly cut: number;
  readonly hasVideos: boolean;
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
  const complete = systemCompletion(plan, baseModel);
  let [shortened, cut] = [0, 0];
  const textProblems = (row: Row, content: RowContent): string[] => {
    if (config.textOnly && row.images.length + row.videos.length > 0) {
      return [
        `${nameOf(file, row)}: must show no picture to a language model alone, got one; \`owl assemble\` makes an owl of it`,
      ];
    }
    try {
      const captionOf = row.videos.length > 0 ? "video" : "image";
      const options = textOptions(plan.recipe, baseModel, content);
      const sample = encodeText(complete(row.text, content), nameOf(file, row), options, captionOf);
      if (sample.turnsLeftOut !== undefined) shortened++;
      if (sample.isCut) cut++;
      return [];
    } catch (error) {
      if (!(error instanceof PromptError)) throw error;
      return [error.message];
    }
  };
  const source = await openRows(file, {
    ...settings,
    usualContent: contentOfStage(plan.recipe.stage),
    pictures: checkPictures ? "whole" : "headers",
    onFile: onPicture?.(file),
    videos: config.video ? { frames: framesPerVideo(plan), size: config.vision.imageSize } : undefined,
    textProblems,
  });
  const { length, content } = source;
  const hasVideos = Array.from({ length }, (_, row) => row).some((row) => source.hasVideo(row));
  return {
    file,
    content,
    length,
    source: withTexts(source, (text) => complete(text, content)),
    shortened,
    cut,
    hasVideos,
  };
}

/** Puts the recipe's system sentence in front of conversations that have none. */
function systemCompletion(
  { system }: RunPlan,
  { tokenizer }: BaseModel,
): (text: RowText, content: RowContent) => RowText {
  const template = promptTemplate(tokenizer);
  return (text, content) => (content === "conversation" ? withSystem(text, system, template) : text);
}

/** The same rows with their texts changed. */
function withTexts(source: RowSource, change: (text: RowText) => RowText): RowSource {
  return {
    ...source,
    textOf: (row) => change(source.textOf(row)),
    example: async (row) => {
      const example = await source.example(row);
      return { ...example, text: change(example.text) };
    },
  };
}

/** Whether any row of a file shows a picture or a video. */
export function hasPictures({ content, length, source }: OpenedFile): boolean {
  if (content !== "conversation") return content === "caption";
  return Array.from({ length }, (_, row) => source.textOf(row)).some(showsMedia);
}

function showsMedia(text: RowText): boolean {
  if (typeof text === "string") return text.includes(imageMark) || text.includes(videoMark);
  return text.some(
    ({ content }) => typeof content !== "string" && content.some(({ type }) => type !== "text"),
  );
}

/** The examples of opened files, file by file. */
export function exampleSources(files: readonly OpenedFile[]): Source<TaggedExample>[] {
  return files.map(({ source, content }) => tagged(source, content));
}
