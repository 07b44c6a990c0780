/**
 * A drawing as a PNG file. Its texts are written with the fonts of this machine.
 *
 * @param svg the drawing's source, with a width and a height
 * @param scale pixels a unit of the drawing
 */
export async function renderSvg(svg: string, scale: number): Promise<Uint8Array> {
  const { default: sharp } = await import("sharp");
  // 72 dots an inch are one pixel a unit.
  return sharp(new TextEncoder().encode(svg), { density: 72 * scale })
    .png()
    .toBuffer();
}
