import type { Automaton } from "./automaton.ts";
import type { TokenTable } from "./token-table.ts";

/** A stack frame: an automaton at one of its states, and the frame that goes on when it has ended. */
interface Frame {
  readonly id: number;
  readonly automaton: Automaton;
  readonly state: number;
  readonly caller: Frame | undefined;
  /** Fewest tokens after which it and its callers can have ended. */
  readonly fewestTokens: number;
}

/** All stack frames that a grammar may be in after some bytes: a state of the determinised automaton. */
export interface NfaStates {
  readonly frames: readonly Frame[];
  /** Whether the text may end here. */
  readonly complete: boolean;
  /** Fewest tokens after which the text can be complete. */
  readonly fewestTokens: number;
  /** The states after each byte, as far as they are computed; null: the byte cannot come. */
  readonly transitions: (NfaStates | null | undefined)[];
  /** By token id: fewest tokens from that token to the end of the text; {@link impossible}: the token may not come. */
  tokensToEnd: Uint16Array | undefined;
}

/** Stands for a token that may not come. */
export const impossible = 0xffff;

/** Frames that are followed at once. Of more, those that end in the fewest tokens are kept. */
const maxFrames = 128;
const maxStates = 10_000;
const maxBytes = 2 ** 26;

/** Runs a grammar's automaton over bytes and tokens. Transitions are computed when they are needed and cached, up to a bound. */
export class SchemaAutomaton {
  readonly #root: Automaton;
  readonly #vocabulary: TokenTable;
  readonly #automata = new Map<Automaton, number>();
  #frames = new Map<string, Frame>();
  #known = new Map<string, NfaStates>();
  #bytes = 0;
  #ids = 0;

  constructor(root: Automaton, vocabulary: TokenTable) {
    this.#root = root;
    this.#vocabulary = vocabulary;
  }

  /** Before the first byte. */
  start(): NfaStates {
    return this.#statesOf([this.#frame(this.#root, this.#root.start, undefined)])!;
  }

  /** After one more byte; undefined where it cannot come. */
  step(from: NfaStates, byte: number): NfaStates | undefined {
    const known = from.transitions[byte];
    if (known !== undefined) return known ?? undefined;
    const next = from.frames.flatMap(({ automaton, state, caller }) =>
      automaton.next(state, byte).map((to) => this.#frame(automaton, to, caller)),
    );
    const found = this.#statesOf(next);
    from.transitions[byte] = found ?? null;
    return found;
  }

  /** For every token id, the fewest tokens to the end of the text; {@link impossible} for a token that may not come. */
  tokensToEnd(at: NfaStates): Uint16Array {
    at.tokensToEnd ??= this.#walk(at);
    return at.tokensToEnd;
  }

  /** Walks the sorted tokens like a trie: a prefix that several share is followed once. */
  #walk(at: NfaStates): Uint16Array {
    const { bytes, ids, sharedPrefix, size } = this.#vocabulary;
    const needs = new Uint16Array(size).fill(impossible);
    this.#bytes += needs.byteLength;
    const path = [at];
    for (let token = 0; token < ids.length; ) {
      const text = bytes[token];
      let depth = sharedPrefix[token];
      for (; depth < text.length; depth++) {
        const next = this.step(path[depth], text[depth]);
        if (next === undefined) break;
        path[depth + 1] = next;
      }
      const isPossible = depth === text.length;
      if (isPossible) needs[ids[token]] = Math.min(path[depth].fewestTokens, impossible - 1);
      token++;
      // Skips the other tokens that begin with the bytes that led nowhere.
      if (!isPossible) while (token < ids.length && sharedPrefix[token] > depth) token++;
    }
    return needs;
  }

  #statesOf(begun: readonly Frame[]): NfaStates | undefined {
    const { frames, complete } = this.#closure(begun);
    if (frames.length === 0 && !complete) return undefined;
    const key = `${complete} ${frames.map(({ id }) => id)}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const fewestTokens = complete ? 0 : frames[0].fewestTokens;
    const made: NfaStates = {
      frames,
      complete,
      fewestTokens,
      transitions: new Array(256),
      tokensToEnd: undefined,
    };
    if (this.#known.size >= maxStates || this.#bytes > maxBytes) this.#forget();
    this.#known.set(key, made);
    return made;
  }

  /** The ε-closure: also the starts of all automata that are called, and the callers of those that may end. */
  #closure(begun: readonly Frame[]): { frames: Frame[]; complete: boolean } {
    const found = new Set<Frame>();
    let complete = false;
    const open = [...begun];
    for (let frame = open.pop(); frame !== undefined; frame = open.pop()) {
      if (found.has(frame) || frame.fewestTokens === Number.POSITIVE_INFINITY) continue;
      found.add(frame);
      const { automaton, state, caller } = frame;
      for (const { choice, then } of automaton.calls(state)) {
        const back = this.#frame(automaton, then, caller);
        open.push(...choice.automata.map((called) => this.#frame(called, called.start, back)));
      }
      if (!automaton.accepts(state)) continue;
      if (caller === undefined) complete = true;
      else open.push(caller);
    }
    const frames = [...found].sort((a, b) => a.fewestTokens - b.fewestTokens || a.id - b.id);
    return { frames: frames.slice(0, maxFrames), complete };
  }

  #frame(automaton: Automaton, state: number, caller: Frame | undefined): Frame {
    const key = `${this.#numberOf(automaton)} ${state} ${caller?.id}`;
    const known = this.#frames.get(key);
    if (known !== undefined) return known;
    const fewestTokens = automaton.fewestTokens(state) + (caller?.fewestTokens ?? 0);
    const frame = { id: this.#ids++, automaton, state, caller, fewestTokens };
    this.#frames.set(key, frame);
    return frame;
  }

  #numberOf(automaton: Automaton): number {
    const known = this.#automata.get(automaton) ?? this.#automata.size;
    this.#automata.set(automaton, known);
    return known;
  }

  /** Empties the caches; states that answers hold on to stay valid. */
  #forget(): void {
    this.#frames = new Map();
    this.#known = new Map();
    this.#bytes = 0;
  }
}
