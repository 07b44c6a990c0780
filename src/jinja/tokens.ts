import { TemplateError } from "./error.ts";

/** A token as @huggingface/jinja cuts templates. */
export interface Token {
  readonly type: string;
  readonly value: string;
}

/** Filters that stand for a test with an argument, which the parser does not know without parentheses: `x is in y`. */
export const testFilters = { is: "owl_test", isNot: "owl_test_not" } as const;

const closing: Readonly<Record<string, string>> = {
  OpenParen: "CloseParen",
  OpenSquareBracket: "CloseSquareBracket",
  OpenCurlyBracket: "CloseCurlyBracket",
};
const literals = ["NumericLiteral", "StringLiteral", "Identifier"];
/** Words that end a test, and are no argument of it. */
const endingWords = ["and", "or", "else", "if", "is", "not", "in"];

const isWord = (token: Token | undefined, ...words: readonly string[]): boolean =>
  token?.type === "Identifier" && words.includes(token.value);

/** Where what begins with a bracket ends: one behind the bracket that closes it. */
function behindBracket(tokens: readonly Token[], at: number): number {
  let depth = 0;
  for (let i = at; i < tokens.length; i++) {
    if (tokens[i].type in closing) depth++;
    else if (Object.values(closing).includes(tokens[i].type)) depth--;
    if (depth === 0) return i + 1;
  }
  return tokens.length;
}

/** Where a name, literal or bracket at a place ends, with the attributes, items and calls behind it. */
function behindOperand(tokens: readonly Token[], at: number): number {
  let end = tokens[at].type in closing ? behindBracket(tokens, at) : at + 1;
  for (;;) {
    const type = tokens[end]?.type;
    if (type === "Dot") end += 2;
    else if (type === "OpenSquareBracket" || type === "OpenParen") end = behindBracket(tokens, end);
    else return end;
  }
}

/** The argument of a test behind its name: its tokens, and where they end; undefined where it has none. */
function argumentAt(
  tokens: readonly Token[],
  at: number,
): { readonly inside: readonly Token[]; readonly end: number } | undefined {
  const first = tokens[at];
  if (first?.type === "OpenParen") {
    const end = behindBracket(tokens, at);
    return { inside: tokens.slice(at + 1, end - 1), end };
  }
  const begins = literals.includes(first?.type) || first?.type in closing;
  if (!begins || isWord(first, ...endingWords)) return undefined;
  const end = behindOperand(tokens, at);
  return { inside: tokens.slice(at, end), end };
}

/** Tests with an argument (`x is divisibleby 3`, `x is not in (y)`) as filters, which the parser knows. */
export function withTestsAsFilters(tokens: readonly Token[]): Token[] {
  const out: Token[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const isNot = isWord(tokens[i + 1], "not");
    const name = i + (isNot ? 2 : 1);
    const given =
      isWord(tokens[i], "is") && tokens[name]?.type === "Identifier"
        ? argumentAt(tokens, name + 1)
        : undefined;
    if (given === undefined) {
      out.push(tokens[i]);
      continue;
    }
    const more = given.inside.length > 0 ? [{ type: "Comma", value: "," }] : [];
    out.push(
      { type: "Pipe", value: "|" },
      { type: "Identifier", value: isNot ? testFilters.isNot : testFilters.is },
      { type: "OpenParen", value: "(" },
      { type: "StringLiteral", value: tokens[name].value },
      ...more,
      ...withTestsAsFilters(given.inside),
      { type: "CloseParen", value: ")" },
    );
    i = given.end - 1;
  }
  return out;
}

/** The test of the condition that a `with` block becomes: its variables by name. */
export const withBlock = "owl_with_block";
/** Blocks that have an else, and those that become such. */
const branching = ["if", "for", "with"];

/**
 * Blocks of `with`, which the parser does not know, as conditions: `{% if owl_with_block(a=1) %}`.
 *
 * @throws TemplateError where one ends what it did not begin, or has an else
 */
export function withScopes(tokens: readonly Token[]): Token[] {
  const out: Token[] = [];
  const open: string[] = [];
  let isHead = false;
  for (const [i, token] of tokens.entries()) {
    const word = tokens[i - 1]?.type === "OpenStatement" && token.type === "Identifier" ? token.value : "";
    const isEnd = branching.some((name) => word === `end${name}`);
    const isBranch = word === "else" || word === "elif";
    if (branching.includes(word)) open.push(word);
    else if ((isBranch && open.at(-1) === "with") || (isEnd && `end${open.pop()}` !== word)) {
      throw new TemplateError(`Encountered unknown tag '${word}'.`);
    }
    if (word === "with") {
      isHead = true;
      const test = [
        { type: "Identifier", value: withBlock },
        { type: "OpenParen", value: "(" },
      ];
      out.push({ type: "Identifier", value: "if" }, ...test);
    } else if (word === "endwith") out.push({ type: "Identifier", value: "endif" });
    else {
      if (isHead && token.type === "CloseStatement") {
        out.push({ type: "CloseParen", value: ")" });
        isHead = false;
      }
      out.push(token);
    }
  }
  return out;
}

const separators = ["Comma", "Colon", "Equals", "OpenStatement", "OpenExpression"];

/**
 * Python reads `a < b < c` as two comparisons of b, the parser as one of (a < b) with c.
 *
 * @throws TemplateError where a comparison is compared without parentheses
 */
export function requireUnchained(tokens: readonly Token[]): void {
  const compared = [false];
  for (const [i, token] of tokens.entries()) {
    const top = compared.length - 1;
    if (token.type in closing) compared.push(false);
    else if (Object.values(closing).includes(token.type)) compared.pop();
    else if (top > 0 && isWord(token, "for")) {
      throw new TemplateError("expected token ',', got 'for'");
    } else if (separators.includes(token.type) || isWord(token, "and", "or", "if", "else"))
      compared[top] = false;
    else if (token.type === "ComparisonBinaryOperator" || isWord(token, "in")) {
      if (isWord(token, "in") && isWord(tokens[i - 1], "is")) continue;
      if (compared[top]) {
        throw new TemplateError(
          `comparisons in a row must be joined by "and", got ${token.value} behind one`,
        );
      }
      compared[top] = true;
    }
  }
}
