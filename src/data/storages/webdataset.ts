import { fileName, type OpenFile, openFile } from "../../platform/index.ts";
import { DataError } from "../example.ts";
import { StoredBytes } from "../picture.ts";
import { type FoundRecord, isRecord, type RecordValue } from "../record.ts";
import { utf8Text } from "../row-lines.ts";
import { bytesAt, type TarMember, tarMembers } from "./tar.ts";

const pictureEnding = /(?:^|\.)(?:jpe?g|jfif|png|webp|gif|avif|tiff?|bmp|svg)$/;
const textEnding = /(?:^|\.)(?:txt|text|caption)$/;
const soundOrFilm = /(?:^|\.)(?:mp3|wav|flac|ogg|m4a|opus|mp4|avi|mov|webm|mkv)$/;
/** Longer texts and descriptions are no captions. */
const longestText = 2 ** 24;

/**
 * The samples of a WebDataset shard as img2dataset writes it: neighbouring files of one name up to its first dot, such as
 * `000000000.jpg`, `.txt` and `.json`. A record has each of them by its ending, and the keys of the `.json`; the only picture is
 * its `image`. Pictures are read when they are needed.
 */
export async function* webdatasetRecords(path: string): AsyncGenerator<FoundRecord> {
  const file = await openFile(path);
  const seen = new Set<string>();
  let line = 0;
  let [key, members]: [string, TarMember[]] = ["", []];
  const finished = async (): Promise<FoundRecord> => {
    const label = key;
    const value = seen.has(key)
      ? "must be one sample, got another of the same name"
      : await sampleOf(file, members);
    seen.add(key);
    const stored = members.map(({ name, size }) => `${name} ${size}`);
    const words =
      typeof value === "string" ? [] : Object.values(value).filter((one) => typeof one === "string");
    return {
      line: ++line,
      label: fileName(label),
      unit: "sample",
      stored: JSON.stringify([...stored, ...words]),
      value,
      again: async () => (typeof value === "string" ? {} : value),
    };
  };
  try {
    for await (const member of tarMembers(file)) {
      const [own] = partsOf(member.name);
      if (own !== key && members.length > 0) {
        yield await finished();
        members = [];
      }
      key = own;
      members.push(member);
    }
    if (members.length > 0) yield await finished();
  } finally {
    await file.close();
  }
}

/** What a sample is called, and the ending that says which of its files this is. */
function partsOf(name: string): [key: string, ending: string] {
  const base = fileName(name);
  const dot = base.indexOf(".", 1);
  if (dot < 0) return [name, ""];
  return [name.slice(0, name.length - base.length + dot), base.slice(dot + 1).toLowerCase()];
}

async function sampleOf(file: OpenFile, members: readonly TarMember[]): Promise<RecordValue | string> {
  const record: Record<string, unknown> = {};
  const pictures: StoredBytes[] = [];
  for (const member of members) {
    const [, ending] = partsOf(member.name);
    if (soundOrFilm.test(ending))
      return `must be a picture with its text, got ${member.name}, which cannot be learned here`;
    if (pictureEnding.test(ending)) {
      const picture = new StoredBytes(`${file.path}:${member.name}`, () => readMember(file.path, member));
      pictures.push(picture);
      record[ending] = picture;
    } else if (textEnding.test(ending) || ending === "json") {
      if (member.size > longestText)
        return `must have texts of at most ${longestText} bytes, got ${member.name} of ${member.size}`;
      const text = utf8Text(await bytesAt(file, member.position, member.size));
      if (text === undefined) return `${member.name} must be UTF-8; save it as UTF-8`;
      if (ending !== "json") record[ending === "txt" ? "text" : ending] = text;
      else {
        const described = objectOf(text);
        if (described === undefined) return `${member.name} must be a JSON object`;
        // A sample's own files say more than what is said about them.
        for (const [key, value] of Object.entries(described)) record[key] ??= value;
      }
    }
  }
  if (pictures.length === 1) record.image = pictures[0];
  return record;
}

function objectOf(text: string): RecordValue | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

async function readMember(path: string, { name, position, size }: TarMember): Promise<Uint8Array> {
  const file = await openFile(path);
  try {
    if (position + size > file.size) throw new DataError(`${path}: has changed, ${name} lies behind its end`);
    return await bytesAt(file, position, size);
  } finally {
    await file.close();
  }
}
