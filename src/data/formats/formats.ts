import { pathKind } from "../../platform/index.ts";
import type { DataFormat } from "../data-format.ts";
import type { ReadSettings } from "../read-settings.ts";
import type { RowIndex } from "../row-index.ts";
import {
  indexedRowSource,
  type KnownRows,
  openRowSource,
  type RowSource,
  type RowSourceOptions,
} from "../row-source.ts";
import { storageAt } from "../storages/storages.ts";
import { jsonl } from "./jsonl.ts";
import { formatOfRecords, recordDataFormat, recordFormats, storedDataFormat } from "./record-formats.ts";

/** The formats that files of rows may have, as recipes name them. */
export type DataFormatName =
  | "jsonl"
  | "llava"
  | "sharegpt"
  | "messages"
  | "alpaca"
  | "preference"
  | "baize"
  | "finevision"
  | "table"
  | "coco"
  | "tsv"
  | "webdataset"
  | "parquet"
  | "folder";

const { preference, llava, messages, alpaca, baize, finevision, table } = recordFormats;

/**
 * Every format of training data, by the name that a recipe gives it. A further one is a file that reads it and a row here: recipes,
 * checks, training and `owl tokenizer` follow.
 */
export const dataFormats: Readonly<Record<DataFormatName, DataFormat>> = {
  jsonl,
  llava: recordDataFormat(llava, {
    about:
      "LLaVA's conversations (`mix665k`): `image` is a path or a list, `<image>` in the human's words its place",
    example:
      '{"image": "cat.jpg", "conversations": [{"from": "human", "value": "<image>\\nwhat is this?"}, {"from": "gpt", "value": "a cat"}]}',
  }),
  sharegpt: recordDataFormat(llava, {
    about: "ShareGPT's and Vicuna's conversations; the same reader, so pictures are welcome",
    example:
      '{"id": "a1", "conversations": [{"from": "human", "value": "hello"}, {"from": "gpt", "value": "hello! how can i help?"}]}',
  }),
  messages: recordDataFormat(messages, {
    about:
      "OpenAI's chats: content a text or parts; pictures by path, `data:` URL or base64, or in the row's `images`",
    example:
      '{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "cat.jpg"}}, {"type": "text", "text": "what is this?"}]}, {"role": "assistant", "content": "a cat"}]}',
  }),
  alpaca: recordDataFormat(alpaca, {
    about:
      "Alpaca's instructions; `input` on the lines behind `instruction`, pictures in `images` with `<image>` marks",
    example: '{"instruction": "name the animal", "input": "it says meow", "output": "a cat"}',
  }),
  baize: recordDataFormat(baize, {
    about: "Baize's self-chats: one text with marks of its own; words in front are the system's",
    example:
      '{"topic": "cats", "input": "A conversation.\\n[|Human|] who says meow?\\n[|AI|] a cat\\n[|Human|] "}',
  }),
  finevision: recordDataFormat(finevision, {
    about: "FineVision's and the Cauldron's rows: `images`, and `texts` of `user` and `assistant`",
    example: '{"images": ["cat.jpg"], "texts": [{"user": "what is this?", "assistant": "a cat"}]}',
  }),
  table: recordDataFormat(table, {
    about: "a picture and its caption, or a picture, a question and its answer",
    example: '{"image": "cat.jpg", "question": "what is this?", "answer": "a cat"}',
  }),
  preference: recordDataFormat(preference, {
    about:
      "pairs of answers as TRL has them: `prompt`, `chosen` and `rejected`, texts or messages; pictures in `images` or in parts",
    example: '{"images": ["cat.jpg"], "prompt": "what is this?", "chosen": "a cat", "rejected": "a dog"}',
  }),
  coco: storedDataFormat("coco", {
    unit: "annotation",
    about: "COCO's captions: one object, a row for each of its `annotations`",
    example:
      '{"images": [{"id": 1, "file_name": "cat.jpg"}], "annotations": [{"image_id": 1, "caption": "a cat"}]}',
  }),
  tsv: storedDataFormat("tsv", {
    unit: "line",
    about:
      "`.tsv` or `.csv` with columns as `table` has keys; without a header they are called 1, 2, … (CC3M beside its folder)",
    example: "a cat\tcat.jpg",
  }),
  webdataset: storedDataFormat("webdataset", {
    unit: "sample",
    about:
      "a tar shard, or a directory of them, as img2dataset writes them; the `.json` may hold a row of any format above",
    example: "000000001.jpg 000000001.txt 000000001.json",
  }),
  parquet: storedDataFormat("parquet", {
    unit: "row",
    about:
      "a Parquet file, or a directory of them, with rows of any format above; pictures as bytes, `{bytes, path}` or lists",
    example: "image: {bytes, path}, caption: string",
  }),
  folder: storedDataFormat("folder", {
    unit: "picture",
    about: "a directory of pictures, each with a text file, or each in a folder that says what it shows",
    example: "cat.jpg cat.txt",
  }),
};

export const dataFormatNames = Object.keys(dataFormats) as DataFormatName[];

/** Endings of names of files that hold rows; other files are texts. */
export const rowFileEndings: readonly string[] = [".jsonl", ".json", ".tsv", ".csv", ".parquet", ".tar"];

/**
 * The format of a file, by what its first rows hold; mPLUG-Owl's own where nothing else is meant.
 *
 * @throws DataError naming the keys of rows that are of no format
 */
export async function recognisedFormat(path: string, settings: ReadSettings = {}): Promise<DataFormatName> {
  if ((await pathKind(path)) === "missing") return "jsonl";
  const storage = await storageAt(path);
  if (storage !== "lines" && storage !== "list") return storage;
  return (await formatOfRecords(path, settings)) ?? "jsonl";
}

/** Opens a file whose rows were checked before, as {@link openRows} would; nothing of it is read until a row is asked for. */
export async function openKnownRows(
  path: string,
  known: KnownRows & { readonly index: RowIndex },
  { format, ...options }: RowSourceOptions & { readonly format?: DataFormatName | undefined },
): Promise<RowSource> {
  return indexedRowSource(
    path,
    dataFormats[format ?? (await recognisedFormat(path, options))],
    known,
    options,
  );
}

/**
 * Opens a file of rows and checks all of them. The format is the one given, else the one that its first rows are of.
 *
 * @throws DataError naming every row that cannot be used
 */
export async function openRows(
  path: string,
  { format, ...options }: RowSourceOptions & { readonly format?: DataFormatName | undefined } = {},
): Promise<RowSource> {
  return openRowSource(path, dataFormats[format ?? (await recognisedFormat(path, options))], options);
}
