/** A nondeterministic automaton for one part of a grammar, run byte by byte; a state may call other automata. */
export interface Automaton {
  readonly start: number;
  /** The states after a byte; empty where the byte cannot come. */
  next(state: number, byte: number): readonly number[];
  calls(state: number): readonly Call[];
  /** Whether the state is final. */
  accepts(state: number): boolean;
  /**
   * Fewest tokens after which it can have ended; Infinity where it cannot. In every state some token leads to a state
   * of which this is one less, so an answer that follows these tokens ends in time.
   */
  fewestTokens(state: number): number;
}

/** Runs one of some automata, after which the caller goes on in another state. */
export interface Call {
  readonly choice: Alternation;
  readonly then: number;
}

/** Automata of which one is run. The list may be filled in later, so that an automaton can call itself. */
export interface Alternation {
  readonly automata: Automaton[];
}

export function fewestTokensOf({ automata }: Alternation): number {
  return automata.reduce(
    (least, automaton) => Math.min(least, automaton.fewestTokens(automaton.start)),
    Number.POSITIVE_INFINITY,
  );
}

const none: readonly never[] = [];

/** An automaton with an explicit list of states and edges. */
export class StateAutomaton implements Automaton {
  readonly start = 0;
  readonly #edges: { low: number; high: number; to: number }[][] = [[]];
  readonly #calls: Call[][] = [[]];
  /** Paths over several bytes, with the fewest tokens that write these. */
  readonly #ways: { to: number; tokens: number }[][] = [[]];
  readonly #ends = new Set<number>();
  readonly #least: number[] = [Number.POSITIVE_INFINITY];

  /** How many states it has. */
  get size(): number {
    return this.#edges.length;
  }

  /** A new state. */
  state(): number {
    this.#edges.push([]);
    this.#calls.push([]);
    this.#ways.push([]);
    this.#least.push(Number.POSITIVE_INFINITY);
    return this.#edges.length - 1;
  }

  /** Adds an edge for any byte of a range, or for one character of ASCII. */
  edge(from: number, bytes: string | readonly [low: number, high: number], to: number): void {
    const [low, high] = typeof bytes === "string" ? [bytes.charCodeAt(0), bytes.charCodeAt(0)] : bytes;
    this.#edges[from].push({ low, high, to });
  }

  /** Adds edges for texts of which one comes; `costs` are the fewest tokens for the rest of each from every byte on. */
  texts(from: number, texts: readonly (readonly [Uint8Array, readonly number[]])[], to: number): void {
    const branches = new Map<string, number>();
    for (const [bytes, costs] of texts) {
      let at = from;
      for (const [place, byte] of bytes.entries()) {
        this.#ways[at].push({ to, tokens: costs[place] });
        const isLast = place === bytes.length - 1;
        const branch = `${at} ${byte} ${isLast}`;
        const next = branches.get(branch) ?? (isLast ? to : this.state());
        if (!branches.has(branch)) this.edge(at, [byte, byte], next);
        branches.set(branch, next);
        at = next;
      }
    }
  }

  /** Adds to a state the edges, calls and paths that another one has so far. */
  copyTransitions(state: number, other: number): void {
    this.#edges[state].push(...this.#edges[other]);
    this.#calls[state].push(...this.#calls[other]);
    this.#ways[state].push(...this.#ways[other]);
  }

  /** Runs one automaton of a choice, then goes on. */
  call(from: number, choice: Alternation, then: number): void {
    this.#calls[from].push({ choice, then });
  }

  end(state: number): void {
    this.#ends.add(state);
  }

  /** Recomputes the fewest tokens of every state until nothing changes (Bellman and Ford); returns whether anything did. */
  updateFewestTokens(): boolean {
    let changed = false;
    for (let again = true; again; changed ||= again) {
      again = false;
      for (let state = this.size - 1; state >= 0; state--) {
        const least = this.#computed(state);
        if (least < this.#least[state]) {
          this.#least[state] = least;
          again = true;
        }
      }
    }
    return changed;
  }

  next(state: number, byte: number): readonly number[] {
    const found = this.#edges[state].filter(({ low, high }) => low <= byte && byte <= high);
    return found.length === 0 ? none : found.map(({ to }) => to);
  }

  calls(state: number): readonly Call[] {
    return this.#calls[state];
  }

  accepts(state: number): boolean {
    return this.#ends.has(state);
  }

  fewestTokens(state: number): number {
    return this.#least[state];
  }

  #computed(state: number): number {
    let least = this.#ends.has(state) ? 0 : Number.POSITIVE_INFINITY;
    for (const { to } of this.#edges[state]) least = Math.min(least, 1 + this.#least[to]);
    for (const { to, tokens } of this.#ways[state]) least = Math.min(least, tokens + this.#least[to]);
    for (const { choice, then } of this.#calls[state]) {
      least = Math.min(least, fewestTokensOf(choice) + this.#least[then]);
    }
    return least;
  }
}
