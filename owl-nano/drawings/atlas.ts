import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { readConcepts } from "../concepts/concepts.ts";
import { readCountries } from "../concepts/countries.ts";
import { hashText } from "../random.ts";
import { dominantColor } from "./dominant-color.ts";
import { openFlagSets } from "./flags.ts";
import { ICON_SETS, iconNames } from "./icons.ts";
import { openIconSet, openVendor, VENDORS, type Vendor, type VendorPictures } from "./vendors.ts";

/** Side of a sprite in pixels: its longer edge fills it, whatever margin the vendor left around it. */
export const SPRITE_SIZE = 72;

/** One drawing of one thing. */
export interface Sprite {
  /** `vendor/name`, unique. */
  readonly id: string;
  readonly vendor: string;
  readonly family: string;
  /** Class: a concept's index, from `conceptCount` on an emoji that is none of them, from `flagStart` on a country's flag. */
  readonly label: number;
  /** RGBA, premultiplied, `SPRITE_SIZE` squared. */
  readonly pixels: Uint8Array;
  /** The same at half the size, for small drawings. */
  readonly half: Uint8Array;
  /** A pictogram: shades of grey that stand for any two colors. Only training has them. */
  readonly icon: boolean;
  /** Index into `COLORS`, where the drawing has one color. */
  readonly color?: number | undefined;
  /** Darkest and lightest color of drawings of the same thing; only an icon has them. */
  readonly inks?: readonly Inks[];
}

/** Two colors, RGB in 0…1. */
export interface Inks {
  readonly dark: readonly [number, number, number];
  readonly light: readonly [number, number, number];
}

export interface Atlas {
  readonly sprites: readonly Sprite[];
  /** Concepts first, then the names of the further emoji, then the countries. */
  readonly labels: readonly string[];
  readonly conceptCount: number;
  /** The class of the first country's flag. */
  readonly flagStart: number;
}

const VERSION = 6;
const CACHE = join(dirname(fileURLToPath(import.meta.url)), "..", "..", ".cache", "owl-nano");

/** Names of people, gestures and signs, and of near-twins of the concepts (a blue book beside "book"). */
const UNWANTED = new RegExp(
  [
    "person|people|man|woman|men|girl|boy|baby|child|face|hand|finger|fist|thumb|family|kiss|couple|foot|hair|biceps|tone",
    "index-pointing|gesture|salute|palms|biting|feeding|detective|elf|fairy|genie|guard|mage|ninja|prince|santa|claus|hero|villain",
    "troll|vampire|zombie|officer|skier|surfer|speaking|star-struck|exploding|weary|pouting|grinning|cat$",
    "clock|thirty|button|arrow|circle|square|diamond|sign|symbol|zodiac|mark|bubble|keycap|selector|prayer|divide|minus|plus|multiply",
    "aries|taurus|gemini|cancer|leo|virgo|libra|scorpio|sagittarius|capricorn|aquarius|pisces|ophiuchus|medium|small|medal|hundred",
    "no-|suit$|wheel-of|om$|star-of|cross|peace|atom|yin|place-of|khanda|menorah|antenna|vibration|input|back$|end$|soon|top$|hole$",
    "heart|moon|book|ledger|umbrella|tree|ship|shirt|^rat$|bell|cloud|sun|truck|bus|train|tram|rail|motor|airplane|rosette|flower",
    "hibiscus|shoe|hat$|dog$|poodle|^ox$|buffalo|mount|snow|camera|phone|fax|key|lock|bag|bread|drink|star|car$|auto|vehicle|rolled",
    "guide|boot|spider|bee|cake|boat|oden|wedding|tomato|pig-|paw|monkey|globe|glasses|police|water|zzz|bust|silhouette|sweat|dizzy",
  ].join("|"),
);

/**
 * Emoji beyond the concepts, for vision pre-training only: single code points of things, animals, food and places. People, hands,
 * faces and signs are left out: their vendors agree on a yellow disc, which teaches little about things.
 */
function furtherEmoji(pictures: VendorPictures, taken: ReadonlySet<string>): [string, string][] {
  return Object.entries(pictures.characters).filter(([codePoint, name]) => {
    if (codePoint.includes("-") || taken.has(codePoint) || UNWANTED.test(name)) return false;
    const value = Number.parseInt(codePoint, 16);
    return (value >= 0x1f300 && value <= 0x1faff) || (value >= 0x2600 && value <= 0x27bf);
  });
}

/** Crops to what is visible and scales it so that the longer edge is `SPRITE_SIZE`; null when the picture is empty. */
async function render(bytes: Buffer): Promise<Uint8Array | null> {
  const { data, info } = await sharp(bytes).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  let [left, top, right, bottom] = [info.width, info.height, -1, -1];
  for (let y = 0; y < info.height; y++)
    for (let x = 0; x < info.width; x++)
      if (data[(y * info.width + x) * 4 + 3] > 24) {
        left = Math.min(left, x);
        right = Math.max(right, x);
        top = Math.min(top, y);
        bottom = Math.max(bottom, y);
      }
  if (right - left < 8 || bottom - top < 8) return null;
  const raw = await sharp(data, { raw: { width: info.width, height: info.height, channels: 4 } })
    .extract({ left, top, width: right - left + 1, height: bottom - top + 1 })
    .resize(SPRITE_SIZE, SPRITE_SIZE, { fit: "contain", background: { r: 0, g: 0, b: 0, alpha: 0 } })
    .raw()
    .toBuffer();
  const pixels = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i += 4) {
    const alpha = raw[i + 3];
    for (let c = 0; c < 3; c++) pixels[i + c] = Math.round((raw[i + c] * alpha) / 255);
    pixels[i + 3] = alpha;
  }
  return pixels;
}

