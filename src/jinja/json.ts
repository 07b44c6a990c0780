import { Float } from "./values.ts";

const textOrNumber = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const mark = "\u0000float";

/**
 * JSON as Python reads it, for a template's variables: a number written with a point or an exponent stays one that is
 * written so again (`3.0`), which `JSON.parse` forgets.
 *
 * @throws SyntaxError for what is no JSON; RangeError for whole numbers beyond 2⁵³, which would be written otherwise
 */
export function parseVariables(json: string): unknown {
  const marked = json.replace(textOrNumber, (found) => {
    if (found.startsWith('"')) return found;
    if (/[.eE]/.test(found)) return `{${JSON.stringify(mark)}:${found}}`;
    if (Number.isSafeInteger(Number(found))) return found;
    throw new RangeError(`whole numbers must be at most 2^53 − 1, got ${found}`);
  });
  return JSON.parse(marked, (_, value: unknown) => {
    const number = Object(value)[mark];
    return typeof number === "number" ? new Float(number) : value;
  });
}
