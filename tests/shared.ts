import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Whether the fixtures computed with the original code are there, beside the checkout; without them those tests are skipped. */
const folder = fileURLToPath(new URL("../../shared", import.meta.url));

export const sharedAvailable = existsSync(join(folder, "golden", "README.md"));

/** Path of a fixture below `../shared`. */
export function shared(path: string): string {
  return join(folder, path);
}

if (!sharedAvailable) {
  console.warn("../shared is absent: the tests against the reference's full fixtures are skipped");
}
