import type { Random } from "../random.ts";

/** Where a thing goes. */
export interface Place {
  readonly x: number;
  readonly y: number;
  /** Longer edge, pixels. */
  readonly size: number;
}

/** The part of a picture that things may take. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A whole picture. */
export function wholeArea(size: number): Area {
  return { left: 0, top: 0, right: size, bottom: size };
}

/** The smallest drawing that can be known, pixels as owl-nano sees them. */
const SMALLEST = 17;

/** Sizes by how many things there are, as parts of the area's smaller side. */
const SIZES: readonly (readonly [number, number])[] = [
  [0, 0],
  [0.36, 0.96],
  [0.28, 0.5],
  [0.24, 0.38],
  [0.22, 0.36],
  [0.2, 0.31],
  [0.19, 0.3],
];

export interface ArrangeOptions {
  /** How far a thing may leave the area, as a part of its size. */
  readonly overhang?: number;
  /** Pixels that owl-nano sees as one. */
  readonly pixel?: number;
}

/** Places for things that do not lie upon each other. */
export function arrange(
  count: number,
  area: Area,
  random: Random,
  { overhang = 0, pixel = 1 }: ArrangeOptions = {},
): Place[] {
  const side = Math.min(area.right - area.left, area.bottom - area.top);
  const [low, high] = SIZES[Math.min(count, SIZES.length - 1)];
  const pick = (): number => Math.max(SMALLEST * pixel, side * random.range(low, high));
  if (count === 1) return [anywhere(pick(), area, random, overhang)];
  if (count === 2 && random.chance(0.85)) return pair(pick, area, random);
  if (random.chance(0.6)) {
    const apart = scattered(count, pick, area, random);
    if (apart !== undefined) return apart;
  }
  return inRows(count, side * high, area, random);
}

function anywhere(size: number, area: Area, random: Random, overhang: number): Place {
  const at = (from: number, to: number): number => {
    const room = Math.max(0, (to - from) / 2 - size * (0.5 - overhang));
    return (from + to) / 2 + random.range(-room, room);
  };
  return { x: at(area.left, area.right), y: at(area.top, area.bottom), size };
}

/** Two things beside or above each other. */
function pair(pick: () => number, area: Area, random: Random): Place[] {
  const [width, height] = [area.right - area.left, area.bottom - area.top];
  const beside = width > 1.3 * height || (height <= 1.3 * width && random.chance(0.5));
  const [along, across] = beside ? [width, height] : [height, width];
  return [0, 1].map((half) => {
    const size = Math.min(pick(), along / 2);
    const room = Math.max(0, along / 4 - size / 2);
    const drift = Math.min(Math.max(0, across / 2 - size / 2), along * 0.14);
    const near = ((2 * half + 1) * along) / 4 + random.range(-room, room);
    const far = across / 2 + random.range(-drift, drift);
    const [x, y] = beside ? [near, far] : [far, near];
    return { x: area.left + x, y: area.top + y, size };
  });
}

function overlap(a: Place, b: Place): boolean {
  const reach = ((a.size + b.size) / 2) * 0.95;
  return Math.abs(a.x - b.x) < reach && Math.abs(a.y - b.y) < reach;
}

function scattered(count: number, pick: () => number, area: Area, random: Random): Place[] | undefined {
  const placed: Place[] = [];
  for (let attempt = 0; placed.length < count; attempt++) {
    if (attempt === 40) return undefined;
    const candidate = anywhere(pick(), area, random, 0);
    if (!placed.some((other) => overlap(candidate, other))) placed.push(candidate);
  }
  return placed;
}

/** Rows of things, as people draw several of them. */
function inRows(count: number, largest: number, area: Area, random: Random): Place[] {
  const rows = count <= 3 ? (random.chance(0.6) ? 1 : count) : count === 4 || random.chance(0.7) ? 2 : 3;
  const columns = Math.ceil(count / rows);
  const upright = random.chance(0.3);
  const [down, across] = upright ? [columns, rows] : [rows, columns];
  const [width, height] = [(area.right - area.left) / across, (area.bottom - area.top) / down];
  const size = Math.min(largest, 0.95 * Math.min(width, height)) * random.range(0.85, 1);
  return Array.from({ length: count }, (_, i) => {
    const [row, column] = upright ? [i % down, Math.floor(i / down)] : [Math.floor(i / across), i % across];
    const jitter = (room: number): number => random.range(-1, 1) * Math.max(0, (room - size) / 2) * 0.7;
    return {
      x: area.left + (column + 0.5) * width + jitter(width),
      y: area.top + (row + 0.5) * height + jitter(height),
      size,
    };
  });
}
