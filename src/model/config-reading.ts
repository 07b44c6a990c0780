import { z } from "zod";

// What the readers of config.json's sections share.

/** Is told a key that is wrong, and what is wrong with it. */
export type OnProblem = (key: string, problem: string) => void;

/** A size that config.json may leave out because a tensor shows it: along an axis, or by how many layers there are. */
export type SizeFromTensor =
  | { readonly key: string; readonly tensor: string; readonly axis: number }
  | { readonly key: string; readonly layer: (index: number) => string };

/** Standard deviation of fresh weights. */
export const initializerRange = z.number().nonnegative().default(0.02);

/** Accepts the value that changes nothing, where a published setting could ask for something else. */
export const only = <T extends boolean | number | string>(value: T) => z.literal(value).nullish();

/** The value by a schema; undefined where it does not fit, of which every key is reported. */
export function parsed<T>(
  schema: z.ZodType<T>,
  json: Record<string, unknown>,
  onProblem: OnProblem,
): T | undefined {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    const key = String(issue.path[0]);
    onProblem(issue.path.join("."), `${issue.message}, got ${JSON.stringify(json[key])}`);
  }
  return undefined;
}

export function requireMultiple(
  onProblem: OnProblem,
  key: string,
  whole: number,
  part: string,
  by: number,
): void {
  if (whole % by !== 0) onProblem(key, `must be a multiple of ${part} (${by}), got ${whole}`);
}
