import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { COLORS, WHITE } from "./concepts/colors.ts";
import { openVendor, VENDORS } from "./drawings/vendors.ts";
import { documentScene, type Studio, signScene, thingsScene } from "./pictures/compose.ts";
import { type DrawnScene, renderClean } from "./pictures/drawn-scene.ts";
import { testSupply } from "./pictures/supplies.ts";
import { randomFor } from "./random.ts";
import type { Subject } from "./scenes/scene.ts";
import { loadMaterial } from "./training/sources.ts";

/**
 * The pictures in `examples/`, of drawings and fonts that no training stage has seen (see `splits.json`): one drawing each on a
 * background, then what the owl also speaks of. They were chosen among those that it answers right.
 * Run with `npx tsx owl-nano/example-pictures.ts`.
 */
const ALONE = [
  { file: "owl.png", vendor: "noto", codePoint: "1f989", names: ["owl"], background: "#5b9be8" },
  {
    file: "sunflower.png",
    vendor: "emojione",
    codePoint: "1f33b",
    names: ["sunflower"],
    background: "#f7a8c8",
  },
  { file: "penguin.png", vendor: "emojione", codePoint: "1f427", names: ["penguin"], background: "#fbe26b" },
  {
    file: "umbrella.png",
    vendor: "twemoji",
    codePoint: "2614",
    names: ["umbrella-with-rain-drops"],
    background: "#4fa86a",
  },
] as const;

/** A composed picture; its seed decides which drawings, where and how large. */
interface Composed {
  readonly file: string;
  readonly seed: number;
  readonly compose: (studio: Studio) => DrawnScene | undefined;
}

const FOLDER = fileURLToPath(new URL("../examples/", import.meta.url));
const SIDE = 256;
const MARGIN = 24;

async function draw({ file, vendor: name, codePoint, names, background }: (typeof ALONE)[number]) {
  const vendor = VENDORS.find((one) => one.name === name);
  const drawing = vendor && openVendor(vendor).find(codePoint, names)[0];
  if (drawing === undefined) throw new Error(`examples/${file}: ${name} must have ${codePoint}, and has not`);
  const inner = SIDE - 2 * MARGIN;
  const picture = await sharp(drawing.bytes, { density: 300 })
    .resize(inner, inner, { fit: "contain", background: "#0000" })
    .toBuffer();
  await sharp({ create: { width: SIDE, height: SIDE, channels: 3, background } })
    .composite([{ input: picture, left: MARGIN, top: MARGIN }])
    .png({ compressionLevel: 9 })
    .toFile(FOLDER + file);
}

const colorNamed = (name: string): number => COLORS.findIndex((color) => color.name === name);

/** Things of these names on a background, in the order of reading. */
function things(names: readonly string[], background: number): Composed["compose"] {
  return (studio) => {
    const subjects = names.map((name): Subject => {
      const concept = studio.supply.concepts.find((one) => one.name === name);
      if (concept === undefined) throw new Error(`examples: a drawing of "${name}" is needed, got none`);
      return { kind: "concept", concept };
    });
    return thingsScene(studio, subjects, background);
  };
}

const COMPOSED: readonly Composed[] = [
  { file: "pair.png", seed: 1, compose: things(["tree", "car"], colorNamed("blue")) },
  { file: "several.png", seed: 3, compose: things(["strawberry", "strawberry", "strawberry"], WHITE) },
  {
    file: "sign.png",
    seed: 1,
    compose: (studio) => signScene(studio, [{ label: "PARK" }, { label: "HERE" }], colorNamed("yellow")),
  },
  {
    file: "receipt.png",
    seed: 3,
    compose: (studio) =>
      documentScene(studio, {
        layout: "receipt",
        rows: [
          { label: "MILK", value: "3" },
          { label: "BREAD", value: "5" },
          { label: "TOTAL", value: "8" },
        ],
      }),
  },
];

mkdirSync(FOLDER, { recursive: true });
for (const example of ALONE) await draw(example);
const supply = testSupply((await loadMaterial()).drawings, "S1");
for (const { file, seed, compose } of COMPOSED) {
  const random = randomFor(seed, `examples ${file}`, 0);
  const scene = compose({ supply, size: SIDE, random });
  if (scene === undefined)
    throw new Error(`examples/${file}: its text must fit, and does not; take another seed`);
  const { width, height, data } = renderClean(scene, random);
  await sharp(data, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 9 })
    .toFile(FOLDER + file);
}
