import { hubRepoOf } from "../model-files/index.ts";
import { pathKind, realPath } from "../platform/index.ts";
import type { Adapter } from "./adapter.ts";

/**
 * A warning where an adapter's config names another base model than the one it is loaded with; undefined where it names
 * none, or where the last parts of the names agree: a directory, a repo in the hub's cache and its name may all be the
 * same model.
 *
 * @param path the adapter's
 * @param directory the model's
 * @param config content of the model's config.json, whose `_name_or_path` is a name too
 */
export async function baseWarning(
  { baseModel }: Adapter,
  path: string,
  directory: string,
  config: unknown,
): Promise<string | undefined> {
  if (baseModel === undefined) return undefined;
  const base = await namesOf(baseModel);
  const { _name_or_path: origin } = Object(config) as Record<string, unknown>;
  const own = [...(await namesOf(directory)), ...(typeof origin === "string" ? await namesOf(origin) : [])];
  if (base.some((name) => own.includes(name))) return undefined;
  return `${path}: was trained on ${shortened(baseModel)}, is given to ${shortened(directory)}; its answers are only meant for the model that it was trained on`;
}

/** The names by which a model is known: the last part of its path, of where that leads, or of its repo of the hub. */
async function namesOf(model: string): Promise<string[]> {
  const isThere = (await pathKind(model).catch(() => "missing")) !== "missing";
  const paths = isThere ? [model, await realPath(model)] : [model];
  return paths.map(lastPart).filter((name) => name !== "" && !/^\.+$/.test(name));
}

function lastPart(path: string): string {
  const parts = (hubRepoOf(path) ?? path).split(/[\\/]/).filter((part) => part !== "");
  return (parts.at(-1) ?? "").replace(/@[^@]*$/, "").toLowerCase();
}

const shortened = (name: string): string => (name.length > 200 ? `…${name.slice(-199)}` : name);
