import { type JpegComponent, JpegScanError, nextMarker, walkScan } from "./jpeg-scan.ts";
import { HuffmanTables } from "./jpeg-tables.ts";

export { JpegScanError } from "./jpeg-scan.ts";

/** What the frame of a JPEG file says. */
interface Frame {
  readonly width: number;
  readonly height: number;
  readonly isProgressive: boolean;
  readonly components: readonly JpegComponent[];
  /** Minimum coded units of a scan of several components. */
  readonly units: number;
}

const START = 0xd8;
const END = 0xd9;
const HUFFMAN_TABLES = 0xc4;
const RESTART_INTERVAL = 0xdd;
const SCAN = 0xda;
/** Encoders write a dozen or two; many more, of nearly no bytes, would keep a reader busy for hours. */
const MAX_SCANS = 100;
/** What is missing of a coefficient of which nothing came. */
const NOTHING_CAME = -1;
/** Frames whose entropy coding is read here: Huffman, sequential and progressive. */
const readFrames: ReadonlySet<number> = new Set([0xc0, 0xc1, 0xc2]);
const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && ![HUFFMAN_TABLES, 0xc8, 0xcc].includes(marker);
/** Markers without a length: restarts, the beginning, TEM. */
const isBare = (marker: number): boolean => (marker >= 0xd0 && marker <= START) || marker === 0x01;

/** A marker with its segment's content; the content of a bare one is empty. */
interface Segment {
  readonly marker: number;
  /** Where its 0xff stands. */
  readonly start: number;
  readonly content: Uint8Array;
  /** Where what follows begins. */
  readonly end: number;
}

/** The segments up to the first scan, or the end of what is there; bytes that fill up in front of a marker are passed over. */
export function* jpegSegments(bytes: Uint8Array, from = 0): Generator<Segment> {
  let at = from;
  while (at < bytes.length) {
    const start = nextMarker(bytes, at);
    if (start === bytes.length) return;
    const marker = bytes[start + 1];
    const length = isBare(marker) || marker === END ? 0 : 256 * bytes[start + 2] + bytes[start + 3];
    if (!(length === 0 || (length >= 2 && start + 2 + length <= bytes.length))) return;
    const end = start + 2 + length;
    yield { marker, start, content: bytes.subarray(start + 4, Math.max(start + 4, end)), end };
    at = end;
  }
}

/** Width and height of a JPEG file as stored; undefined where its header is cut or damaged. */
export function jpegSize(bytes: Uint8Array): { readonly width: number; readonly height: number } | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== START) return undefined;
  for (const { marker, content } of jpegSegments(bytes)) {
    if (isFrame(marker))
      return { height: 256 * content[1] + content[2], width: 256 * content[3] + content[4] };
    if (marker === SCAN) return undefined;
  }
  return undefined;
}

/**
 * Reads through a JPEG file without decoding it: decoders show a file that was cut or changed in its middle and say
 * nothing. What harms nothing passes (fill bytes, what follows the picture, a missing end). Arithmetic coding and
 * lossless JPEG are left to the decoder.
 *
 * @returns the file; with its end marker where only that was missing, which some decoders insist on
 * @throws JpegScanError where picture data are missing, damaged or out of place
 */
export function wholeJpeg(bytes: Uint8Array): Uint8Array {
  const tables = new HuffmanTables();
  let frame: Frame | undefined;
  let restartInterval = 0;
  let at = 0;
  let scans = 0;
  for (;;) {
    const { value: segment } = jpegSegments(bytes, at).next();
    if (!segment) break;
    const { marker, content } = segment;
    at = segment.end;
    if (marker === END) {
      if (frame === undefined) break;
      requireScanned(frame);
      return bytes;
    }
    if (marker === HUFFMAN_TABLES) tables.set(content);
    else if (marker === RESTART_INTERVAL) restartInterval = 256 * content[0] + content[1];
    else if (isFrame(marker)) {
      if (!readFrames.has(marker) || content[0] !== 8) return bytes;
      frame = readFrame(content, marker === 0xc2);
    } else if (marker === SCAN) {
      if (frame === undefined) break;
      if (++scans > MAX_SCANS) throw new JpegScanError(`more than ${MAX_SCANS} scans`);
      at = readScan(bytes, at, content, frame, tables, restartInterval);
      if (!frame.isProgressive && isWhole(frame)) return withEnd(bytes, at);
    }
  }
  if (frame === undefined || !isWhole(frame)) throw new JpegScanError("picture data that end early");
  return withEnd(bytes, at);
}

