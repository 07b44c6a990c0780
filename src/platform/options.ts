import { z } from "zod";
import { nearestName } from "./text/nearest-name.ts";
import { described, shortened } from "./text/shortened.ts";

/** Options do not hold what they must; the message lists every problem. */
export class OptionsError extends RangeError {
  override name = "OptionsError";
}

/** What each of a function's options must be: one entry for every key, which the compiler sees to. */
export type OptionRules<Options> = { readonly [Name in keyof Options]-?: z.ZodType };

/** Rules for options, each described by what stands behind "must be" in an error. */
export const option = {
  flag: z.boolean().optional().describe("true or false"),
  count: z.int().min(1).optional().describe("a whole number of at least 1"),
  size: z.int().min(0).optional().describe("a whole number of at least 0"),
  positive: z.number().positive().optional().describe("a number above 0"),
  text: z.string().min(1).optional().describe("a text"),
  texts: z.array(z.string()).optional().describe("a list of texts"),
  place: z
    .union([z.string().min(1), z.instanceof(URL)])
    .optional()
    .describe("a path, a name or a file: URL"),
  object: z.looseObject({}).optional().describe("an object"),
  callback: z
    .custom((value) => typeof value === "function")
    .optional()
    .describe("a function"),
  signal: z
    .custom((value) => typeof value === "object" && value !== null && "aborted" in value)
    .optional()
    .describe("an AbortSignal"),
  /** What an answer's JSON may be asked by. */
  json: z
    .union([z.boolean(), z.looseObject({})])
    .optional()
    .describe("true, false or a JSON schema"),
  /** One of these words. */
  oneOf: (words: readonly string[]): z.ZodType =>
    z
      .enum(words)
      .optional()
      .describe(`one of ${words.map((word) => JSON.stringify(word)).join(", ")}`),
} as const;

/**
 * Refuses options with a key that is unknown, or a value that cannot be: all at once, each with the nearest known key.
 * A value of undefined counts as absent.
 *
 * @param where what the error begins with, such as `Owl.load`
 * @throws OptionsError
 */
export function checkOptions<Options extends object>(
  where: string,
  given: Options,
  rules: OptionRules<Options>,
): void {
  const problems = optionProblems(given, rules);
  if (problems.length > 0) throw new OptionsError(`${where}: ${problems.join("; ")}`);
}

/** What is wrong with options, as {@link checkOptions} says it. */
export function optionProblems(given: unknown, rules: Readonly<Record<string, z.ZodType>>): string[] {
  if (given === undefined) return [];
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    return [`options must be an object, got ${described(given)}`];
  }
  const problems: string[] = [];
  for (const [key, value] of Object.entries(given)) {
    const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
    if (rule === undefined) problems.push(unknownKey(key, Object.keys(rules)));
    else if (value !== undefined) problems.push(...valueProblems(key, value, rule));
  }
  for (const [key, rule] of Object.entries(rules)) {
    const value = (given as Readonly<Record<string, unknown>>)[key];
    if (value === undefined) problems.push(...valueProblems(key, value, rule));
  }
  return problems;
}

function valueProblems(key: string, value: unknown, rule: z.ZodType): string[] {
  const parsed = rule.safeParse(value);
  if (parsed.success) return [];
  const { description } = rule;
  if (description !== undefined) return [`${key}: must be ${description}, got ${described(value)}`];
  return parsed.error.issues.map(
    ({ path, message }) => `${[key, ...path].join(".")}: ${message.replace(/^Invalid input: /, "")}`,
  );
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = nearestName(key, known);
  const next = near === undefined ? `there are ${known.join(", ")}` : `did you mean ${near}?`;
  return `no option is called ${shortened(key)} (${next})`;
}