function halve(pixels: Uint8Array): Uint8Array {
  const side = SPRITE_SIZE / 2;
  const half = new Uint8Array(side * side * 4);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      for (let c = 0; c < 4; c++) {
        const at = (2 * y * SPRITE_SIZE + 2 * x) * 4 + c;
        const row = SPRITE_SIZE * 4;
        half[(y * side + x) * 4 + c] =
          (pixels[at] + pixels[at + 4] + pixels[at + row] + pixels[at + row + 4] + 2) >> 2;
      }
  return half;
}

/**
 * A pictogram as shades of grey: what is drawn with little opacity is a light shade, and in half of the versions the holes of a
 * silhouette are filled with the lightest, as the belly of a black cow is white. Null where nothing would be filled.
 */
function greyVersion(pixels: Uint8Array, filled: boolean): Uint8Array | null {
  const side = SPRITE_SIZE;
  const grey = new Uint8Array(pixels.length);
  const outside = filled ? reachedFromOutside(pixels) : undefined;
  let fresh = 0;
  for (let i = 0; i < side * side; i++) {
    const alpha = pixels[i * 4 + 3] / 255;
    const shade =
      alpha === 0
        ? 0
        : (0.3 * pixels[i * 4] + 0.59 * pixels[i * 4 + 1] + 0.11 * pixels[i * 4 + 2]) / 255 / alpha;
    const inside = outside !== undefined && outside[i] === 0;
    // Opacities of a fifth and more are areas of a second tone, not edges.
    const coverage = inside ? 1 : Math.min(1, alpha * (alpha > 0.15 ? 4 : 1));
    const light = inside
      ? shade * alpha + (1 - alpha)
      : Math.min(1, shade + (coverage - alpha) / Math.max(coverage, 1e-3));
    if (inside && alpha < 0.5) fresh++;
    for (let c = 0; c < 3; c++) grey[i * 4 + c] = Math.round(light * coverage * 255);
    grey[i * 4 + 3] = Math.round(coverage * 255);
  }
  return filled && fresh < 0.03 * side * side ? null : grey;
}

/** 1 for each transparent pixel that a path of such pixels joins to the border. */
function reachedFromOutside(pixels: Uint8Array): Uint8Array {
  const side = SPRITE_SIZE;
  const reached = new Uint8Array(side * side);
  const open: number[] = [];
  const visit = (x: number, y: number): void => {
    if (x < 0 || y < 0 || x >= side || y >= side) return;
    const at = y * side + x;
    if (reached[at] === 1 || pixels[at * 4 + 3] > 100) return;
    reached[at] = 1;
    open.push(at);
  };
  for (let i = 0; i < side; i++) for (const edge of [0, side - 1]) [visit(i, edge), visit(edge, i)];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const [x, y] = [at % side, Math.floor(at / side)];
    visit(x - 1, y);
    visit(x + 1, y);
    visit(x, y - 1);
    visit(x, y + 1);
  }
  return reached;
}

interface IndexEntry {
  id: string;
  vendor: string;
  family: string;
  label: number;
  icon: boolean;
  color?: number | undefined;
}
interface AtlasIndex {
  key: number;
  labels: string[];
  conceptCount: number;
  flagStart: number;
  sprites: IndexEntry[];
}

interface Wanted {
  label: number;
  codePoint: string;
}

function openAll(vendors: readonly Vendor[]): { vendor: Vendor; pictures: VendorPictures }[] {
  return vendors.map((vendor) => ({ vendor, pictures: openVendor(vendor) }));
}

/** What to render: every concept and the further emoji, or these concepts alone. */
function wantedEmoji(
  twemoji: VendorPictures,
  only: readonly string[] | undefined,
): { labels: string[]; wanted: Wanted[] } {
  const concepts = readConcepts();
  const further = only ? [] : furtherEmoji(twemoji, new Set(concepts.flatMap((concept) => concept.emoji)));
  const shown = concepts.filter(({ name }) => only?.includes(name) ?? true);
  return {
    labels: [...concepts.map(({ name }) => name), ...further.map(([, name]) => name)],
    wanted: [
      ...shown.flatMap(({ emoji, index }) => emoji.map((codePoint) => ({ label: index, codePoint }))),
      ...further.map(([codePoint], i) => ({ label: concepts.length + i, codePoint })),
    ],
  };
}

