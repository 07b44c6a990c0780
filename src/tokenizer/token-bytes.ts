import { spaceMark, type TokenDecoder, TokenizerError, type TokenizerJson } from "./format.ts";
import { type ByteDecoder, decoderByByte, decoderByPrefix } from "./utf8.ts";

/** The bytes that each token stands for, so that ids can be decoded one by one. */
export interface TokenBytes {
  /** `"sentencepiece"`: U+2581 is a space and `<0x..>` a byte (LLaMA). `"byte-level"`: every letter is a byte (BLOOM). */
  readonly kind: "sentencepiece" | "byte-level";
  /** Largest id + 1. */
  readonly size: number;
  /** Whether the first token of a run loses its leading space. */
  readonly stripsLeadingSpace: boolean;
  /** Whether the vocabulary has a token of this id. */
  has(id: number): boolean;
  /** @throws TokenizerError for an id outside the vocabulary */
  bytes(id: number): Uint8Array;
  /** Whether the token is written with U+2581 in front (a byte token 0x20 is not). */
  startsWithSpaceMark(id: number): boolean;
  decoder(): ByteDecoder;
}

/**
 * The byte table of a tokenizer.json.
 * @throws TokenizerError where its decoder is of another kind
 */
export function tokenBytes(json: TokenizerJson): TokenBytes {
  const decoders = flatten(json.decoder);
  const kind = kindOf(decoders);
  const tokens: string[] = [];
  for (const [token, id] of Object.entries(json.model.vocab)) tokens[id] = token;
  const added = new Set<number>();
  for (const { id, content } of json.added_tokens) {
    tokens[id] = content;
    added.add(id);
  }
  const table = new Map<number, Uint8Array>();
  const bytes = (id: number): Uint8Array => {
    const known = table.get(id);
    if (known) return known;
    const token = tokens[id];
    if (token === undefined) {
      throw new TokenizerError(`decode: ids must be 0 to ${tokens.length - 1}, got ${id}`);
    }
    const isPlain = kind === "byte-level" && added.has(id);
    const made = isPlain ? encodeUtf8(token) : kind === "byte-level" ? letterBytes(token) : pieceBytes(token);
    table.set(id, made);
    return made;
  };
  return {
    kind,
    size: tokens.length,
    stripsLeadingSpace: kind === "sentencepiece" && decoders.some(stripsLeadingSpace),
    has: (id) => tokens[id] !== undefined,
    bytes,
    startsWithSpaceMark: (id) => tokens[id]?.startsWith(spaceMark) ?? false,
    decoder: kind === "byte-level" ? decoderByPrefix : decoderByByte,
  };
}

/**
 * Whether a decoder takes the blank away that its tokenizer put in front of a text: SentencePiece's kinds do, but for
 * those that put none (`prepend_scheme` "never", `add_prefix_space` false in older files).
 */
function stripsLeadingSpace({ type, ...settings }: TokenDecoder): boolean {
  if (type === "Strip") return settings.content === " " && Number(settings.start) > 0;
  if (type !== "Metaspace") return false;
  const { prepend_scheme: scheme, add_prefix_space: adds } = settings;
  return scheme === undefined || scheme === null ? adds !== false : scheme !== "never";
}

function flatten(decoder: TokenDecoder | null): TokenDecoder[] {
  if (!decoder) return [];
  return decoder.type === "Sequence" ? (decoder.decoders ?? []).flatMap(flatten) : [decoder];
}

function kindOf(decoders: readonly TokenDecoder[]): TokenBytes["kind"] {
  const types = decoders.map(({ type }) => type);
  if (types.includes("ByteLevel")) return "byte-level";
  if (types.includes("ByteFallback") || types.includes("Metaspace")) return "sentencepiece";
  throw new TokenizerError(
    `tokenizer.json: its decoder must be ByteLevel, or ByteFallback or Metaspace as SentencePiece's, got ${types.join(", ") || "none"}`,
  );
}

const utf8 = new TextEncoder();

function encodeUtf8(text: string): Uint8Array {
  return utf8.encode(text);
}

function pieceBytes(token: string): Uint8Array {
  const byte = /^<0x([0-9A-F]{2})>$/.exec(token)?.[1];
  return byte ? Uint8Array.of(Number.parseInt(byte, 16)) : encodeUtf8(token.replaceAll(spaceMark, " "));
}

function letterBytes(token: string): Uint8Array {
  return Uint8Array.from([...token].flatMap((letter) => letterToByte.get(letter) ?? [...encodeUtf8(letter)]));
}

/** A text with its bytes in UTF-8 written as letters, one each. */
export function lettersOfBytes(text: string): string {
  let letters = "";
  for (const byte of encodeUtf8(text)) letters += byteToLetter[byte];
  return letters;
}

// GPT-2's alphabet: printable Latin-1 letters stand for their own byte, the other bytes for U+0100 and on, in order.
const letterToByte = new Map<string, number>();
const byteToLetter: string[] = [];
for (let byte = 0, next = 256; byte < 256; byte++) {
  const isPrintable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  byteToLetter[byte] = String.fromCharCode(isPrintable ? byte : next++);
  letterToByte.set(byteToLetter[byte], byte);
}
