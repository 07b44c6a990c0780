/** A piece of a file. */
export interface BytePlace {
  /** The first byte. */
  readonly start: number;
  /** How many bytes there are. */
  readonly length: number;
}