async function build(
  key: number,
  only?: readonly string[],
): Promise<{ index: AtlasIndex; pixels: Uint8Array }> {
  const conceptCount = readConcepts().length;
  const opened = openAll(VENDORS);
  const twemoji = opened.find(({ vendor }) => vendor.name === "twemoji")!.pictures;
  const { labels, wanted } = wantedEmoji(twemoji, only);
  const sprites: IndexEntry[] = [];
  const pixels: Uint8Array[] = [];
  const seen = new Set<string>();
  for (const { label, codePoint } of wanted) {
    const names = [
      ...new Set(
        opened.map(({ pictures }) => pictures.characters[codePoint]).filter((name) => name !== undefined),
      ),
    ];
    for (const { vendor, pictures } of opened) {
      // The test vendor is needed for the concepts alone.
      if (vendor.use === "test" && label >= conceptCount) continue;
      for (const { name, bytes } of pictures.find(codePoint, names)) {
        const id = `${vendor.name}/${name}`;
        if (seen.has(id)) continue;
        seen.add(id);
        const picture = await render(bytes);
        if (picture === null) continue;
        const color = dominantColor(picture);
        sprites.push({ id, vendor: vendor.name, family: vendor.family, label, icon: false, color });
        pixels.push(picture);
      }
    }
  }
  for (const { entry, picture } of only === undefined ? await flags(labels.length) : []) {
    sprites.push(entry);
    pixels.push(picture);
  }
  for (const { entry, picture } of await icons(only)) {
    sprites.push(entry);
    pixels.push(picture);
  }
  const all = [...labels, ...readCountries().map(({ name }) => name)];
  const index = { key, labels: all, conceptCount, flagStart: labels.length, sprites };
  return { index, pixels: Buffer.concat(pixels) };
}

/** Every flag of every set. */
async function flags(flagStart: number): Promise<{ entry: IndexEntry; picture: Uint8Array }[]> {
  const drawn: { entry: IndexEntry; picture: Uint8Array }[] = [];
  for (const set of openFlagSets())
    for (const country of readCountries()) {
      const bytes = set.find(country);
      const picture = bytes === undefined ? null : await render(bytes);
      if (picture === null) continue;
      const id = `${set.name}/${country.code}`;
      const label = flagStart + country.index;
      drawn.push({ entry: { id, vendor: set.name, family: set.name, label, icon: false }, picture });
    }
  return drawn;
}

/** The pictograms of every concept, or of these alone. */
async function icons(
  only: readonly string[] | undefined,
): Promise<{ entry: IndexEntry; picture: Uint8Array }[]> {
  const concepts = readConcepts().filter(({ name }) => only?.includes(name) ?? true);
  const drawn: { entry: IndexEntry; picture: Uint8Array }[] = [];
  for (const set of ICON_SETS) {
    const find = openIconSet(set.packageName);
    for (const concept of concepts)
      for (const { name, bytes } of find(iconNames(set, concept))) {
        const picture = await render(bytes);
        for (const filled of [false, true]) {
          const version = picture && greyVersion(picture, filled);
          const id = `${set.name}/${name}${filled ? " filled" : ""}`;
          if (!version || drawn.some(({ entry }) => entry.id === id)) continue;
          drawn.push({
            entry: { id, vendor: set.name, family: set.family, label: concept.index, icon: true },
            picture: version,
          });
        }
      }
  }
  return drawn;
}

/** Writes the file beside its place first, so that a stopped build leaves no half atlas. */
function store(path: string, content: string | Uint8Array): void {
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
}

function atlasFrom(index: AtlasIndex, all: Uint8Array): Atlas {
  const bytes = SPRITE_SIZE * SPRITE_SIZE * 4;
  const sprites = index.sprites.map((entry, i) => {
    const pixels = all.subarray(i * bytes, (i + 1) * bytes);
    return { ...entry, pixels, half: halve(pixels) };
  });
  const { labels, conceptCount, flagStart } = index;
  return { sprites, labels, conceptCount, flagStart };
}

/**
 * Every sprite of every vendor, from the cache in `.cache/owl-nano` or, the first time, rendered from the development packages
 * (under a minute). Nothing is fetched.
 */
export async function loadAtlas(): Promise<Atlas> {
  const key = hashText(`${VERSION} ${JSON.stringify([readConcepts(), readCountries(), VENDORS, ICON_SETS])}`);
  const indexFile = join(CACHE, "atlas.json");
  const pixelsFile = join(CACHE, "atlas.rgba");
  if (!existsSync(indexFile) || (JSON.parse(readFileSync(indexFile, "utf8")) as AtlasIndex).key !== key) {
    const { index, pixels } = await build(key);
    mkdirSync(CACHE, { recursive: true });
    store(pixelsFile, pixels);
    store(indexFile, JSON.stringify(index));
  }
  const index = JSON.parse(readFileSync(indexFile, "utf8")) as AtlasIndex;
  return atlasFrom(index, new Uint8Array(readFileSync(pixelsFile)));
}

/** The sprites of these concepts alone, rendered anew: seconds, and nothing is kept. */
export async function renderAtlas(concepts: readonly string[]): Promise<Atlas> {
  const { index, pixels } = await build(0, concepts);
  return atlasFrom(index, pixels);
}
