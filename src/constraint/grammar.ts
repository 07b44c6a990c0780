import { type Alternation, type Automaton, fewestTokensOf, StateAutomaton } from "./automaton.ts";
import { anyCharacters } from "./characters.ts";
import { JsonSchemaError } from "./error.ts";
import { numberMachine } from "./number-automaton.ts";
import { charactersExcept, patternedCharacters } from "./pattern.ts";
import {
  type ArrayShape,
  type LiteralShape,
  type ObjectShape,
  type Schema,
  type SchemaShape,
  type StringShape,
  shapesOf,
} from "./schema.ts";
import { StringMachine } from "./string-automaton.ts";
import type { TokenTable } from "./token-table.ts";

/** States of all automata of a grammar; a schema that needs more is refused. */
const maxStates = 200_000;
/** Strings with patterns: making an automaton of one may take half a second. */
const maxPatterns = 64;

/**
 * The automaton that writes values of a schema as JSON: properties in the schema's order, at most one space after each
 * comma and colon and in front of everything, no other white space.
 *
 * @throws JsonSchemaError where patterns cannot be followed, no value fits, or the schema is too large
 */
export function grammarOf(schema: Schema, vocabulary: TokenTable): Automaton {
  const builder = new GrammarBuilder(vocabulary);
  const value = builder.choice(schema);
  const root = builder.network();
  const [spaced, end] = [root.state(), root.state()];
  root.edge(root.start, " ", spaced);
  for (const from of [root.start, spaced]) root.call(from, value, end);
  root.end(end);
  builder.settle();
  if (builder.problems.length > 0) throw new JsonSchemaError(builder.problems);
  if (root.fewestTokens(root.start) === Number.POSITIVE_INFINITY) {
    throw new JsonSchemaError(["#: some value of finite length must fit, got a schema that none fits"]);
  }
  return root;
}

class GrammarBuilder {
  readonly problems: string[] = [];
  readonly #vocabulary: TokenTable;
  readonly #choices = new Map<Schema, Alternation>();
  readonly #automata = new Map<SchemaShape, Automaton>();
  readonly #networks: StateAutomaton[] = [];
  #states = 0;
  #patterns = 0;

  constructor(vocabulary: TokenTable) {
    this.#vocabulary = vocabulary;
  }

  /** What a schema allows; the same one for the same schema, so that it may contain itself. */
  choice(schema: Schema): Alternation {
    const known = this.#choices.get(schema);
    if (known !== undefined) return known;
    const choice: Alternation = { automata: [] };
    this.#choices.set(schema, choice);
    const shapes = shapesOf(schema);
    const literals = shapes.filter((shape) => shape.kind === "literal");
    if (literals.length > 0) choice.automata.push(this.#literals(literals));
    for (const shape of shapes) {
      if (shape.kind !== "literal") choice.automata.push(this.#automaton(shape));
    }
    return choice;
  }

  network(): StateAutomaton {
    return this.#counted(new StateAutomaton());
  }

  /** Computes the fewest tokens to the end for every state, once all automata are built. */
  settle(): void {
    for (let again = true; again; ) {
      again = false;
      for (const network of this.#networks.toReversed()) again = network.updateFewestTokens() || again;
    }
    for (const choice of this.#choices.values()) {
      const possible = choice.automata.filter(
        (automaton) => fewestTokensOf({ automata: [automaton] }) < Number.POSITIVE_INFINITY,
      );
      choice.automata.splice(0, choice.automata.length, ...possible);
    }
  }

  #counted(network: StateAutomaton): StateAutomaton {
    this.#networks.push(network);
    return network;
  }

  /** Counts the states of an automaton that is complete. */
  #count(network: StateAutomaton): StateAutomaton {
    this.#states += network.size;
    this.#requireFewer(this.#states);
    return network;
  }

  #requireFewer(states: number): void {
    if (states <= maxStates) return;
    throw new JsonSchemaError([
      "#: the schema must be smaller: fewer values, shorter names, fewer counted items",
    ]);
  }

