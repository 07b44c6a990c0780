import type { Raster } from "./resize.ts";

/** `a · b / 255`, rounded, as the reference's integer arithmetic has it. */
function scaled(a: number, b: number): number {
  const product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

/** The first three channels; transparency is dropped, so that the colours under it show. */
export function withoutAlpha(image: Raster): Raster {
  if (image.channels === 3) return image;
  const pixels = image.width * image.height;
  const data = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    data[i * 3] = image.data[i * 4];
    data[i * 3 + 1] = image.data[i * 4 + 1];
    data[i * 3 + 2] = image.data[i * 4 + 2];
  }
  return { ...image, channels: 3, data };
}

/** Transparent pixels laid over white; opaque ones unchanged. */
export function overWhite(image: Raster): Raster {
  if (image.channels === 3) return image;
  const pixels = image.width * image.height;
  const data = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    const alpha = image.data[i * 4 + 3];
    for (let channel = 0; channel < 3; channel++) {
      data[i * 3 + channel] = scaled(image.data[i * 4 + channel], alpha) + 255 - alpha;
    }
  }
  return { ...image, channels: 3, data };
}

/** Colours multiplied by their alpha. */
export function premultiplied(image: Raster): Raster {
  const data = image.data.slice();
  for (let i = 0; i < data.length; i += 4) {
    for (let channel = 0; channel < 3; channel++) data[i + channel] = scaled(data[i + channel], data[i + 3]);
  }
  return { ...image, data };
}

/** The way back from {@link premultiplied}; fully transparent pixels stay as they are. */
export function unpremultiplied(image: Raster): Raster {
  const data = image.data.slice();
  for (let i = 0; i < data.length; i += 4) {
    const alpha = data[i + 3];
    if (alpha === 0 || alpha === 255) continue;
    for (let channel = 0; channel < 3; channel++) {
      data[i + channel] = Math.min(255, Math.trunc((255 * data[i + channel]) / alpha));
    }
  }
  return { ...image, data };
}

/** CMYK to RGB by the simple formula `(1 - K) · (1 - ink)`, without a colour profile. */
export function cmykToRgb(image: Raster): Raster {
  const pixels = image.width * image.height;
  const data = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    const light = 255 - image.data[i * 4 + 3];
    for (let channel = 0; channel < 3; channel++) {
      data[i * 3 + channel] = light - scaled(image.data[i * 4 + channel], light);
    }
  }
  return { ...image, channels: 3, data };
}

/** 16-bit gray to RGB as the reference does it: everything above 255 is white. */
export function clippedGray16ToRgb(gray: Uint16Array, width: number, height: number): Raster {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) data.fill(Math.min(gray[i], 255), i * 3, i * 3 + 3);
  return { width, height, channels: 3, data };
}
