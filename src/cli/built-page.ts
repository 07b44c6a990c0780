import { fileURLToPath } from "node:url";

/** Where the pages lie once they have been built. */
export const builtPage = fileURLToPath(new URL("../../dist/web", import.meta.url));
