import type { Automaton, Call } from "./automaton.ts";
import type { CharacterAutomaton } from "./characters.ts";

// A state is the automaton's state times `within`, plus the kind of place inside a character times `bitsOf`, plus
// the bits of the character that have come.
const within = 2 ** 21;
const bitsOf = 2 ** 17;

const opening = 0;
const inside = 1;
const closedString = 2;
const afterBackslash = 3;
/** After \u; the kinds that follow it are those after each hexadecimal digit. */
const hexadecimal = 4;
/** Inside a character of UTF-8: its bytes, how many are still to come, and the characters of so many bytes. */
const partial: Readonly<Record<number, { missing: number; low: number; high: number }>> = {
  8: { missing: 1, low: 0x80, high: 0x7ff },
  9: { missing: 2, low: 0x800, high: 0xffff },
  10: { missing: 1, low: 0x800, high: 0xffff },
  11: { missing: 3, low: 0x10000, high: 0x10ffff },
  12: { missing: 2, low: 0x10000, high: 0x10ffff },
  13: { missing: 1, low: 0x10000, high: 0x10ffff },
};

const quote = 0x22;
const backslash = 0x5c;
const letterU = 0x75;
const escapes = new Map(
  ['""', "\\\\", "//", "b\b", "f\f", "n\n", "r\r", "t\t"].map((pair) => [
    pair.charCodeAt(0),
    pair.charCodeAt(1),
  ]),
);

const none: readonly never[] = [];

/** A string of JSON whose characters an automaton allows: as they are in UTF-8, or escaped. */
export class StringMachine implements Automaton {
  readonly start: number;
  readonly #characters: CharacterAutomaton;

  constructor(characters: CharacterAutomaton) {
    this.#characters = characters;
    this.start = place(characters.start, opening);
  }

  next(state: number, byte: number): readonly number[] {
    const next = this.#after(state, byte);
    return next !== undefined && this.fewestTokens(next) < Number.POSITIVE_INFINITY ? [next] : none;
  }

  calls(): readonly Call[] {
    return none;
  }

  accepts(state: number): boolean {
    return kindOf(state) === closedString;
  }

  fewestTokens(state: number): number {
    const kind = kindOf(state);
    const at = Math.floor(state / within);
    if (kind === closedString) return 0;
    if (kind === opening) return 2 + this.#characters.least(at);
    if (kind === inside) return 1 + this.#characters.least(at);
    if (kind === afterBackslash) return this.#leastEscaped(at);
    const { missing, low, high } = rangeAt(kind, state % bitsOf);
    return missing + 1 + this.#leastAfter(at, low, high);
  }

  #leastEscaped(at: number): number {
    const short = [...escapes.values()].map(
      (character) => 2 + this.#characters.leastAfter(at, character, character),
    );
    return Math.min(...short, 6 + this.#leastAfter(at, 0, 0xffff));
  }

  /** Of a range without surrogates. */
  #leastAfter(at: number, low: number, high: number): number {
    const parts = [
      [low, Math.min(high, 0xd7ff)],
      [Math.max(low, 0xe000), high],
    ];
    return parts.reduce(
      (least, [first, last]) =>
        first > last ? least : Math.min(least, this.#characters.leastAfter(at, first, last)),
      Number.POSITIVE_INFINITY,
    );
  }

  #after(state: number, byte: number): number | undefined {
    const kind = kindOf(state);
    const at = Math.floor(state / within);
    const bits = state % bitsOf;
    if (kind === opening) return byte === quote ? place(at, inside) : undefined;
    if (kind === inside) return this.#inside(at, byte);
    if (kind === afterBackslash) {
      if (byte === letterU) return place(at, hexadecimal);
      const meant = escapes.get(byte);
      return meant === undefined ? undefined : this.#character(at, meant);
    }
    if (kind in partial) return this.#continued(at, kind, bits, byte);
    return kind === closedString ? undefined : this.#digit(at, kind, bits, byte);
  }

  #inside(at: number, byte: number): number | undefined {
    if (byte === quote) return this.#characters.accepts(at) ? place(at, closedString) : undefined;
    if (byte === backslash) return place(at, afterBackslash);
    if (byte < 0x20) return undefined;
    if (byte < 0x80) return this.#character(at, byte);
    if (byte < 0xc2 || byte > 0xf4) return undefined;
    if (byte < 0xe0) return place(at, 8, byte & 0x1f);
    return byte < 0xf0 ? place(at, 9, byte & 0x0f) : place(at, 11, byte & 0x07);
  }

  #continued(at: number, kind: number, bits: number, byte: number): number | undefined {
    if (byte < 0x80 || byte > 0xbf) return undefined;
    const more = bits * 64 + (byte & 0x3f);
    const { missing, low, high } = partial[kind];
    if (missing > 1) return place(at, kind + 1, more);
    return low <= more && more <= high ? this.#character(at, more) : undefined;
  }

  #digit(at: number, kind: number, bits: number, byte: number): number | undefined {
    const digit = Number.parseInt(String.fromCharCode(byte), 16);
    if (Number.isNaN(digit)) return undefined;
    const more = bits * 16 + digit;
    return kind < hexadecimal + 3 ? place(at, kind + 1, more) : this.#character(at, more);
  }

  #character(at: number, character: number): number | undefined {
    if (character >= 0xd800 && character <= 0xdfff) return undefined;
    const next = this.#characters.next(at, character);
    return next === undefined ? undefined : place(next, inside);
  }
}

function place(at: number, kind: number, bits = 0): number {
  return at * within + kind * bitsOf + bits;
}

function kindOf(state: number): number {
  return Math.floor((state % within) / bitsOf);
}

/** The characters that a beginning may become, and how many bytes are still to come. */
function rangeAt(kind: number, bits: number): { missing: number; low: number; high: number } {
  const sequence = partial[kind];
  const missing = sequence?.missing ?? hexadecimal + 4 - kind;
  const step = sequence === undefined ? 16 : 64;
  const low = bits * step ** missing;
  const high = low + step ** missing - 1;
  if (sequence === undefined) return { missing, low, high };
  return { missing, low: Math.max(low, sequence.low), high: Math.min(high, sequence.high) };
}
