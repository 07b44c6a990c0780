import { described } from "../../platform/index.ts";
import { HubError } from "../errors.ts";

/** The browser's twin of `src/hub`: a model is where its address says, and nothing is looked up. */
export async function modelDirectory(model?: string | URL): Promise<string> {
  if (typeof model === "string" || model instanceof URL) return String(model);
  throw new HubError(
    `model: must be the address of a model directory, such as "/models/owl-nano", got ${described(model)}`,
  );
}

/** As {@link modelDirectory} for a LoRA adapter. */
export const adapterPath: typeof modelDirectory = modelDirectory;

export { HubError };
