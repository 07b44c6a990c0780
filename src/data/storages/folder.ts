import { directoryEntries, joinPath, pathKind, readText } from "../../platform/index.ts";
import { DataError } from "../example.ts";
import type { FoundRecord, RecordValue } from "../record.ts";

const pictureEnding = /\.(?:jpe?g|jfif|png|webp|gif|avif|tiff?|bmp|svg|heic|heif)$/i;
const textEnding = /\.(?:txt|caption)$/i;
const soundOrFilm = /\.(?:mp3|wav|flac|ogg|m4a|mp4|avi|mov|webm|mkv)$/i;

/** A file below a folder. */
interface Found {
  /** Relative to the folder, with `/`. */
  readonly name: string;
  readonly path: string;
}

/**
 * A folder of pictures. Where text files lie in it, each picture has one of its own name (`cat.jpg`, `cat.txt`); else each lies in a
 * folder that says what it shows (`red_apple/1.jpg`), and the folder's name is its text, underscores as blanks. Other files are passed over.
 */
export async function* folderRecords(path: string): AsyncGenerator<FoundRecord> {
  const files = await filesBelow(path, "");
  const listed = files.find(({ name }) => /(?:^|\/)metadata\.(?:jsonl|csv)$/.test(name));
  if (listed !== undefined)
    throw new DataError(
      `${path}: has ${listed.name}, which says what its pictures are; name that file in the recipe`,
    );
  const texts = new Map(
    files.filter(({ name }) => textEnding.test(name)).map((file) => [stemOf(file.name), file]),
  );
  const pictures = files.filter(({ name }) => pictureEnding.test(name));
  const rows = pictures.map(({ name, path: image }) => {
    const text = texts.get(stemOf(name));
    const read = (): Promise<RecordValue | string> =>
      texts.size > 0 ? withText(name, image, text) : Promise.resolve(withClass(name, image));
    return { name, read };
  });
  const used = new Set(pictures.map(({ name }) => stemOf(name)));
  const alone = [...texts].filter(([stem]) => !used.has(stem)).map(([, { name }]) => name);
  const strange = files.filter(({ name }) => soundOrFilm.test(name)).map(({ name }) => name);
  const wrong = [
    ...alone.map((name) => ({ name, problem: "must lie beside a picture of its name, got none" })),
    ...strange.map((name) => ({
      name,
      problem: "must be a picture, got sound or a film; move it elsewhere",
    })),
  ];
  let line = 0;
  for (const { name, read } of rows) yield found(++line, name, await read());
  for (const { name, problem } of wrong) yield found(++line, name, problem);
}

function found(line: number, label: string, value: RecordValue | string): FoundRecord {
  const stored = typeof value === "string" ? "" : JSON.stringify([label, value.text]);
  return {
    line,
    label,
    unit: "picture",
    stored,
    value,
    again: async () => (typeof value === "string" ? {} : value),
  };
}

async function withText(name: string, image: string, text: Found | undefined): Promise<RecordValue | string> {
  if (text === undefined)
    return `must have a text file beside it, ${name.replace(/\.[^.]*$/, "")}.txt, got none`;
  return { image, text: await readText(text.path) };
}

function withClass(name: string, image: string): RecordValue | string {
  const folders = name.split("/").slice(0, -1);
  if (folders.length === 1) return { image, text: folders[0].replaceAll("_", " ") };
  return folders.length === 0
    ? "must have a text file beside it, or lie in a folder that says what it shows"
    : `must lie in a folder that says what it shows, got folders in folders (${folders.join("/")}); name one of these in the recipe`;
}

/** A file's name without its ending, as a person reads it. */
const stemOf = (name: string): string => name.replace(/\.[^./]*$/, "").normalize("NFC");

async function filesBelow(directory: string, prefix: string): Promise<Found[]> {
  const files: Found[] = [];
  for (const name of await directoryEntries(directory)) {
    if (name.startsWith(".") || name === "__MACOSX") continue;
    const path = joinPath(directory, name);
    if ((await pathKind(path)) === "directory") files.push(...(await filesBelow(path, `${prefix}${name}/`)));
    else files.push({ name: prefix + name, path });
  }
  return files;
}