/** The file with an end where there was none: what stands there in its place is no part of the picture. */
function withEnd(bytes: Uint8Array, at: number): Uint8Array {
  if (bytes[nextMarker(bytes, at) + 1] === END) return bytes;
  const ended = new Uint8Array(at + 2);
  ended.set(bytes.subarray(0, at));
  ended.set([0xff, END], at);
  return ended;
}

function readFrame(content: Uint8Array, isProgressive: boolean): Frame {
  const height = 256 * content[1] + content[2];
  const width = 256 * content[3] + content[4];
  const stored = Array.from({ length: content[5] }, (_, i) => {
    const [id, sampling] = content.subarray(6 + 3 * i);
    return { id, across: sampling >>> 4, down: sampling & 15 };
  });
  const across = Math.max(...stored.map((component) => component.across));
  const down = Math.max(...stored.map((component) => component.down));
  if (!(width > 0 && height > 0 && stored.every((it) => it.across > 0 && it.down > 0))) {
    throw new JpegScanError("a frame without size");
  }
  const blocks = (size: number, share: number, most: number): number =>
    Math.ceil(Math.ceil((size * share) / most) / 8);
  const components = stored.map((it) => ({
    ...it,
    blocks: blocks(width, it.across, across) * blocks(height, it.down, down),
    missing: new Int8Array(64).fill(NOTHING_CAME),
  }));
  const units = Math.ceil(width / (8 * across)) * Math.ceil(height / (8 * down));
  return { width, height, isProgressive, components, units };
}

/** Reads a scan's data through; gives where they end. */
function readScan(
  bytes: Uint8Array,
  at: number,
  content: Uint8Array,
  frame: Frame,
  tables: HuffmanTables,
  restartInterval: number,
): number {
  const [count] = content;
  const scanned = new Set<JpegComponent>();
  const components = Array.from({ length: count }, (_, i) => {
    const [id, selectors] = content.subarray(1 + 2 * i);
    // Some encoders give several components one name, and mean them in order.
    const component = frame.components.find((it) => it.id === id && !scanned.has(it));
    if (component === undefined)
      throw new JpegScanError("a scan of a component that the frame does not have");
    scanned.add(component);
    return { component, dc: tables.get(selectors >>> 4), ac: tables.get(16 + (selectors & 15)) };
  });
  const { isProgressive } = frame;
  const [start, end, precision] = content.subarray(1 + 2 * count);
  const [first, last, before, after] = isProgressive
    ? [start, Math.min(end, 63), precision >>> 4, precision & 15]
    : [0, 63, 0, 0];
  for (const { missing } of scanned) {
    // Decoders take a first scan twice, but no refinement of what is not there or was refined.
    const isNext = missing.subarray(first, last + 1).every((bits) => before === Math.max(bits, 0));
    if (!isNext) throw new JpegScanError("scans that are missing or out of order");
  }
  const next = walkScan(bytes, at, {
    components,
    isProgressive,
    first,
    last,
    isRefinement: before > 0,
    units: count === 1 ? components[0].component.blocks : frame.units,
    restartInterval,
  });
  for (const { missing } of scanned) missing.fill(after, first, last + 1);
  return next;
}

/** Whether every coefficient of every component came to its last bit. */
function isWhole({ components }: Frame): boolean {
  return components.every(({ missing }) => missing.every((bits) => bits === 0));
}

/** A progressive picture may leave coefficients out, which then are zero, but no component's mean. */
function requireScanned({ components }: Frame): void {
  if (components.every(({ missing }) => missing[0] === 0)) return;
  throw new JpegScanError("picture data that end early");
}
