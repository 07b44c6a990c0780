import type { Automaton } from "./automaton.ts";
import type { TokenTable } from "./vocabulary.ts";

/** A machine at a state, and what goes on when it has ended. */
interface Frame {
  readonly id: number;
  readonly machine: Automaton;
  readonly state: number;
  readonly caller: Frame | undefined;
  /** Tokens after which everything can have ended. */
  readonly least: number;
}

/** Everywhere that a grammar may stand after some bytes. */
export interface NfaStates {
  readonly frames: readonly Frame[];
  /** Whether the text may end here. */
  readonly complete: boolean;
  /** Tokens after which the text can be complete. */
  readonly least: number;
  /** What has been found out of the configurations after each byte; null: none. */
  readonly after: (NfaStates | null | undefined)[];
  /** By token: tokens after which the text can be complete once it has come; {@link impossible}: it may not come. */
  needs: Uint16Array | undefined;
}

/** The need of a token that may not come. */
export const impossible = 0xffff;

/** Ways of reading the same text that are followed at once. Where there are more, the shortest to end are kept. */
const mostFrames = 128;
const mostConfigurations = 10_000;
const mostBytes = 2 ** 26;

/** A grammar run over bytes and tokens. What it finds out is kept, up to a bound. */
export class SchemaAutomaton {
  readonly #root: Automaton;
  readonly #vocabulary: TokenTable;
  readonly #machines = new Map<Automaton, number>();
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
    return this.#configuration([this.#frame(this.#root, this.#root.start, undefined)])!;
  }

  /** After one more byte; undefined where it cannot come. */
  step(from: NfaStates, byte: number): NfaStates | undefined {
    const known = from.after[byte];
    if (known !== undefined) return known ?? undefined;
    const next = from.frames.flatMap(({ machine, state, caller }) =>
      machine.next(state, byte).map((to) => this.#frame(machine, to, caller)),
    );
    const found = this.#configuration(next);
    from.after[byte] = found ?? null;
    return found;
  }

  /** What each token means here. */
  needs(at: NfaStates): Uint16Array {
    at.needs ??= this.#walk(at);
    return at.needs;
  }

  /** Follows all tokens, of those that begin alike the beginning only once. */
  #walk(at: NfaStates): Uint16Array {
    const { bytes, ids, shared, size } = this.#vocabulary;
    const needs = new Uint16Array(size).fill(impossible);
    this.#bytes += needs.byteLength;
    const path = [at];
    for (let token = 0; token < ids.length; ) {
      const text = bytes[token];
      let depth = shared[token];
      for (; depth < text.length; depth++) {
        const next = this.step(path[depth], text[depth]);
        if (next === undefined) break;
        path[depth + 1] = next;
      }
      const isPossible = depth === text.length;
      if (isPossible) needs[ids[token]] = Math.min(path[depth].least, impossible - 1);
      token++;
      // The others that begin with the bytes that led nowhere.
      if (!isPossible) while (token < ids.length && shared[token] > depth) token++;
    }
    return needs;
  }

  #configuration(begun: readonly Frame[]): NfaStates | undefined {
    const { frames, complete } = this.#closure(begun);
    if (frames.length === 0 && !complete) return undefined;
    const key = `${complete} ${frames.map(({ id }) => id)}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const least = complete ? 0 : frames[0].least;
    const made: NfaStates = { frames, complete, least, after: new Array(256), needs: undefined };
    if (this.#known.size >= mostConfigurations || this.#bytes > mostBytes) this.#forget();
    this.#known.set(key, made);
    return made;
  }

  /** With all machines that are called, and back in the callers of those that may end. */
  #closure(begun: readonly Frame[]): { frames: Frame[]; complete: boolean } {
    const found = new Set<Frame>();
    let complete = false;
    const open = [...begun];
    for (let frame = open.pop(); frame !== undefined; frame = open.pop()) {
      if (found.has(frame) || frame.least === Number.POSITIVE_INFINITY) continue;
      found.add(frame);
      const { machine, state, caller } = frame;
      for (const { choice, then } of machine.calls(state)) {
        const back = this.#frame(machine, then, caller);
        open.push(...choice.automata.map((called) => this.#frame(called, called.start, back)));
      }
      if (!machine.accepts(state)) continue;
      if (caller === undefined) complete = true;
      else open.push(caller);
    }
    const frames = [...found].sort((a, b) => a.least - b.least || a.id - b.id);
    return { frames: frames.slice(0, mostFrames), complete };
  }

  #frame(machine: Automaton, state: number, caller: Frame | undefined): Frame {
    const key = `${this.#numberOf(machine)} ${state} ${caller?.id}`;
    const known = this.#frames.get(key);
    if (known !== undefined) return known;
    const least = machine.least(state) + (caller?.least ?? 0);
    const frame = { id: this.#ids++, machine, state, caller, least };
    this.#frames.set(key, frame);
    return frame;
  }

  #numberOf(machine: Automaton): number {
    const known = this.#machines.get(machine) ?? this.#machines.size;
    this.#machines.set(machine, known);
    return known;
  }

  /** Configurations in use stay as they are; what is found out from now on begins anew. */
  #forget(): void {
    this.#frames = new Map();
    this.#known = new Map();
    this.#bytes = 0;
  }
}
