import type { AddedToken } from "./format.ts";

/** Where a text has the written form of an added token, with the blanks that the token takes with it. */
export interface Found {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

/** A written form that stands somewhere, or its beginning where the text ends. */
export interface WrittenForm {
  readonly start: number;
  readonly form: string;
  /** Whether it stands there whole. */
  readonly isWhole: boolean;
}

/** A node of a tree of written forms, letter by letter. */
interface Node {
  readonly next: Map<number, Node>;
  token?: AddedToken;
}

/** Whether a form that stands somewhere is the token. */
export type Admits = (token: AddedToken, start: number, end: number) => boolean;

const word = "[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\u200c\\u200d]";
const endsWithWord = new RegExp(`${word}$`, "u");
const startsWithWord = new RegExp(`^${word}`, "u");
const blank = /\p{White_Space}/u;

/** Finds the written forms of tokens in texts: the leftmost, of several the longest (as Hugging Face's tokenizers do). */
export class WrittenTokens {
  readonly #root: Node = { next: new Map() };
  readonly isEmpty: boolean;

  /** @param formOf how a token is written in the texts; default: as it is */
  constructor(tokens: readonly AddedToken[], formOf: (content: string) => string = (content) => content) {
    for (const token of tokens) this.#add(formOf(token.content), token);
    this.isEmpty = this.#root.next.size === 0;
  }

  /** The tokens of a text, in order. */
  find(text: string, admits: Admits = () => true): Found[] {
    const found: Found[] = [];
    if (this.isEmpty) return found;
    let free = 0;
    for (let start = 0; start < text.length; start++) {
      const match = this.#longest(text, start, admits);
      if (match === undefined) continue;
      const { token, end } = match;
      start = end - 1;
      if (token.single_word && !isWord(text, end - match.length, end)) continue;
      const from = token.lstrip ? Math.max(free, blanksBefore(text, end - match.length)) : end - match.length;
      free = token.rstrip ? blanksBehind(text, end) : end;
      start = free - 1;
      found.push({ id: token.id, start: from, end: free });
    }
    return found;
  }

  /** Where a form begins that stands whole in the text (of several the shortest), or whose beginning ends it. */
  beginnings(text: string): WrittenForm[] {
    const places: WrittenForm[] = [];
    for (let start = 0; start < text.length; start++) {
      let node = this.#root.next.get(text.charCodeAt(start));
      let end = start + 1;
      for (; node !== undefined && node.token === undefined && end < text.length; end++) {
        node = node.next.get(text.charCodeAt(end));
      }
      if (node === undefined) continue;
      places.push({ start, form: text.slice(start, end), isWhole: node.token !== undefined });
    }
    return places;
  }

  #add(form: string, token: AddedToken): void {
    if (form === "") return;
    let node = this.#root;
    for (let at = 0; at < form.length; at++) {
      const letter = form.charCodeAt(at);
      const next: Node = node.next.get(letter) ?? { next: new Map() };
      node.next.set(letter, next);
      node = next;
    }
    node.token = token;
  }

  #longest(
    text: string,
    start: number,
    admits: Admits,
  ): { readonly token: AddedToken; readonly end: number; readonly length: number } | undefined {
    let best: { token: AddedToken; end: number; length: number } | undefined;
    let node = this.#root.next.get(text.charCodeAt(start));
    for (let end = start + 1; node !== undefined; end++) {
      const { token } = node;
      if (token !== undefined && admits(token, start, end)) best = { token, end, length: end - start };
      if (end >= text.length) break;
      node = node.next.get(text.charCodeAt(end));
    }
    return best;
  }
}

const isWord = (text: string, start: number, end: number): boolean =>
  !endsWithWord.test(text.slice(Math.max(0, start - 2), start)) &&
  !startsWithWord.test(text.slice(end, end + 2));

function blanksBefore(text: string, end: number): number {
  let start = end;
  while (start > 0 && blank.test(text[start - 1])) start--;
  return start;
}

function blanksBehind(text: string, start: number): number {
  let end = start;
  while (end < text.length && blank.test(text[end])) end++;
  return end;
}
