/** Reproducible random numbers: `random(n)` is a whole number from 0 to n − 1. */
export type Random = (below: number) => number;

/** A counter through a mixer of 32 bits (MurmurHash3's finalizer): neighbouring seeds have nothing in common. */
export function randomFrom(seed: number): Random {
  const mixed = (value: number): number => {
    const once = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
    const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
    return (twice ^ (twice >>> 16)) >>> 0;
  };
  let state = mixed(seed + 1);
  return (below) => {
    state = (state + 0x9e3779b9) | 0;
    return mixed(state) % below;
  };
}

const pick = <T>(random: Random, values: readonly T[]): T => values[random(values.length)];

/** Edge cases of integers: signs, powers of two and their neighbours, all bits equal. */
const edges = [0n, 1n, 2n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0xffffn, 0x7fffffffn, 0x80000000n, 0xffffffffn]
  .concat([0x7fffffffffffffffn, 0x8000000000000000n, 0xffffffffffffffffn, 2n ** 53n, 2n ** 53n - 1n])
  .concat([1n << 40n, 100_000n]);

type Change = (bytes: Uint8Array, random: Random) => Uint8Array;

/** Byte arrays, concatenated. */
export function joined(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const range = (bytes: Uint8Array, random: Random): [number, number] => {
  const from = random(bytes.length + 1);
  return [from, Math.min(bytes.length, from + 1 + random(pick(random, [1, 4, 16, 256])))];
};

const changes: readonly Change[] = [
  (bytes, random) => set(bytes, random(bytes.length), (byte) => byte ^ (1 << random(8))),
  (bytes, random) => set(bytes, random(bytes.length), () => random(256)),
  (bytes, random) => set(bytes, random(bytes.length), (byte) => byte + pick(random, [-1, 1])),
  (bytes, random) => {
    const changed = bytes.slice();
    const [width, at, value] = [pick(random, [1, 2, 4, 8]), random(bytes.length), pick(random, edges)];
    for (let i = 0; i < width && at + i < bytes.length; i++) {
      changed[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
    }
    return changed;
  },
  (bytes, random) => {
    const [from, to] = range(bytes, random);
    return joined(bytes.subarray(0, from), bytes.subarray(to));
  },
  (bytes, random) => {
    const [from, to] = range(bytes, random);
    const at = random(bytes.length + 1);
    return joined(bytes.subarray(0, at), bytes.subarray(from, to), bytes.subarray(at));
  },
  (bytes, random) => {
    const [from, to] = range(bytes, random);
    const changed = bytes.slice();
    changed.copyWithin(random(bytes.length), from, to);
    return changed;
  },
  (bytes, random) => {
    const [from, to] = range(bytes, random);
    return bytes.slice().fill(random(256), from, to);
  },
  (bytes, random) => bytes.subarray(0, random(bytes.length)),
];

function set(bytes: Uint8Array, at: number, change: (byte: number) => number): Uint8Array {
  const changed = bytes.slice();
  if (at < changed.length) changed[at] = change(changed[at]);
  return changed;
}

/** Bytes with one to four damages: bits, numbers at the edges of their widths, parts lost, repeated, moved. */
export function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  // Not slice(), which copies nothing where the bytes are a Buffer of Node's.
  let changed: Uint8Array = new Uint8Array(bytes);
  for (let count = 1 + random(4); count > 0 && changed.length > 0; count--) {
    changed = pick(random, changes)(changed, random);
  }
  return changed;
}

const oddValues = (random: Random): unknown =>
  pick(random, [
    ...[null, true, false, -1, 0, 1, 2, 3, 7, 0.5, 1e-300, 1e308, 1e9, 2 ** 31, 2 ** 53, 2 ** 32 - 1],
    ...["", "x", "▁", "(", "[", "Sequence", "ByteLevel", "\ud800", "a".repeat(3000), "__proto__"],
    ...[[], {}, [1], [[]], ["a", "b"], { type: "Split" }, { type: "Sequence" }, { Regex: "(" }],
    ...[{ type: "BPE" }, { content: "a" }, JSON.parse('{"__proto__": {"a": 1}}')],
  ]);

/** A JSON value with one to three entries replaced, removed, doubled or renamed, anywhere in it. */
export function mutateJson(value: unknown, random: Random): unknown {
  let changed: unknown = structuredClone(value);
  for (let count = 1 + random(3); count > 0; count--) changed = changeSomewhere(changed, random);
  return changed;
}

function changeSomewhere(value: unknown, random: Random): unknown {
  if (typeof value !== "object" || value === null || random(8) === 0) return changedValue(value, random);
  const entries = Object.entries(value);
  if (entries.length === 0) return oddValues(random);
  const at = random(entries.length);
  const [key, item] = entries[at];
  const kind = random(8);
  if (kind === 0) entries.splice(at, 1);
  else if (kind === 1)
    entries.push([Array.isArray(value) ? key : `${key}${pick(random, ["", "2", " "])}`, item]);
  else if (kind === 2) entries[at] = [pick(random, entries)[0], item];
  else entries[at] = [key, changeSomewhere(item, random)];
  return Array.isArray(value) ? entries.map(([, one]) => one) : Object.fromEntries(entries);
}

function changedValue(value: unknown, random: Random): unknown {
  const kind = random(3);
  if (typeof value === "number" && kind > 0)
    return pick(random, [-value, value + 1, value * 1000, value / 3]);
  if (typeof value === "string" && kind > 1) return value.slice(random(value.length + 1));
  return oddValues(random);
}
