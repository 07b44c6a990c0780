import { packagePath, readJson } from "../platform/index.ts";

const names = ["nano"];

/** Whether a recipe's `config` is a name for the sizes of owl-nano instead of a file. */
export const isBuiltInConfig = (config: string): boolean => names.includes(config);

/** The content of a config.json with owl-nano's sizes and another vocabulary. */
export async function builtInConfig(vocabulary: Readonly<Record<string, number>>): Promise<unknown> {
  const config = (await readJson(packagePath("models/owl-nano/config.json"))) as {
    readonly text_config: object;
  };
  return { ...config, text_config: { ...config.text_config, ...vocabulary } };
}