  #automaton(shape: Exclude<SchemaShape, LiteralShape>): Automaton {
    const known = this.#automata.get(shape);
    if (known !== undefined) return known;
    const automaton = this.#made(shape);
    this.#automata.set(shape, automaton);
    return automaton;
  }

  #made(shape: Exclude<SchemaShape, LiteralShape>): Automaton {
    switch (shape.kind) {
      case "string":
        return this.#string(shape);
      case "number":
        return this.#count(this.#counted(numberMachine(shape)));
      case "array":
        return this.#array(shape);
      case "object":
        return this.#object(shape);
    }
  }

  #literals(shapes: readonly LiteralShape[]): Automaton {
    const texts = shapes.map(({ value }) => JSON.stringify(value));
    // Before the work, not after it.
    this.#requireFewer(texts.reduce((sum, text) => sum + text.length, 0));
    const network = this.network();
    const end = network.state();
    network.end(end);
    network.texts(
      network.start,
      texts.map((text) => this.#written(text)),
      end,
    );
    return this.#count(network);
  }

  #written(text: string): readonly [Uint8Array, readonly number[]] {
    const bytes = new TextEncoder().encode(text);
    return [bytes, this.#vocabulary.costs(bytes)];
  }

  #string({ patterns, minimum, maximum, path }: StringShape): Automaton {
    if (patterns.length === 0) return new StringMachine(anyCharacters(minimum, maximum));
    if (++this.#patterns > maxPatterns) {
      throw new JsonSchemaError([
        ...this.problems,
        `#: the schema must have at most ${maxPatterns} patterns`,
      ]);
    }
    try {
      return new StringMachine(patternedCharacters(patterns, minimum, maximum));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.problems.push(
        `${path}: the pattern ${patterns.join(" and ")} must be a regular expression without backreferences, word boundaries and nested lookarounds that needs few states, got: ${reason}`,
      );
      return new StringMachine(anyCharacters(0, 0));
    }
  }

  #array({ first, rest, minimum, maximum }: ArrayShape): Automaton {
    const network = this.network();
    const end = network.state();
    network.end(end);
    // Beyond so many items nothing changes any more.
    const counted = Number.isFinite(maximum) ? maximum : Math.max(1, minimum, first.length);
    const after = Array.from({ length: counted + 1 }, () => network.state());
    network.edge(network.start, "[", after[0]);
    for (const [count, state] of after.entries()) {
      if (count >= minimum) network.edge(state, "]", end);
      if (count === maximum) break;
      const item = this.choice(first[count] ?? rest);
      const begins = count === 0 ? [state] : spaced(network, state, ",");
      for (const from of begins) network.call(from, item, after[Math.min(count + 1, counted)]);
    }
    return this.#count(network);
  }

  #object({ properties, additional }: ObjectShape): Automaton {
    const network = this.network();
    const end = network.state();
    network.end(end);
    const opened = network.state();
    network.edge(network.start, "{", opened);
    /** After a property has been written, by the place of the first one that may follow. */
    const after = Array.from({ length: properties.length + 1 }, () => network.state());
    const keys = properties.map(({ name, schema }, place) => {
      const [key, colon] = [network.state(), network.state()];
      network.texts(key, [this.#written(JSON.stringify(name))], colon);
      this.#value(network, colon, schema, after[place + 1]);
      return key;
    });
    const others =
      additional &&
      this.#otherKey(
        network,
        properties.map(({ name }) => name),
        additional,
        after,
      );
    for (const place of [-1, ...after.keys()]) {
      const state = place < 0 ? opened : after[place];
      const next = properties.slice(Math.max(0, place)).findIndex(({ required }) => required);
      const isFree = next < 0;
      const begins = isFree
        ? keys.slice(Math.max(0, place))
        : keys.slice(Math.max(0, place)).slice(0, next + 1);
      if (isFree && others !== undefined) begins.push(others);
      if (isFree) network.edge(state, "}", end);
      if (begins.length === 0) continue;
      for (const from of place < 0 ? [state] : spaced(network, state, ",")) {
        for (const key of begins) network.copyTransitions(from, key);
      }
    }
    return this.#count(network);
  }

  /** Where a property begins that the schema does not name. */
  #otherKey(
    network: StateAutomaton,
    names: readonly string[],
    schema: Schema,
    after: readonly number[],
  ): number {
    const [key, colon] = [network.state(), network.state()];
    const characters =
      names.length === 0 ? anyCharacters(0, Number.POSITIVE_INFINITY) : charactersExcept(names);
    network.call(key, { automata: [new StringMachine(characters)] }, colon);
    this.#value(network, colon, schema, after[after.length - 1]);
    return key;
  }

  #value(network: StateAutomaton, key: number, schema: Schema, after: number): void {
    for (const from of spaced(network, key, ":")) network.call(from, this.choice(schema), after);
  }
}

/** The states after a byte, and after a space that may follow it. */
function spaced(network: StateAutomaton, from: number, byte: string): [number, number] {
  const [next, space] = [network.state(), network.state()];
  network.edge(from, byte, next);
  network.edge(next, " ", space);
  return [next, space];
}
