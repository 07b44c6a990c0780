import { isGgufFile } from "../model-files/index.ts";
import { pathKind } from "../platform/index.ts";

/** Whether a path is that of a GGUF file, which stands for a model's directory. */
export async function isGguf(path: string): Promise<boolean> {
  return isGgufFile(path) && (await pathKind(path)) === "file";
}
