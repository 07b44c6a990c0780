import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/**
 * A set of pictures. `family` is whose hand drew it: two sets of one family (Microsoft's flat and 3-D renders of the same
 * designs) are never split between training and test.
 */
export interface Vendor {
  readonly name: string;
  readonly family: string;
  readonly packageName: string;
  /** Share-alike sets are for testing only. */
  readonly use: "train" | "test";
}

export const VENDORS: readonly Vendor[] = [
  { name: "twemoji", family: "twemoji", packageName: "@iconify-json/twemoji", use: "train" },
  { name: "noto", family: "noto", packageName: "@iconify-json/noto", use: "train" },
  { name: "noto-v1", family: "noto-v1", packageName: "@iconify-json/noto-v1", use: "train" },
  { name: "fluent-flat", family: "fluent", packageName: "@iconify-json/fluent-emoji-flat", use: "train" },
  { name: "fluent-3d", family: "fluent", packageName: "@lobehub/fluent-emoji-3d", use: "train" },
  { name: "emojione", family: "emojione", packageName: "@iconify-json/emojione", use: "train" },
  { name: "fxemoji", family: "fxemoji", packageName: "@iconify-json/fxemoji", use: "train" },
  { name: "streamline", family: "streamline", packageName: "@iconify-json/streamline-emojis", use: "train" },
  { name: "openmoji", family: "openmoji", packageName: "@iconify-json/openmoji", use: "test" },
];

interface IconifyIcon {
  body: string;
  left?: number;
  top?: number;
  width?: number;
  height?: number;
}
interface IconifySet {
  width?: number;
  height?: number;
  icons: Record<string, IconifyIcon>;
  aliases?: Record<string, { parent: string }>;
}

/** Pictures of one vendor, found by code point. */
export interface VendorPictures {
  /** The bytes (SVG or WebP) of every design of this emoji, each with a name that is unique within the vendor. */
  find(codePoint: string, names: readonly string[]): { name: string; bytes: Buffer }[];
  /** Base emoji by code point, as far as the set lists them. */
  readonly characters: Readonly<Record<string, string>>;
}

/** fxemoji and streamline use names of their own; these are the ones a rule cannot find. */
const OWN_NAMES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  fxemoji: {
    "1f415": ["dogside"],
    "1f436": ["dog"],
    "1f408": ["catside"],
    "1f431": ["cat"],
    "1f401": ["mouseside"],
    "1f42d": ["mouse"],
    "1f430": ["bunny", "bunnyside"],
    "1f98a": ["foxgrin", "foxsmiling"],
    "1f43a": ["wolfface"],
    "1f43c": ["pandaface"],
    "1f405": ["tigerside"],
    "1f42f": ["tiger"],
    "1f406": ["leopardside"],
    "1f434": ["horseface"],
    "1f404": ["cow"],
    "1f42e": ["cowface"],
    "1f416": ["pigside"],
    "1f437": ["pig"],
    "1f411": ["sheep"],
    "1f42a": ["dromedarycamel"],
    "1f42b": ["bactriancamel"],
    "1f435": ["monkeyface"],
    "1f433": ["spurtingwhale"],
    "1f420": ["tropicalfish"],
    "1f41e": ["ladybeetle"],
    "1f34e": ["redapple"],
    "1f34f": ["greenapple"],
    "1f34a": ["tangerine"],
    "1f346": ["aubergine"],
    "1f33d": ["earofmaize"],
    "1f336": ["chilipepper"],
    "1f355": ["sliceofpizza"],
    "1f35f": ["frenchfries"],
    "1f366": ["softicecream"],
    "1f368": ["icecream"],
    "1f382": ["birthdaycake"],
    "1f370": ["shortcake"],
    "1f36f": ["honeypot"],
    "2615": ["hotbeverage"],
    "1f377": ["wineglass"],
    "1f37a": ["beermug"],
    "1f697": ["automobile"],
    "1f698": ["oncomingautomobile"],
    "1f68d": ["oncomingbus"],
    "1f696": ["oncomingtaxi"],
    "1f69a": ["deliverytruck"],
    "1f69b": ["articulatedlorry"],
    "1f682": ["steamlocomotive"],
    "1f686": ["train"],
    "1f3e0": ["housebuilding"],
    "1f3e1": ["housewithgarden"],
    "1f3f0": ["europeancastle"],
    "1f3b9": ["musicalkeyboard"],
    "2702": ["blackscissors"],
    "1f52a": ["hocho"],
    "1f4d6": ["openbook"],
    "1f4d5": ["closedbook"],
    "23f0": ["alarmclock"],
    "1f4f8": ["camerawithflash"],
    "1f4f1": ["cellphone"],
    "1f4bb": ["personalcomputer"],
    "1f4a1": ["lightbulb"],
    "2614": ["umbrellawithraindrops"],
    "1f455": ["mansshirt"],
    "1f45f": ["runningshirt"],
    "1f45e": ["mensshoe"],
    "1f3a9": ["tophat"],
    "1f452": ["womanshat"],
    "1f392": ["schoolsatchel"],
    "26bd": ["soccerball"],
    "1f3c0": ["basketballandhoop"],
    "1f381": ["present"],
    "1f333": ["deciduoustree"],
    "1f332": ["evergreen"],
    "1f334": ["palmtree"],
    "1f341": ["mapleleaf"],
    "1f342": ["fallingleaf"],
    "1f3d4": ["snowmountains"],
    "2600": ["sunrays"],
    "1f31e": ["sunwithface"],
    "1f319": ["crescentmoon"],
    "1f315": ["fullmoon"],
    "2b50": ["whitemediumstar"],
    "26c4": ["snowmanwithoutsnow"],
    "2764": ["redheart"],
    "1f49b": ["heartyellow"],
    "1f499": ["heartblue"],
    "1f41d": ["honeybee"],
    "1f6bd": ["toilet"],
  },
  streamline: {
    "1f43b": ["bear-face"],
    "1f43c": ["panda-face"],
    "1f981": ["lion-face"],
    "1f98a": ["fox-face-1", "fox-face-2"],
    "1f43a": ["wolf-face"],
    "1f411": ["ewe-1", "ewe-2"],
    "1f438": ["frog-face"],
    "1f35f": ["french-fries"],
    "1f370": ["shortcake-1", "shortcake-2"],
    "1f366": ["soft-ice-cream-1", "soft-ice-cream-2"],
    "1f355": ["pizza-1", "pizza-2"],
    "2615": ["hot-beverage-1", "hot-beverage-2"],
    "1f392": ["school-backpack"],
    "1f381": ["wrapped-gift-1", "wrapped-gift-2"],
    "1f3b9": ["musical-keyboard"],
    "1f45e": ["mans-shoe"],
    "1f452": ["womans-hat"],
    "1f31e": ["sun-with-face"],
    "26c4": ["snowman"],
    "2764": ["heart-suit"],
    "1f916": ["robot-face-1", "robot-face-2", "robot-face-3"],
    "1f342": ["fallen-leaf"],
    "1f3e1": ["house-with-garden"],
    "1f4d6": ["open-book"],
    "1f41e": ["lady-beetle"],
    "1f41d": ["honeybee"],
    "1f377": ["wine-glass", "red-wine-glass"],
  },
};

