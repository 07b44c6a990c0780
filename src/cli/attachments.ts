import { checkImage, checkVideo, decodeImage } from "../image/index.ts";
import {
  bytesOfDataUrl,
  bytesOfKind,
  type FileKind,
  fileKind,
  isDataUrl,
  openFile,
} from "../platform/index.ts";
import { isAddress, optionPath, typedPaths } from "./typed-paths.ts";

/** A picture or video that belongs to a question. */
export interface Attachment {
  readonly type: "image" | "video";
  readonly file: string;
}

/**
 * The files that a line names for a question, after checking that they exist and are pictures or videos.
 *
 * @throws an error that names the file and the reason
 */
export async function namedAttachments(type: Attachment["type"], text: string): Promise<Attachment[]> {
  const named = (await typedPaths(text)).map((file) => ({ type, file }));
  for (const attachment of named) await checkAttachment(attachment);
  return named;
}

/** The same for a file that an option names. */
export async function optionAttachment({ type, file }: Attachment): Promise<Attachment> {
  const attachment = { type, file: await optionPath(file) };
  await checkAttachment(attachment);
  return attachment;
}

/**
 * The pictures and videos of a line that is nothing but their paths, as a terminal writes what is dropped on it;
 * undefined for any other line.
 *
 * @throws an error if such a file is not a supported picture
 */
export async function droppedAttachments(line: string): Promise<Attachment[] | undefined> {
  const looksDropped = /^(?:[/'"~.]|& ['"]|file:|[a-z]:\\|\\\\)/i.test(line);
  if (!looksDropped && (line.length > 255 || !/\.\w{2,5}$/.test(line))) return undefined;
  const files = await typedPaths(line).catch(() => []);
  if (files.length === 0 || files.some(isAddress)) return undefined;
  const kinds = await Promise.all(files.map(kindOf));
  if (kinds.some((kind) => kind === undefined || kind.group === "other")) return undefined;
  const dropped = files.map((file, i): Attachment => {
    return { type: kinds[i]?.group === "video" ? "video" : "image", file };
  });
  for (const attachment of dropped) await checkAttachment(attachment);
  return dropped;
}

/** A remote file is fetched only when the question is asked, so it is not checked here. */
async function checkAttachment({ type, file }: Attachment): Promise<void> {
  if (isDataUrl(file)) {
    const bytes = bytesOfDataUrl(file);
    if (type === "image") await decodeImage(bytes);
    return;
  }
  if (isAddress(file)) return;
  if (type === "image") await checkImage(file, { whole: true });
  else await checkVideo(file);
}

async function kindOf(path: string): Promise<FileKind | undefined> {
  const file = await openFile(path);
  try {
    const bytes = new Uint8Array(Math.min(file.size, bytesOfKind));
    await file.read(bytes, 0);
    return fileKind(bytes);
  } finally {
    await file.close();
  }
}
