/**
 * Names that were seen, as 64 bits each, so that millions take little memory. That one of ten million names has the bits of another
 * is less likely than one in a hundred thousand; it then counts as seen.
 */
export class NameSet {
  size = 0;
  /** Two numbers a name, the first one 0 where there is none. */
  #slots = new Uint32Array(2048);

  has(name: string): boolean {
    const [high, low] = bitsOf(name);
    return this.#slots[placeOf(this.#slots, high, low)] !== 0;
  }

  add(name: string): void {
    const [high, low] = bitsOf(name);
    const at = placeOf(this.#slots, high, low);
    if (this.#slots[at] !== 0) return;
    this.#slots[at] = low;
    this.#slots[at + 1] = high;
    this.size++;
    if (3 * this.size > this.#slots.length) this.#grow();
  }

  #grow(): void {
    const larger = new Uint32Array(2 * this.#slots.length);
    for (let at = 0; at < this.#slots.length; at += 2) {
      const [low, high] = [this.#slots[at], this.#slots[at + 1]];
      if (low === 0) continue;
      const place = placeOf(larger, high, low);
      larger[place] = low;
      larger[place + 1] = high;
    }
    this.#slots = larger;
  }
}

/** Where a name's bits stand, or the first free place behind where they would. */
function placeOf(slots: Uint32Array, high: number, low: number): number {
  const mask = slots.length - 2;
  let at = (2 * low) & mask;
  while (slots[at] !== 0 && (slots[at] !== low || slots[at + 1] !== high)) at = (at + 2) & mask;
  return at;
}

/** Two multiplicative hashes with different factors, mixed at the end as MurmurHash 3 mixes its own. */
function bitsOf(name: string): [high: number, low: number] {
  let [high, low] = [0x9e3779b9, 0x85ebca6b];
  for (let i = 0; i < name.length; i++) {
    const sign = name.charCodeAt(i);
    high = Math.imul(high ^ sign, 0x01000193);
    low = Math.imul(low ^ sign, 0xcc9e2d51);
    low = (low << 13) | (low >>> 19);
  }
  const mixed = mix(high ^ Math.imul(low, 0x27d4eb2f));
  return [mixed, mix(low ^ name.length) || 1];
}

function mix(bits: number): number {
  let mixed = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
