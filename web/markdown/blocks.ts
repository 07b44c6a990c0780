import { Lexer, type Token, type Tokens } from "marked";

/**
 * What an answer's Markdown is made of. It is shown by components that set text, never HTML, so nothing in it can
 * run: markup that was written in HTML appears as the characters it is, and pictures as links.
 */
export type Inline =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "strong"; readonly content: readonly Inline[] }
  | { readonly kind: "emphasis"; readonly content: readonly Inline[] }
  | { readonly kind: "deleted"; readonly content: readonly Inline[] }
  | { readonly kind: "link"; readonly address: string; readonly content: readonly Inline[] }
  | { readonly kind: "break" };

export type Block =
  | { readonly kind: "paragraph"; readonly content: readonly Inline[] }
  | { readonly kind: "heading"; readonly depth: number; readonly content: readonly Inline[] }
  | { readonly kind: "code"; readonly language: string; readonly text: string }
  | { readonly kind: "quote"; readonly blocks: readonly Block[] }
  | { readonly kind: "list"; readonly start: number | undefined; readonly items: readonly ListItem[] }
  | { readonly kind: "table"; readonly head: readonly Cell[]; readonly rows: readonly (readonly Cell[])[] }
  | { readonly kind: "rule" };

export interface ListItem {
  /** Of a list of tasks: whether it is done. */
  readonly done?: boolean | undefined;
  readonly blocks: readonly Block[];
}

export interface Cell {
  readonly align: "left" | "center" | "right" | null;
  readonly content: readonly Inline[];
}

/** The blocks of a text in Markdown (GitHub's flavour; a line's end is one). */
export function parseMarkdown(text: string): Block[] {
  return toBlocks(new Lexer({ gfm: true, breaks: true }).lex(text));
}

const toBlocks = (tokens: readonly Token[]): Block[] => tokens.flatMap(toBlock);

function toBlock(token: Token): Block[] {
  switch (token.type) {
    case "space":
    case "def":
    case "checkbox":
      return [];
    case "heading":
      return [{ kind: "heading", depth: (token as Tokens.Heading).depth, content: inside(token) }];
    case "code": {
      const { lang, text } = token as Tokens.Code;
      return [{ kind: "code", language: lang?.split(/\s/)[0] ?? "", text }];
    }
    case "blockquote":
      return [{ kind: "quote", blocks: toBlocks((token as Tokens.Blockquote).tokens) }];
    case "list":
      return [toList(token as Tokens.List)];
    case "table":
      return [toTable(token as Tokens.Table)];
    case "hr":
      return [{ kind: "rule" }];
    case "html":
      return [{ kind: "paragraph", content: [{ kind: "text", text: token.raw.trimEnd() }] }];
    default:
      return [
        { kind: "paragraph", content: "tokens" in token && token.tokens ? inside(token) : [plain(token)] },
      ];
  }
}

function toList({ ordered, start, items }: Tokens.List): Block {
  return {
    kind: "list",
    start: ordered ? Number(start) || 0 : undefined,
    items: items.map(({ task, checked, tokens }) => ({
      done: task ? checked === true : undefined,
      blocks: toBlocks(tokens),
    })),
  };
}

function toTable({ header, rows }: Tokens.Table): Block {
  const toCell = ({ align, tokens }: Tokens.TableCell): Cell => ({ align, content: toInlines(tokens) });
  return { kind: "table", head: header.map(toCell), rows: rows.map((row) => row.map(toCell)) };
}

const inside = (token: Token): Inline[] => toInlines("tokens" in token ? (token.tokens ?? []) : []);
const toInlines = (tokens: readonly Token[]): Inline[] => tokens.flatMap(toInline);
const plain = (token: Token): Inline => ({ kind: "text", text: "text" in token ? token.text : token.raw });

function toInline(token: Token): Inline[] {
  switch (token.type) {
    case "strong":
      return [{ kind: "strong", content: inside(token) }];
    case "em":
      return [{ kind: "emphasis", content: inside(token) }];
    case "del":
      return [{ kind: "deleted", content: inside(token) }];
    case "codespan":
      return [{ kind: "code", text: (token as Tokens.Codespan).text }];
    case "br":
      return [{ kind: "break" }];
    case "html":
      return [{ kind: "text", text: token.raw }];
    case "checkbox":
      return [];
    case "link":
      return toLink((token as Tokens.Link).href, inside(token));
    case "image": {
      const { href, text } = token as Tokens.Image;
      return toLink(href, [{ kind: "text", text: text || href }]);
    }
    case "text":
      if ("tokens" in token && token.tokens) return inside(token);
      return [{ kind: "text", text: withCharacters(token.raw) }];
    default:
      return [plain(token)];
  }
}

const characters: Record<string, string> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
  "&nbsp;": "\u00a0",
};

/** The few named characters that models write. */
const withCharacters = (text: string): string =>
  text.replace(/&(?:amp|lt|gt|quot|#39|nbsp);/g, (name) => characters[name]);

/** Links lead to pages and mail only; an address of another kind leaves the words. */
function toLink(address: string, content: readonly Inline[]): Inline[] {
  return isSafe(address) ? [{ kind: "link", address, content }] : [...content];
}

function isSafe(address: string): boolean {
  try {
    return ["http:", "https:", "mailto:"].includes(new URL(address).protocol);
  } catch {
    return false;
  }
}