/** `basketballandhoop` and `runningshirt` show something else than the emoji they stand in for. */
const WRONG_PICTURES: Readonly<Record<string, readonly string[]>> = {
  fxemoji: ["basketballandhoop", "runningshirt"],
};

const require = createRequire(import.meta.url);

function packageDirectory(name: string): string {
  try {
    return dirname(require.resolve(`${name}/package.json`));
  } catch {
    throw new Error(
      `owl-nano: the package ${name} must be installed, and is not; run "npm ci" (development packages included)`,
    );
  }
}

function spellings(vendor: string, codePoint: string, names: readonly string[]): string[] {
  const own = OWN_NAMES[vendor]?.[codePoint] ?? [];
  if (vendor === "fxemoji") return [...own, ...names.map((name) => name.replaceAll("-", ""))];
  if (vendor !== "streamline") return [...names];
  const numbered = names.flatMap((name) => [name, `${name}-1`, `${name}-2`, `${name}-3`]);
  return [...own, ...numbered];
}

function svg(icon: IconifyIcon, set: IconifySet): Buffer {
  const width = icon.width ?? set.width ?? 16;
  const height = icon.height ?? set.height ?? 16;
  const box = `${icon.left ?? 0} ${icon.top ?? 0} ${width} ${height}`;
  const head = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"`;
  return Buffer.from(`${head} width="96" height="96" viewBox="${box}">${icon.body}</svg>`);
}

function readSet(directory: string): IconifySet {
  return JSON.parse(readFileSync(join(directory, "icons.json"), "utf8")) as IconifySet;
}

/** The icons of a set that have one of these names, as SVG. */
export function openIconSet(
  packageName: string,
): (names: readonly string[]) => { name: string; bytes: Buffer }[] {
  const set = readSet(packageDirectory(packageName));
  return (names) =>
    names.flatMap((name) => {
      const icon = set.icons[name];
      return icon === undefined ? [] : [{ name, bytes: svg(icon, set) }];
    });
}

function openIconify(vendor: Vendor): VendorPictures {
  const directory = packageDirectory(vendor.packageName);
  const set = readSet(directory);
  const charactersFile = join(directory, "chars.json");
  const characters: Record<string, string> = existsSync(charactersFile)
    ? (JSON.parse(readFileSync(charactersFile, "utf8")) as Record<string, string>)
    : {};
  const resolve = (name: string): string => {
    const parent = set.aliases?.[name]?.parent;
    return parent === undefined ? name : resolve(parent);
  };
  const many = vendor.name === "streamline" || vendor.name === "fxemoji";
  return {
    characters,
    find(codePoint, names) {
      const listed = characters[codePoint];
      const wanted = listed === undefined ? spellings(vendor.name, codePoint, names) : [listed];
      const found = [...new Set(wanted.map(resolve))].filter(
        (name) => set.icons[name] !== undefined && !WRONG_PICTURES[vendor.name]?.includes(name),
      );
      return (many ? found : found.slice(0, 1)).map((name) => ({ name, bytes: svg(set.icons[name], set) }));
    },
  };
}

function openFluent3d(vendor: Vendor): VendorPictures {
  const assets = join(packageDirectory(vendor.packageName), "assets");
  return {
    characters: {},
    find(codePoint) {
      const file = [`${codePoint}.webp`, `${codePoint}-fe0f.webp`].find((name) =>
        existsSync(join(assets, name)),
      );
      return file === undefined ? [] : [{ name: codePoint, bytes: readFileSync(join(assets, file)) }];
    },
  };
}

/** Opens a vendor's package. Throws when it is not installed. */
export function openVendor(vendor: Vendor): VendorPictures {
  return vendor.name === "fluent-3d" ? openFluent3d(vendor) : openIconify(vendor);
}
