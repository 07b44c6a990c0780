import {
  CharSet,
  type Concatenation,
  DFA,
  type Element,
  JS,
  NFA,
  type NoParent,
  type Quantifier,
  Transformers,
  transform,
} from "refa";
import { type CharacterAutomaton, listedCharacters } from "./characters.ts";

type Alternative = NoParent<Concatenation>;
type Part = NoParent<Element>;

const last = 0x10ffff;
const options = { maxCharacter: last };
const maxPatternLength = 2_000;
/** States of an automaton; a pattern that needs more is refused before it takes memory and time. */
const maxStates = 20_000;
/** Every character but the halves of surrogate pairs, which are no text. */
const characters = CharSet.all(last).without({ min: 0xd800, max: 0xdfff });

/**
 * Strings of so many characters in which every pattern is found, as `new RegExp(pattern, "u")` finds it.
 * @throws Error where a pattern is no regular expression, or one that no automaton can follow
 */
export function patternedCharacters(
  patterns: readonly string[],
  minimum: number,
  maximum: number,
): CharacterAutomaton {
  const length = automaton([[repeated(characters, minimum, maximum)]]);
  const all = patterns.map(patternAutomaton);
  return listed(all.reduce((left, right) => DFA.fromIntersection(left, right, limited()), length));
}

/** Every text but some. */
export function charactersExcept(texts: readonly string[]): CharacterAutomaton {
  const words = texts.map((text) => Array.from(text, (character) => character.codePointAt(0)!));
  const others = DFA.fromWords(words, options);
  others.complement();
  return listed(DFA.fromIntersection(others, automaton([[repeated(characters)]]), limited()));
}

function patternAutomaton(source: string): DFA {
  if (source.length > maxPatternLength) {
    throw new RangeError(`must have at most ${maxPatternLength} characters, got ${source.length}`);
  }
  const { expression } = JS.Parser.fromLiteral({ source, flags: "u" }).parse({ maxBackreferenceWords: 1 });
  return found(expression.alternatives, false);
}

/** Texts in which one of the alternatives is found, anywhere or at the beginning. */
function found(alternatives: readonly Alternative[], atStart: boolean): DFA {
  const each = flat(alternatives).map((alternative) => alternativeFound(alternative, atStart));
  return each.reduce((left, right) => {
    const both = NFA.fromFA(left, new NFA.LimitedNodeFactory(maxStates));
    both.union(right, new NFA.LimitedNodeFactory(maxStates));
    return DFA.fromFA(both, limited());
  });
}

function alternativeFound({ elements }: Alternative, startsThere: boolean): DFA {
  const rest = [...elements];
  let atStart = startsThere;
  let atEnd = false;
  const conditions: DFA[] = [];
  for (let first = rest[0]; first?.type === "Assertion"; first = rest[0]) {
    if (isEdge(first, "behind")) atStart = true;
    else if (atStart && first.kind === "ahead")
      conditions.push(lookedAhead(first.alternatives, first.negate));
    else break;
    rest.shift();
  }
  for (let end = rest.at(-1); isEdge(end, "ahead"); end = rest.at(-1)) {
    atEnd = true;
    rest.pop();
  }
  const anything = repeated(CharSet.all(last));
  const whole = automaton([[...(atStart ? [] : [anything]), ...rest, ...(atEnd ? [] : [anything])]]);
  return conditions.reduce((left, right) => DFA.fromIntersection(left, right, limited()), whole);
}

function lookedAhead(alternatives: readonly Alternative[], negate: boolean): DFA {
  const ahead = found(alternatives, true);
  if (negate) ahead.complement(limited());
  return ahead;
}

/** Alternatives that are nothing but a group are the group's. */
function flat(alternatives: readonly Alternative[]): Alternative[] {
  return alternatives.flatMap((alternative) => {
    const [only, ...more] = alternative.elements;
    return more.length === 0 && only?.type === "Alternation" ? flat(only.alternatives) : [alternative];
  });
}

/** Whether it is ^ or $: no character before, or after. */
function isEdge(part: Part | undefined, kind: "ahead" | "behind"): boolean {
  if (part?.type !== "Assertion" || part.kind !== kind || !part.negate) return false;
  const [only, ...more] = part.alternatives.flatMap(({ elements }) => elements);
  return more.length === 0 && only?.type === "CharacterClass" && only.characters.isAll;
}

function repeated(set: CharSet, min = 0, max = Number.POSITIVE_INFINITY): NoParent<Quantifier> {
  const one: Alternative = { type: "Concatenation", elements: [{ type: "CharacterClass", characters: set }] };
  return { type: "Quantifier", lazy: false, min, max, alternatives: [one] };
}

/** @throws Error where an assertion is left that cannot be worked in */
function automaton(alternatives: readonly (readonly Part[])[]): DFA {
  const whole = transform(Transformers.simplify(), {
    type: "Expression",
    alternatives: alternatives.map((elements) => ({ type: "Concatenation", elements: [...elements] })),
  });
  const states = NFA.fromRegex(
    whole,
    options,
    { assertions: "throw", unknowns: "throw" },
    new NFA.LimitedNodeFactory(maxStates),
  );
  return DFA.fromFA(states, limited());
}

function limited(): DFA.LimitedNodeFactory {
  return new DFA.LimitedNodeFactory(maxStates);
}

function listed(automaton: DFA): CharacterAutomaton {
  automaton.minimize();
  const nodes = [...automaton.nodes()];
  const numbers = new Map([
    [automaton.initial, 0],
    ...nodes.filter((node) => node !== automaton.initial).map((node, i) => [node, i + 1] as const),
  ]);
  const states = [...numbers.keys()].map((node) => ({
    accepts: automaton.finals.has(node),
    ranges: [...node.out].map(([{ min, max }, to]) => ({ low: min, high: max, to: numbers.get(to)! })),
  }));
  return listedCharacters(states);
}
