/** An incremental UTF-8 decoder: it never returns half a character. */
export interface ByteDecoder {
  /** Text that is complete with these bytes; an unfinished character waits for the next call. */
  push(bytes: Uint8Array): string;
  /** Ends the text; the bytes of an unfinished character become replacement characters. */
  end(): string;
}

const replacement = "\ufffd";

/**
 * UTF-8 as SentencePiece reads it: every byte that is part of no character becomes one U+FFFD.
 * (TextDecoder cannot stand in: it makes one U+FFFD of a truncated character, however many bytes there are.)
 */
export function decoderByByte(): ByteDecoder {
  let waiting: number[] = [];
  return {
    push(bytes) {
      waiting.push(...bytes);
      let text = "";
      let position = 0;
      while (position < waiting.length) {
        const length = characterLength(waiting, position);
        if (position + length > waiting.length) break;
        text += length === 0 ? replacement : String.fromCodePoint(codePoint(waiting, position, length));
        position += Math.max(1, length);
      }
      waiting = waiting.slice(position);
      return text;
    },
    end() {
      const text = replacement.repeat(waiting.length);
      waiting = [];
      return text;
    },
  };
}

/** UTF-8 as Rust and the web read it: the longest beginning of a character becomes one U+FFFD. */
export function decoderByPrefix(): ByteDecoder {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return {
    push: (bytes) => decoder.decode(bytes, { stream: true }),
    end: () => decoder.decode(),
  };
}

/** Bytes of the character that starts here: 0 if none can; more than there are if it may still be completed. */
function characterLength(bytes: readonly number[], start: number): number {
  const lead = bytes[start];
  const length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  for (let offset = 1; offset < length && start + offset < bytes.length; offset++) {
    const [low, high] = offset === 1 ? secondByteRange(lead) : [0x80, 0xbf];
    const byte = bytes[start + offset];
    if (byte < low || byte > high) return 0;
  }
  return length;
}

/** Excludes overlong forms, surrogates and code points beyond U+10FFFF (The Unicode Standard, table 3-7). */
function secondByteRange(lead: number): [number, number] {
  if (lead === 0xe0) return [0xa0, 0xbf];
  if (lead === 0xed) return [0x80, 0x9f];
  if (lead === 0xf0) return [0x90, 0xbf];
  if (lead === 0xf4) return [0x80, 0x8f];
  return [0x80, 0xbf];
}

function codePoint(bytes: readonly number[], start: number, length: number): number {
  const lead = bytes[start];
  let code = length === 1 ? lead : lead & (0x7f >> length);
  for (let offset = 1; offset < length; offset++) code = (code << 6) | (bytes[start + offset] & 0x3f);
  return code;
}
