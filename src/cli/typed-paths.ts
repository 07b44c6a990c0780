import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { foundPath, nearHint, pathKind, shortened } from "../platform/index.ts";

/** A piece of what was typed: the path that it means, and where it stands. */
interface Word {
  readonly path: string;
  readonly start: number;
  readonly end: number;
  /** Whether quotes closed it, so that it is no part of a longer name. */
  readonly isQuoted: boolean;
}

/** A path cannot be found; the message says what was looked for. */
export class TypedPathError extends Error {
  override name = "TypedPathError";
}

/**
 * The files that a person typed, or dropped on a terminal: with quotes, with backslashes before blanks and brackets, with
 * `~/`, as `file://` URLs, several in a row. Names with blanks need no quotes where such files are there. What begins as a
 * Windows path (`C:\…`, `\\server\…`) has no escapes. Addresses (`https://…`) stay as they are.
 *
 * @returns paths of files that are there, in order
 * @throws TypedPathError for the first that is not
 */
export async function typedPaths(text: string): Promise<string[]> {
  const line = text.trim().replace(/^& (?=['"])/, "");
  const whole = await fileAt(withHome(line));
  if (whole !== undefined) return [whole];
  const words = wordsOf(line);
  const paths: string[] = [];
  for (let i = 0; i < words.length; ) {
    const { path, next } = await longestFile(line, words, i);
    paths.push(path);
    i = next;
  }
  return paths;
}

/** One path, as an option has it: the shell took quotes and escapes away. */
export async function optionPath(text: string): Promise<string> {
  const path = text.startsWith("file:") ? pathOfWord(text) : withHome(text);
  return isAddress(path) ? path : foundPath(path);
}

/** The file whose name begins with a word and goes on over the blanks behind it as far as one is there. */
async function longestFile(
  line: string,
  words: readonly Word[],
  first: number,
): Promise<{ path: string; next: number }> {
  let last = first;
  while (last + 1 < words.length && ![words[last], words[last + 1]].some((word) => word.isQuoted)) last++;
  const nameTo = (i: number): string =>
    i === first ? words[i].path : pathOfWord(unescaped(line.slice(words[first].start, words[i].end)));
  for (let i = last; i >= first; i--) {
    const name = nameTo(i);
    const path = isAddress(name) ? name : await fileAt(name);
    if (path !== undefined) return { path, next: i + 1 };
  }
  const path = nameTo(/\.\w{2,5}$/.test(words[first].path) ? first : last);
  const isDirectory = (await pathKind(path).catch(() => "missing")) === "directory";
  const what = isDirectory ? "a directory; name a file in it" : `no such file${await nearHint(path)}`;
  throw new TypedPathError(`${shortened(path)}: ${what}`);
}

/** A path's file under the name that it has on the disk; undefined where there is none. */
async function fileAt(path: string): Promise<string | undefined> {
  if (path === "" || path.length > 4096 || path.includes("\0")) return undefined;
  const found = await foundPath(path);
  return (await pathKind(found).catch(() => "missing")) === "file" ? found : undefined;
}

const isWindowsPath = (text: string): boolean => /^(?:[a-z]:\\|\\\\)/i.test(text);
/** Whether a text is an address and no path. */
export const isAddress = (text: string): boolean => /^(?:https?|data):/i.test(text);

function withHome(path: string): string {
  return /^~(?=[\\/]|$)/.test(path) ? join(homedir(), path.slice(1)) : path;
}

/** Backslashes taken from what a shell would read, but not from Windows paths. */
function unescaped(text: string): string {
  return isWindowsPath(text) ? text : text.replace(/\\(.)/gu, "$1");
}

function pathOfWord(word: string): string {
  if (!/^file:/i.test(word)) return withHome(word);
  try {
    return fileURLToPath(new URL(word));
  } catch {
    throw new TypedPathError(`${shortened(word)}: must be a file on this machine, as file:///home/me/a.png`);
  }
}

/** What stands together between blanks: in quotes, behind backslashes, or as it is; a Windows path has no escapes. */
const wordPattern =
  /"(?:[a-z]:\\|\\\\)[^"]*"|(?:[a-z]:\\|\\\\)[^ \t]*|(?:'[^']*'|"(?:[^"\\]|\\[\s\S])*"|\\[\s\S]|[^ \t\\'"]|['"\\])+/gi;
const piecePattern = /'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])|([\s\S])/g;

/** Splits a line at its blanks as a shell does, quotes and backslashes heeded. */
function wordsOf(line: string): Word[] {
  return [...line.matchAll(wordPattern)].map(({ 0: raw, index: start }) => {
    const place = { start, end: start + raw.length, isQuoted: /^['"]/.test(raw) };
    const plain = raw.replace(/^"|"$/g, "");
    if (isWindowsPath(plain)) return { path: plain, ...place };
    const text = raw.replace(piecePattern, (_, single, double, escaped, other) => {
      // In double quotes a shell knows backslashes before a few signs only; in single ones before none.
      return single ?? double?.replace(/\\([\\"$`])/g, "$1") ?? escaped ?? other;
    });
    return { path: pathOfWord(text), ...place };
  });
}
