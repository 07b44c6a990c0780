/** A part of a grammar, run byte by byte. It may stand at several states at once and call other parts. */
export interface Automaton {
  readonly start: number;
  /** The states after a byte; none: the byte cannot come. */
  next(state: number, byte: number): readonly number[];
  calls(state: number): readonly Call[];
  /** Whether it may end here. */
  accepts(state: number): boolean;
  /**
   * Tokens after which it can have ended. In every state some token leads to one of which this is one less, so an
   * answer that follows these ends in time. Infinity: it cannot end.
   */
  least(state: number): number;
}

/** One of some machines is run; the caller goes on in another state. */
export interface Call {
  readonly choice: Choice;
  readonly then: number;
}

/** Machines of which one is run. They may be filled in later, so that a machine may call itself. */
export interface Choice {
  readonly automata: Automaton[];
}

export function fewestTokensOf({ automata }: Choice): number {
  return automata.reduce(
    (least, machine) => Math.min(least, machine.least(machine.start)),
    Number.POSITIVE_INFINITY,
  );
}

const none: readonly never[] = [];

/** A machine whose states are written out one by one. */
export class StateAutomaton implements Automaton {
  readonly start = 0;
  readonly #edges: { low: number; high: number; to: number }[][] = [[]];
  readonly #calls: Call[][] = [[]];
  /** Ways over several bytes, with the tokens they take. */
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

  /** Any byte of a range (or one character of ASCII) leads from one state to another. */
  edge(from: number, bytes: string | readonly [low: number, high: number], to: number): void {
    const [low, high] = typeof bytes === "string" ? [bytes.charCodeAt(0), bytes.charCodeAt(0)] : bytes;
    this.#edges[from].push({ low, high, to });
  }

  /** Texts of which one comes, each with its costs. */
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

  /** Gives a state everything that another one can do so far. */
  imitate(state: number, other: number): void {
    this.#edges[state].push(...this.#edges[other]);
    this.#calls[state].push(...this.#calls[other]);
    this.#ways[state].push(...this.#ways[other]);
  }

  /** Runs one machine of a choice, then goes on. */
  call(from: number, choice: Choice, then: number): void {
    this.#calls[from].push({ choice, then });
  }

  end(state: number): void {
    this.#ends.add(state);
  }

  /** Brings `least` up to date with the machines that are called; whether anything changed. */
  settle(): boolean {
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

  least(state: number): number {
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
