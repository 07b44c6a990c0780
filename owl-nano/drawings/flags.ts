import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Country } from "../concepts/countries.ts";
import { openVendor, VENDORS } from "./vendors.ts";

/** A set of flags; round and outlined ones are for testing only. */
export interface FlagSet {
  readonly name: string;
  readonly use: "train" | "test";
  /** The bytes of a country's flag, SVG; undefined where the set lacks it. */
  find(country: Country): Buffer | undefined;
}

const require = createRequire(import.meta.url);

function filesOf(packageName: string, folder: string, upper = false): FlagSet["find"] {
  const directory = join(dirname(require.resolve(`${packageName}/package.json`)), folder);
  return ({ code }) => {
    const path = join(directory, `${upper ? code.toUpperCase() : code}.svg`);
    return existsSync(path) ? readFileSync(path) : undefined;
  };
}

/** Emoji flags are two regional indicators. */
function emojiOf(vendorName: string): FlagSet["find"] {
  const pictures = openVendor(VENDORS.find(({ name }) => name === vendorName)!);
  return ({ code }) => {
    const points = [...code].map((letter) => (0x1f1e6 + letter.charCodeAt(0) - 97).toString(16)).join("-");
    const name = pictures.characters[points];
    return pictures.find(points, name === undefined ? [] : [name])[0]?.bytes;
  };
}

/** Every set of flags. */
export function openFlagSets(): FlagSet[] {
  return [
    { name: "flag-icons-4x3", use: "train", find: filesOf("flag-icons", "flags/4x3") },
    { name: "flag-icons-1x1", use: "train", find: filesOf("flag-icons", "flags/1x1") },
    { name: "country-flag-icons", use: "train", find: filesOf("country-flag-icons", "3x2", true) },
    { name: "twemoji-flags", use: "train", find: emojiOf("twemoji") },
    { name: "circle-flags", use: "test", find: filesOf("circle-flags", "flags") },
    { name: "openmoji-flags", use: "test", find: emojiOf("openmoji") },
  ];
}
