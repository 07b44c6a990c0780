import { readJson } from "../../platform/index.ts";
import { DataError } from "../example.ts";
import { type FoundRecord, isRecord, type RecordValue } from "../record.ts";

/** Keys with which a COCO file begins. */
const begins = /^\s*\{\s*"(?:info|images|annotations|licenses|categories|type)"\s*:/;

/**
 * Whether a file is one object in COCO's way. Rows of other formats begin alike, so a first line that is an object by itself
 * decides.
 *
 * @param head its first characters
 */
export function isCoco(head: string): boolean {
  if (!begins.test(head)) return false;
  const [line, ...others] = head.split(/[\r\n]/);
  if (others.length === 0) return /"(?:file_name|coco_url|info|licenses|annotations)"/.test(line);
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) && Array.isArray(value.annotations);
  } catch {
    return true;
  }
}

/** COCO's captions: each annotation with a caption is a record of the file and words of its picture. The file is parsed whole. */
export async function* cocoRecords(path: string): AsyncGenerator<FoundRecord> {
  const whole = await readJson(path);
  if (!isRecord(whole) || !Array.isArray(whole.images) || !Array.isArray(whole.annotations))
    throw new DataError(`${path}: must have "images" and "annotations" as COCO's captions do, got others`);
  const names = new Map<unknown, unknown>();
  for (const image of whole.images) if (isRecord(image)) names.set(image.id, image.file_name);
  for (const [i, annotation] of whole.annotations.entries()) {
    const value = recordOf(annotation, names);
    const again = async (): Promise<RecordValue> => {
      if (typeof value !== "string") return value;
      throw new DataError(`${path}: ${value}`);
    };
    yield { line: i + 1, unit: "annotation", stored: JSON.stringify(value), value, again };
  }
}

function recordOf(annotation: unknown, names: ReadonlyMap<unknown, unknown>): RecordValue | string {
  if (!isRecord(annotation)) return "must be an object";
  const { image_id: id, caption } = annotation;
  if (typeof caption !== "string")
    return "must have a caption; annotations of boxes and classes are no texts to learn";
  const image = names.get(id);
  return typeof image === "string"
    ? { image, text: caption }
    : `must name one of the file's images, got image_id ${JSON.stringify(id)}`;
}
