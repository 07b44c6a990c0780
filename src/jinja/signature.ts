import { TemplateError } from "./error.ts";
import type { Named, Value } from "./values.ts";

/**
 * Refuses arguments that a function does not know: passed over they would give another text than Python's.
 *
 * @param names of the parameters in order; undefined: it takes any
 * @throws TemplateError naming the first of them
 */
export function requireKnownArguments(
  name: string,
  names: readonly string[] | undefined,
  args: readonly Value[],
  named: Named,
): void {
  if (names === undefined) return;
  if (args.length > names.length) {
    throw new TemplateError(`${name}() takes at most ${names.length} arguments here, got ${args.length}`);
  }
  const unknown = [...named.keys()].find((key) => !names.includes(key));
  if (unknown !== undefined) {
    throw new TemplateError(`${name}() got an unexpected keyword argument '${unknown}'`);
  }
}
