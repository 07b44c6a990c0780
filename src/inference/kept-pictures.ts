import {
  type ComputedTokens,
  cacheSizes,
  type HyperSettings,
  hyperOf,
  type OwlConfig,
  type SeenPictures,
  seenPictures,
  tokensPerImage,
} from "../model/index.ts";
import { float32, type HostTensor } from "../tensor/index.ts";

/** A picture beside the text: its keys and values of every layer that looks at pictures, which stay as they are. */
export interface KeptPicture {
  /** Where its marker begins. */
  readonly start: number;
  /** Key and value of each such layer, [keyValueHeads, visual, headDim] each. */
  readonly keysValues: readonly Float32Array[];
}

/** The pictures of rows of a KV cache. */
export type KeptRows = readonly (readonly KeptPicture[])[];

/** As good as −∞ in a score. */
const HIDDEN = -1e30;

/**
 * Where pictures and text share a softmax the text's tokens are summed up behind the pictures'. A product sums so many numbers at most
 * before it adds the next ones, so the text begins at a multiple of that: else the pictures of other rows would change a row's last bits.
 */
const SUMMED_AT_ONCE = 1024;

/** Buffers of this many times the room that rows need are given back. */
const TOO_MUCH = 2;

/**
 * The pictures of some rows as a program reads them: side by side in one tensor for the keys and one for the values of every layer. What
 * rows hold already is not copied again.
 */
export class PictureBuffers {
  readonly #config: OwlConfig;
  readonly #allocate: (dims: readonly number[]) => HostTensor<"float32">;
  #rows: KeptRows = [];
  #room = 0;
  #buffers: Readonly<Record<string, HostTensor<"float32">>> = {};

  constructor(config: OwlConfig, allocate: (dims: readonly number[]) => HostTensor<"float32">) {
    this.#config = config;
    this.#allocate = allocate;
  }

  /** Takes these rows in; returns the tensors, which are others where the rows need more room than there was, or much less. */
  hold(rows: KeptRows): Readonly<Record<string, HostTensor<"float32">>> {
    // A program needs a place even where there are no pictures.
    const room = Math.max(1, ...rows.map(({ length }) => length));
    const fits = room <= this.#room && this.#room < TOO_MUCH * room;
    if (!fits || rows.length !== this.#rows.length) this.#make(rows.length, room);
    for (const [row, pictures] of rows.entries()) {
      for (const [place, picture] of pictures.entries()) {
        if (picture !== this.#rows[row][place]) this.#put(picture, row, place);
      }
    }
    this.#rows = rows.map((pictures) => [...pictures]);
    return this.#buffers;
  }

  /** Which of the pictures that it holds tokens see. */
  seen(tokens: ComputedTokens): SeenPictures {
    const starts = this.#rows.map((pictures) => pictures.map(({ start }) => start));
    const perPicture = tokensPerImage(this.#config);
    return seenPictures(this.#hyper, { starts, perPicture, visual: this.#visual }, tokens);
  }

  get #hyper(): HyperSettings {
    return hyperOf(this.#config)!;
  }

  /** Visual tokens that a row has room for. */
  get #visual(): number {
    return visualRoom(this.#config, this.#hyper, this.#room);
  }

  #make(rows: number, room: number): void {
    const { keyValueHeads, headDim, pictureLayers = [] } = cacheSizes(this.#config.language);
    this.#room = room;
    const dims = [rows, keyValueHeads, this.#visual, headDim];
    const names = pictureLayers.flatMap((layer) => [`picture_key.${layer}`, `picture_value.${layer}`]);
    this.#buffers = Object.fromEntries(names.map((name) => [name, this.#allocate(dims)]));
    this.#rows = Array.from({ length: rows }, () => []);
  }

  #put({ keysValues }: KeptPicture, row: number, place: number): void {
    for (const [i, { dims, data }] of Object.values(this.#buffers).entries()) {
      const [, heads, visual, headDim] = dims;
      const width = tokensPerImage(this.#config) * headDim;
      for (let head = 0; head < heads; head++) {
        const block = keysValues[i].subarray(head * width, (head + 1) * width);
        data.set(block, (row * heads + head) * visual * headDim + place * width);
      }
    }
  }
}

/** 0 for the positions of a row's text that a token sees, else as good as −∞: [rows, 1, tokens, capacity]. */
export function textMask({ count, from }: ComputedTokens, capacity: number): HostTensor<"float32"> {
  const mask = new Float32Array(from.length * count * capacity).fill(HIDDEN);
  for (const [row, first] of from.entries()) {
    for (let token = 0; token < count; token++) {
      const at = (row * count + token) * capacity;
      mask.fill(0, at, at + Math.min(capacity, first + token + 1));
    }
  }
  return float32(mask, [from.length, 1, count, capacity]);
}

/** The pictures of a row that stand before a position. */
export function picturesBefore(pictures: readonly KeptPicture[], position: number): readonly KeptPicture[] {
  return pictures.filter(({ start }) => start < position);
}

/** Bytes of keys and values of pictures. */
export function picturesBytes(pictures: readonly KeptPicture[]): number {
  return pictures.reduce(
    (sum, { keysValues }) => sum + keysValues.reduce((bytes, { byteLength }) => bytes + byteLength, 0),
    0,
  );
}

/** Visual tokens that a row has room for where it holds so many pictures. */
export function visualRoom(config: OwlConfig, { gate }: HyperSettings, pictures: number): number {
  const tokens = pictures * tokensPerImage(config);
  return gate === "none" ? SUMMED_AT_ONCE * Math.ceil(tokens / SUMMED_AT_ONCE) : tokens;
}
