// Half precision has 65,536 values: a table of them is faster than taking each apart.
let halfTable: Float32Array | undefined;

function halfValues(): Float32Array {
  if (halfTable) return halfTable;
  const table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) table[bits] = halfValue(bits);
  halfTable = table;
  return table;
}

/** The number that 16 bits are in half precision. */
export const widenedHalf = (bits: number): number => halfValues()[bits];

function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** IEEE half precision to float32, exact. */
export function widenHalf(source: Uint16Array, into: Float32Array): void {
  const table = halfValues();
  for (let i = 0; i < source.length; i++) into[i] = table[source[i]];
}

/** bfloat16 to float32, exact: its bits are the upper half. */
export function widenBfloat16(source: Uint16Array, into: Float32Array): void {
  const bits = new Uint32Array(into.buffer, into.byteOffset, into.length);
  for (let i = 0; i < source.length; i++) bits[i] = source[i] << 16;
}

/** float32 to IEEE half precision, rounded to nearest even; what exceeds 65,504 becomes an infinity. */
export function narrowToHalf(source: Float32Array, into: Uint16Array): void {
  const bits = new Uint32Array(source.buffer, source.byteOffset, source.length);
  for (let i = 0; i < source.length; i++) into[i] = halfBits(bits[i]);
}

function halfBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) return sign | roundShift(magnitude - 0x38000000, 13);
  const shift = 126 - (magnitude >>> 23);
  if (shift > 24) return sign;
  return sign | roundShift((magnitude & 0x7fffff) | 0x800000, shift);
}

/** `value / 2^shift`, rounded to nearest even. A carry into the exponent is the right answer. */
function roundShift(value: number, shift: number): number {
  const kept = value >>> shift;
  const rest = value & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return kept + (rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0);
}

/** float32 in a format of half the width; undefined where a finite number does not fit (half ends at 65,504). */
export function narrowFloats(source: Float32Array, type: "F16" | "BF16"): Uint16Array | undefined {
  const narrow = new Uint16Array(source.length);
  if (type === "BF16") narrowToBfloat16(source, narrow);
  else narrowToHalf(source, narrow);
  const lost =
    type === "F16" && narrow.some((bits, i) => (bits & 0x7fff) === 0x7c00 && Number.isFinite(source[i]));
  return lost ? undefined : narrow;
}

/** float32 to bfloat16, rounded to nearest even. */
export function narrowToBfloat16(source: Float32Array, into: Uint16Array): void {
  const bits = new Uint32Array(source.buffer, source.byteOffset, source.length);
  for (let i = 0; i < source.length; i++) {
    const value = bits[i];
    into[i] = (value & 0x7fffffff) > 0x7f800000 ? (value >>> 16) | 0x40 : roundShift(value, 16);
  }
}
