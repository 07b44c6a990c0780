import { fileKind } from "./file-kind.ts";

const LFS = /^version https:\/\/git-lfs\.github\.com\/spec\/[^\n]*\n(?:[^\n]*\n)*?size (\d+)/;
const compressions = ["gzip", "zstd", "xz", "bzip2"];
const FETCH = "Fetch it again, for example by `owl pull org/name`.";

/** What a file holds in place of what its name says, and what to do. */
export interface UnexpectedContent {
  /** Follows "got". */
  readonly is: string;
  /** The next step, a sentence. */
  readonly next: string;
}

/** Bytes from the beginning that {@link unexpectedContent} wants to see. */
export const headBytes = 512;

/**
 * What a file that could not be read as what its name says really is: a git-lfs pointer, a web page saved in its place,
 * empty, zeros of a download that did not end, something compressed. Undefined where it is none of these.
 *
 * @param head its first bytes, at most {@link headBytes}
 */
export function unexpectedContent(head: Uint8Array): UnexpectedContent | undefined {
  if (head.length === 0) return { is: "an empty file", next: FETCH };
  const text = new TextDecoder("latin1").decode(head);
  const pointer = LFS.exec(text);
  if (pointer !== null) {
    return {
      is: `a git-lfs pointer to a file of ${pointer[1]} bytes, not the file itself`,
      next: "Fetch the file by `git lfs pull` in the clone, or by `owl pull org/name`.",
    };
  }
  if (/^(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|\?xml)/i.test(text)) {
    return { is: "a web page saved in place of the file", next: FETCH };
  }
  if (
    /^(?:Access to |Entry not found|Repository not found|Invalid (?:username|credentials)|\{"error":)/.test(
      text,
    )
  ) {
    const said = text.split("\n")[0].slice(0, 80);
    return { is: `the hub's refusal in place of the file (${JSON.stringify(said)})`, next: FETCH };
  }
  if (head.every((byte) => byte === 0)) {
    return { is: "nothing but zeros (a download that did not end?)", next: FETCH };
  }
  const name = fileKind(head)?.name;
  if (name === undefined || !compressions.includes(name)) return undefined;
  return { is: `a file compressed by ${name}`, next: "Unpack it first." };
}
