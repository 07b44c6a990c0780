import { FileError } from "../files/file-error.ts";

/** A `data:` URL that holds these bytes. */
export function dataUrl(bytes: Uint8Array, mediaType: string): string {
  return `data:${mediaType};base64,${Buffer.from(bytes).toString("base64")}`;
}

/** Whether a text is a `data:` URL, written in whatever letters and with whatever blanks in front. */
export function isDataUrl(text: string): boolean {
  return /^[\0- ]*data:/i.test(text);
}

/**
 * Whether a text can only be meant as base64 that lacks the beginning of its URL: nothing but base64's letters and too
 * long for a name, or `image/png;base64,…`. For errors that say what to write in front.
 */
export function isBareBase64(text: string): boolean {
  const beginning = text.slice(0, 400);
  return (
    /^[\w/+.-]*;base64,/i.test(beginning) || (text.length >= 200 && /^[\w+/\n\r-]+=*\s*$/.test(beginning))
  );
}

/**
 * The bytes that a `data:` URL holds, as the URL and Fetch standards decode it: base64 with or without its padding and
 * with blanks and line breaks in it, and what is percent-encoded. `fetch` gives the same, but takes three to five times as
 * long for a large picture, and holds up everything else meanwhile.
 *
 * @throws FileError that says what is wrong, and repeats nothing of what may be long
 */
export function bytesOfDataUrl(url: string): Uint8Array {
  // The URL standard takes blanks off both ends, line breaks and tabs out, and what follows # is no data.
  const text = withoutEnds(url).replace(/[\t\n\r]|#.*$/gs, "");
  const comma = text.indexOf(",");
  if (comma < 0) {
    throw new FileError("data: URL: must have a comma before its data, as data:image/png;base64,…, got none");
  }
  const data = percentDecoded(text.slice(comma + 1));
  return /; *base64\s*$/i.test(text.slice(0, comma)) ? bytesOfText(bytesAsText(data)) : bytesOfText(data);
}

/** Without the blanks and control characters at both ends; a regular expression takes ever longer for many blanks. */
function withoutEnds(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && text[start] <= " ") start++;
  while (end > start && text[end - 1] <= " ") end--;
  return text.slice(start, end);
}

/** One character for each byte. */
function percentDecoded(text: string): string {
  const ascii = text.replace(/[\u{80}-\u{10ffff}]{1,1000}/gu, utf8);
  if (!ascii.includes("%")) return ascii;
  return ascii.replace(/%([\da-f]{2})/gi, (_, byte: string) =>
    String.fromCharCode(Number.parseInt(byte, 16)),
  );
}

function utf8(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

/** What `atob` reads is what the standards call forgiving base64. */
function bytesAsText(base64: string): string {
  try {
    return atob(base64);
  } catch (cause) {
    throw new FileError(`data: URL: must hold base64, got ${whatIsWrong(base64)}`, { cause });
  }
}

function whatIsWrong(base64: string): string {
  const foreign = /[^A-Za-z0-9+/=\t\n\f\r ]/.exec(base64)?.[0];
  if (foreign === "-" || foreign === "_") {
    return `"${foreign}" of the alphabet for file names; write "+" for "-" and "/" for "_"`;
  }
  if (foreign !== undefined) return `the letter ${JSON.stringify(foreign)}`;
  return /=[^=]*[^=\s]/.test(base64) || /={3}/.test(base64) ? '"=" before its end' : "one that was cut short";
}

/** One byte for each character. */
function bytesOfText(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
