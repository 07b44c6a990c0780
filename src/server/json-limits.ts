/** Most values in a body: far more than a conversation has, and few enough to validate each. */
const maxValues = 50_000;
/** Deepest nesting of lists and objects. */
const maxDepth = 256;

const [quote, backslash, comma] = ['"', "\\", ","].map((character) => character.charCodeAt(0));
const openings = ["[", "{"].map((character) => character.charCodeAt(0));
const closings = ["]", "}"].map((character) => character.charCodeAt(0));

/**
 * The limit that JSON exceeds, in words, found from its bytes before it is parsed: a few bytes can make objects that take a
 * hundred times the memory, and an error message for each. Whether the bytes are valid JSON is not checked.
 */
export function exceededLimit(bytes: Uint8Array): string | undefined {
  let values = 1;
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === quote) at = endOfString(bytes, at);
    else if (byte === comma) values++;
    else if (closings.includes(byte)) depth--;
    else if (openings.includes(byte)) {
      values++;
      depth++;
    }
    if (depth > maxDepth) return `at most ${maxDepth} lists and objects within each other`;
    if (values > maxValues) return `at most ${maxValues} values`;
  }
  return undefined;
}

/** Where the string ends that begins at `start`. */
function endOfString(bytes: Uint8Array, start: number): number {
  for (let at = bytes.indexOf(quote, start + 1); at >= 0; at = bytes.indexOf(quote, at + 1)) {
    let escapes = 0;
    while (bytes[at - 1 - escapes] === backslash) escapes++;
    if (escapes % 2 === 0) return at;
  }
  return bytes.length;
}
