import { parse } from "yaml";
import { shortened } from "../platform/index.ts";
import type { RecipeFile } from "./recipe-schema.ts";
import { checkedContent, type ReadRecipe, type RecipeProblem } from "./recipe-text.ts";

/** What stands in the place of a file in problems with settings. */
export const settingsName = "--set";

/** Keys whose own keys are names of parameters, with dots in them. */
const namedFreely = ["learningRateMultipliers"];

/**
 * Reads settings `key=value` as the lines of a recipe that extends another one. The value is YAML; dots lead to keys inside a key,
 * and to elements of a list by their number from 0 on, the rest of which stays as it is.
 *
 * @param inherited the values of the recipe without settings
 */
export function readSettings(settings: readonly string[], inherited: RecipeFile): ReadRecipe {
  const problems: RecipeProblem[] = [];
  const onProblem = (text: string): void => void problems.push({ file: settingsName, text });
  const content: Record<string, unknown> = {};
  for (const setting of settings) {
    const problem = place(setting, content, inherited);
    if (problem !== undefined) onProblem(problem);
  }
  const checked = checkedContent(content, (_, text) => onProblem(text));
  return { ...checked, problems, isReadable: true, lineOf: () => undefined };
}

/** Puts the value of a setting in its place; a text says what is wrong. */
function place(
  setting: string,
  content: Record<string, unknown>,
  inherited: Readonly<Record<string, unknown>>,
): string | undefined {
  const at = setting.indexOf("=");
  if (at < 1) return `must be key=value, as steps=200 or lora.rank=4, got ${shortened(setting)}`;
  const name = setting.slice(0, at).trim();
  const [key, ...inner] = name.split(".");
  if (key === "extends") return "extends: belongs in the file, on which all other keys rest";
  if (name.split(".").includes("__proto__")) return `${shortened(name)}: no such key`;
  const value = parsedValue(setting.slice(at + 1));
  if (value === unreadable)
    return `${shortened(name)}: must be YAML, got ${shortened(setting.slice(at + 1))}`;
  const steps = inner.length > 0 && namedFreely.includes(key) ? [inner.join(".")] : inner;
  const last = steps.pop();
  if (last === undefined) {
    content[key] = value;
    return undefined;
  }
  if (!Object.hasOwn(content, key)) content[key] = structuredClone(inherited[key]) ?? {};
  let holder: unknown = content[key];
  for (const step of steps) {
    const problem = holderProblem(name, holder, step);
    if (problem !== undefined) return problem;
    const holds = holder as Record<string, unknown>;
    if (!Object.hasOwn(holds, step)) holds[step] = {};
    holder = holds[step];
  }
  const problem = holderProblem(name, holder, last);
  if (problem === undefined) (holder as Record<string, unknown>)[last] = value;
  return problem;
}

function holderProblem(name: string, holder: unknown, step: string): string | undefined {
  if (typeof holder !== "object" || holder === null) {
    return `${shortened(name)}: must lead through keys that hold others, got ${JSON.stringify(holder)} in front of ${shortened(step)}`;
  }
  if (!Array.isArray(holder) || (/^\d+$/.test(step) && Number(step) <= holder.length)) return undefined;
  return `${shortened(name)}: must name an element of the list by its number, 0 to ${holder.length}, got ${shortened(step)}`;
}

const unreadable = Symbol("unreadable");

function parsedValue(text: string): unknown {
  if (text === "") return "";
  try {
    return parse(text) as unknown;
  } catch {
    return unreadable;
  }
}
