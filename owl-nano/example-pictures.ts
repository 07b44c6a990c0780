import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { openVendor, VENDORS } from "./drawings/vendors.ts";

/**
 * The pictures in `examples/`: each is a drawing that no training stage has seen (see `splits.json`), on a background of its own. They were
 * chosen among those that the owl names right, which is true of two in three.
 * Run with `npx tsx owl-nano/example-pictures.ts`.
 */
const EXAMPLES = [
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

const SIDE = 256;
const MARGIN = 24;

async function draw({ file, vendor: name, codePoint, names, background }: (typeof EXAMPLES)[number]) {
  const vendor = VENDORS.find((one) => one.name === name);
  const drawing = vendor && openVendor(vendor).find(codePoint, names)[0];
  if (drawing === undefined) throw new Error(`examples/${file}: ${name} must have ${codePoint}, and has not`);
  const inner = SIDE - 2 * MARGIN;
  const picture = await sharp(drawing.bytes, { density: 300 })
    .resize(inner, inner, { fit: "contain", background: "#0000" })
    .toBuffer();
  const folder = fileURLToPath(new URL("../examples/", import.meta.url));
  mkdirSync(folder, { recursive: true });
  await sharp({ create: { width: SIDE, height: SIDE, channels: 3, background } })
    .composite([{ input: picture, left: MARGIN, top: MARGIN }])
    .png({ compressionLevel: 9 })
    .toFile(folder + file);
}

for (const example of EXAMPLES) await draw(example);
