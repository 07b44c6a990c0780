import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { openVendor, VENDORS } from "./vendors.ts";

/**
 * The pictures in `examples/`: each is a drawing that no training stage has seen (see `splits.json`), on a background of its own.
 * Run with `npx tsx owl-nano/example-pictures.ts`.
 */
const EXAMPLES = [
  { file: "dog.png", vendor: "streamline", codePoint: "1f415", names: ["dog"], background: "#5b9be8" },
  { file: "owl.png", vendor: "noto", codePoint: "1f989", names: ["owl"], background: "#fbe26b" },
  { file: "guitar.png", vendor: "streamline", codePoint: "1f3b8", names: ["guitar"], background: "#f7a8c8" },
  { file: "rocket.png", vendor: "fluent-flat", codePoint: "1f680", names: ["rocket"], background: "#4fa86a" },
] as const;

const SIDE = 256;
const MARGIN = 32;

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
