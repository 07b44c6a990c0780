// Texts within quotes are passed over as wholes, so that nothing in them ends a tag.
const quoted = String.raw`"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'`;
const rawBlock = String.raw`\{%(?<before>[-+]?)\s*raw\s*(?<first>-?)%\}(?<body>[\s\S]*?)\{%(?<last>[-+]?)\s*endraw\s*(?<behind>[-+]?)%\}`;
const parts = new RegExp(
  [
    String.raw`\{#[\s\S]*?#\}`,
    rawBlock,
    String.raw`\{\{(?:${quoted}|[^"'])*?\}\}`,
    String.raw`\{%(?:${quoted}|[^"'])*?%\}`,
  ].join("|"),
  "g",
);

/**
 * A template whose `raw` blocks are expressions of the same text, which the parser knows. What stands around a block loses
 * its blanks as at other blocks.
 */
export function withoutRawBlocks(source: string): string {
  return source.replace(parts, (found: string, ...rest: unknown[]) => {
    const { before, first, body, last, behind } = rest.at(-1) as Record<string, string | undefined>;
    if (body === undefined) return found;
    const begun = first === "-" ? body.trimStart() : body;
    const text = last === "-" ? begun.trimEnd() : last === "+" ? begun : begun.replace(/(^|\n)[ \t]*$/, "$1");
    return `{%${before} if true %}{{ ${literal(text)} }}{% endif ${behind}%}`;
  });
}

/** A text as a literal in which the parser finds no tags. */
function literal(text: string): string {
  return JSON.stringify(text).replace(/[{}%#]/g, (sign) => `\\x${sign.charCodeAt(0).toString(16)}`);
}
