import type { OpenFile } from "../../platform/index.ts";
import { chunksOf, type FilePart, joined } from "../row-lines.ts";

/** An item of a JSON list, or what is wrong with the list there. */
export interface JsonItem extends FilePart {
  /** Counted from 1. */
  readonly number: number;
  readonly problem?: string;
}

const signs = (text: string): ReadonlySet<number> => new Set([...text].map((sign) => sign.charCodeAt(0)));
const blanks = signs(" \t\r\n");
const opening = signs("{[");
const closing = signs("}]");
const [quote, backslash, comma, listStart, listEnd] = [...signs('"\\,[]')];

/**
 * The items of a file that is one JSON list, cut apart without being parsed: of a list of a gigabyte one item at a time is in
 * memory.
 *
 * @param from where the list begins, at its bracket or blanks in front
 */
export async function* jsonItems(file: OpenFile, from: number): AsyncGenerator<JsonItem> {
  const cutter = new ItemCutter();
  for await (const part of chunksOf(file, from)) yield* cutter.cut(part);
  yield* cutter.end(file.size);
}

class ItemCutter {
  /** The last bytes that were given, from the beginning of an item that is not whole yet. */
  #kept: Uint8Array = new Uint8Array(0);
  #place: "before" | "between" | "inside" | "behind" | "closed" = "before";
  #depth = 0;
  #inString = false;
  #isEscaped = false;
  #hasComma = true;
  #number = 0;

  *cut({ start, bytes }: FilePart): Generator<JsonItem> {
    const window = joined(this.#kept, bytes);
    const base = start - this.#kept.length;
    let [itemStart, at] = [0, this.#kept.length];
    while (at < window.length) {
      if (this.#place === "inside") {
        const end = this.#itemEnd(window, at);
        if (end === undefined) break;
        yield { number: this.#number, start: base + itemStart, bytes: window.slice(itemStart, end) };
        this.#place = "between";
        this.#hasComma = false;
        at = end;
        continue;
      }
      const sign = window[at];
      if (blanks.has(sign)) at++;
      else if (this.#place === "behind") {
        yield this.#problem(base + at, "nothing may stand behind the list");
        this.#place = "closed";
      } else if (this.#place === "closed") return;
      else if (this.#place === "before") {
        this.#place = "between";
        at++;
      } else if (sign === comma && !this.#hasComma) {
        this.#hasComma = true;
        at++;
      } else if (sign === listEnd) {
        if (this.#hasComma && this.#number > 0) yield this.#problem(base + at, "an item must follow a comma");
        this.#place = "behind";
        at++;
      } else {
        if (!this.#hasComma || sign === comma)
          yield this.#problem(base + at, "one comma must stand between two items");
        if (sign === comma) at++;
        else {
          this.#number++;
          this.#place = "inside";
          itemStart = at;
        }
      }
    }
    this.#kept = this.#place === "inside" ? window.slice(itemStart) : new Uint8Array(0);
  }

  *end(size: number): Generator<JsonItem> {
    if (this.#place !== "behind" && this.#place !== "closed")
      yield this.#problem(size, "the file ends before its list does; was it cut short?");
  }

  #problem(start: number, problem: string): JsonItem {
    return { number: Math.max(1, this.#number), start, bytes: new Uint8Array(0), problem };
  }

  /** Where the item ends that began before `at`; undefined where that is not to be seen yet. */
  #itemEnd(window: Uint8Array, from: number): number | undefined {
    for (let at = from; at < window.length; at++) {
      const sign = window[at];
      if (this.#inString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (sign === backslash) this.#isEscaped = true;
        else if (sign === quote) {
          this.#inString = false;
          if (this.#depth === 0) return at + 1;
        }
      } else if (sign === quote) this.#inString = true;
      else if (opening.has(sign)) this.#depth++;
      else if (this.#depth === 0 && (sign === comma || sign === listEnd || blanks.has(sign))) return at;
      else if (closing.has(sign) && --this.#depth === 0) return at + 1;
    }
    return undefined;
  }
}

/** Whether a text begins as a JSON list. */
export function beginsAsList(text: string): boolean {
  return text.trimStart().charCodeAt(0) === listStart;
}
